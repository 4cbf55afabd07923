// Pointers into the program's own stack, parts of which it has made unreadable or unmapped while the frames
// around them are in use: what an earlier call could read is EFAULT now. On the main stack, on a thread's,
// and on a signal handler's alternate stack; on the page of the caller's own frame and on the pages around
// it.
#include "../transcript.h"
#include <pthread.h>
#include <stdbool.h>

enum { PAGE = 4096, ROOM = 6 * PAGE };

static int stream, datagram;
static bool grows; // The main stack, which the kernel lets grow into a hole below it.

// Makes every call that reads an argument first, with the same pointer.
static void ask(const char *where, void *pointer)
{
	struct sockaddr_storage got;

	printf("%s\n", where);
	CALL(connect(stream, pointer, 16));
	CALL(bind(stream, pointer, 16));
	CALL(setsockopt(stream, SOL_SOCKET, SO_REUSEADDR, pointer, 4));
	CALL(getsockname(stream, SA(got), pointer));
	CALL(getsockopt(stream, SOL_SOCKET, SO_TYPE, &got, pointer));
	CALL(sendto(datagram, "x", 1, 0, pointer, 16));
	CALL(poll(pointer, 1, 0));
}

// Calls from frames far below, so that the stack above them has been in use.
__attribute__((noinline)) static void from_below(void *pointer)
{
	volatile char room[3 * PAGE];

	for (size_t i = 0; i < sizeof(room); i += PAGE)
		room[i] = 1;
	CALL(setsockopt(stream, SOL_SOCKET, SO_REUSEADDR, pointer, 4));
	room[0] = room[1];
}

// The first whole page of some memory.
static char *first_page(char *memory)
{
	return (char *)(((uintptr_t)memory + PAGE - 1) & -(uintptr_t)PAGE);
}

// A page in the middle of this frame becomes unreadable and readable again; `end` is just below it.
__attribute__((noinline)) static void in_a_frame(void)
{
	char area[ROOM];
	char *page = first_page(area) + 2 * PAGE, *end = page - 8;

	memset(area, 0, sizeof area);
	from_below(page);
	ask("readable", page);
	MUST(mprotect(page, PAGE, PROT_NONE));
	ask("forbidden", page);
	ask("forbidden, its last bytes", page + PAGE - 16);
	ask("into the forbidden page", end);
	from_below(page);
	from_below(end);
	MUST(mprotect(page, PAGE, PROT_READ));
	ask("readable only", page);
	MUST(mprotect(page, PAGE, PROT_NONE));
	ask("forbidden again", page);
	if (grows) {
		MUST(mprotect(page, PAGE, PROT_READ | PROT_WRITE));
		return;
	}
	MUST(munmap(page, PAGE));
	ask("unmapped", page);
	if (mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != page)
		MUST(-1);
	ask("mapped again", page);
}

// The pages right above the frame that makes the calls: at no distance may a page be assumed to be
// readable.
__attribute__((noinline)) static void right_above(char *page, size_t distance)
{
	volatile char room[PAGE];

	room[distance % PAGE] = 1;
	CALL(setsockopt(stream, SOL_SOCKET, SO_REUSEADDR, page + distance, 4));
	CALL(setsockopt(stream, SOL_SOCKET, SO_REUSEADDR, page - 2, 4));
	room[0] = room[1];
}

__attribute__((noinline)) static void at_all_distances(size_t shift)
{
	char area[3 * PAGE];
	char *page = first_page(area);

	memset(area, 0, sizeof area);
	alloca(shift);
	MUST(mprotect(page, PAGE, PROT_NONE));
	right_above(page, 0);
	right_above(page, shift);
	MUST(mprotect(page, PAGE, PROT_READ | PROT_WRITE));
}

static void everything(void)
{
	in_a_frame();
	for (size_t shift = 0; shift < PAGE; shift += 512)
		at_all_distances(shift);
}

static void *on_a_thread(void *unused)
{
	everything();
	return unused;
}

static char *alternate;

static void handler(int signal)
{
	(void)signal;
	everything();
	// The upper end of this stack is not needed before the handler returns.
	char *top = alternate + 32 * PAGE;
	MUST(munmap(top, PAGE));
	ask("behind the alternate stack", top);
	ask("up to its end", top - 2);
}

int main(void)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
	pthread_t thread;

	stream = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	datagram = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
	printf("main\n");
	grows = true;
	everything();
	grows = false;
	printf("thread\n");
	errno = pthread_create(&thread, NULL, on_a_thread, NULL);
	MUST(errno ? -1 : 0);
	pthread_join(thread, NULL);
	printf("signal handler\n");
	alternate = mmap(NULL, 33 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (alternate == MAP_FAILED)
		MUST(-1);
	MUST(sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = 32 * PAGE}, NULL));
	MUST(sigaction(SIGUSR1, &action, NULL));
	MUST(raise(SIGUSR1));
	return 0;
}
