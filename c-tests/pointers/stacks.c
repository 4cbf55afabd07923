// Arguments in all kinds of memory, good and bad, from all kinds of stacks: a thread's own, a signal
// handler's, and a coroutine's with a guard page above it. For every pointer the answer must be the
// kernel's.
#include "../transcript.h"
#include <pthread.h>
#include <sys/auxv.h>
#include <ucontext.h>

enum { PAGE = 4096, STACK = 16 * PAGE, DEEP = 300 * 1024 };

static int udp, listener, bound;
static void *hole, *forbidden, *end; // An unmapped page, an unreadable one, and the end of a page before such a one.

// A mapping with a guard page on each side.
static char *guarded(size_t size)
{
	char *all = mmap(NULL, size + 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (all == MAP_FAILED)
		MUST(-1);
	MUST(mprotect(all, PAGE, PROT_NONE));
	MUST(mprotect(all + PAGE + size, PAGE, PROT_NONE));
	return all + PAGE;
}

// The calls that read their arguments first, with what the kernel answers to the same system call.
#define BOTH(call, number, ...)                                                                              \
	do {                                                                                                 \
		errno = 0;                                                                                   \
		long result = call(__VA_ARGS__), error = errno, there;                                       \
		errno = 0;                                                                                   \
		there = (syscall)(number, __VA_ARGS__);                                                      \
		if (result != there || error != errno)                                                       \
			printf("%s, %s: %s, but %s\n", where, #call, errno_name(error), errno_name(errno));  \
		else                                                                                         \
			asked++;                                                                             \
	} while (0)

static int asked;

static void ask(const char *where, void *pointer)
{
	struct sockaddr_storage address;

	BOTH(bind, SYS_bind, listener, pointer, 16);
	BOTH(connect, SYS_connect, listener, pointer, 1);
	BOTH(connect, SYS_connect, listener, pointer, 128);
	BOTH(setsockopt, SYS_setsockopt, udp, SOL_SOCKET, SO_KEEPALIVE, pointer, 4);
	BOTH(sendto, SYS_sendto, udp, "x", 1, 0, pointer, 16);
	BOTH(getsockname, SYS_getsockname, listener, (void *)&address, pointer);
	BOTH(getsockopt, SYS_getsockopt, udp, SOL_SOCKET, SO_KEEPALIVE, (void *)&address, pointer);
}

static void ask_bad(void)
{
	struct {
		const char *name;
		void *pointer;
	} bad[] = {
		{"null", NULL},
		{"nowhere", NOWHERE},
		{"a hole", hole},
		{"forbidden", forbidden},
		{"the last byte", (char *)end - 1},
		{"the kernel's", (void *)0xffff800000000000},
		{"not canonical", (void *)0x0000800000000000},
		{"the very last", (void *)-1L},
		{"the last int", (void *)-4L},
	};
	asked = 0;
	for (size_t i = 0; i < COUNT(bad); i++)
		ask(bad[i].name, bad[i].pointer);
	printf("  bad pointers: %d answers\n", asked);
}

// These calls only read their arguments, whatever the bytes are.
static void only_read(const char *where, void *pointer)
{
	BOTH(bind, SYS_bind, bound, pointer, 16);
	BOTH(setsockopt, SYS_setsockopt, udp, SOL_SOCKET, SO_KEEPALIVE, pointer, 4);
}

// Addresses from the frame to `top`, in large steps, and in small steps around `top`.
static void ask_up_to(char *from, char *top)
{
	int many = 0;

	asked = 0;
	for (char *at = from; at < top - 200; at += 1000, many++)
		only_read("below the top", at);
	for (char *at = top - 200; at < top + 200; at += 3, many++)
		only_read("at the top", at);
	printf("  up to the top: %s\n", asked == many * 2 ? "all" : "not all");
}

static void ask_good(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct sockaddr_storage got;
	socklen_t length = sizeof(got), short_length = 3, negative = -1;
	int on = 1, value = 7, fd = MUST(socket(AF_INET, SOCK_STREAM, 0));

	CALL(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
	CALL(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, 3));
	CALL(bind(fd, SA(address), sizeof address));
	CALL(bind(fd, SA(address), sizeof address));
	CALL(listen(fd, 1));
	CALL(getsockname(fd, SA(got), &length));
	CALL(getsockname(fd, SA(got), &short_length));
	CALL(getsockname(fd, SA(got), &negative));
	printf("lengths %u %u %d\n", length, short_length, (int)negative);
	length = sizeof value;
	CALL(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, &length));
	printf("value %d, length %u\n", value, length);
	MUST(close(fd));
}

static char *stack_top;

static void everything(void)
{
	char frame;

	ask_bad();
	ask_good();
	if (stack_top)
		ask_up_to(&frame, stack_top);
}

// Calls from far below the frames of its caller.
__attribute__((noinline)) static void deep(void)
{
	volatile char room[DEEP];

	for (size_t i = 0; i < DEEP; i += PAGE)
		room[i] = 1;
	everything();
	room[0] = room[1];
}

static void handler(int signal)
{
	(void)signal;
	everything();
}

static void by_signal(void)
{
	char *memory = guarded(STACK);
	stack_t stack = {.ss_sp = memory, .ss_size = STACK}, none = {.ss_flags = SS_DISABLE};
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

	MUST(sigaltstack(&stack, NULL));
	MUST(sigaction(SIGUSR1, &action, NULL));
	stack_top = memory + STACK;
	MUST(raise(SIGUSR1));
	MUST(sigaltstack(&none, NULL));
}

static ucontext_t caller, coroutine;

static void run(void *stack, void (*what)(void))
{
	MUST(getcontext(&coroutine));
	coroutine.uc_stack = (stack_t){.ss_sp = stack, .ss_size = STACK};
	coroutine.uc_link = &caller;
	stack_top = (char *)stack + STACK;
	makecontext(&coroutine, what, 0);
	MUST(swapcontext(&caller, &coroutine));
}

static void *on_a_thread(void *coroutines_stack)
{
	stack_top = NULL;
	printf("thread\n");
	everything();
	printf("coroutine of the thread\n");
	run(coroutines_stack, everything);
	return NULL;
}

static void start(const pthread_attr_t *attributes, void *(*what)(void *), void *argument)
{
	pthread_t thread;

	errno = pthread_create(&thread, attributes, what, argument);
	MUST(errno ? -1 : 0);
	pthread_join(thread, NULL);
}

static void threads(void)
{
	enum { SIZE = 32 * PAGE };
	pthread_attr_t attributes;
	// The coroutine's stack, a guard page, and above it the thread's.
	char *memory = guarded(STACK + PAGE + SIZE);

	MUST(mprotect(memory + STACK, PAGE, PROT_NONE));
	pthread_attr_init(&attributes);
	pthread_attr_setstack(&attributes, memory + STACK + PAGE, SIZE);
	start(&attributes, on_a_thread, memory);
	// The same mapping, shifted: the guard page is now where frames were.
	char *shifted = memory + 2 * PAGE;
	MUST(mprotect(memory + STACK, PAGE, PROT_READ | PROT_WRITE));
	MUST(mprotect(memory + STACK + 2 * PAGE, PAGE, PROT_NONE));
	pthread_attr_setstack(&attributes, memory + STACK + 3 * PAGE, SIZE - 2 * PAGE);
	start(&attributes, on_a_thread, shifted);
}

static void *deep_on_a_thread(void *unused)
{
	deep();
	return unused;
}

int main(void)
{
	struct sockaddr_un nameless = {.sun_family = AF_UNIX};

	udp = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	listener = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(listen(listener, 1));
	bound = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
	MUST(bind(bound, SA(nameless), sizeof(sa_family_t)));
	hole = guarded(PAGE);
	MUST(munmap(hole, PAGE));
	end = guarded(PAGE) + PAGE;
	forbidden = end;

	printf("main\n");
	// The program's name is at the very end of the stack, except for eight bytes.
	const char *name = (const char *)getauxval(AT_EXECFN);
	stack_top = (char *)name + strlen(name) + 1 + 8;
	everything();
	stack_top = NULL;
	printf("deep\n");
	deep();
	printf("signal handler\n");
	by_signal();
	printf("coroutine\n");
	run(guarded(STACK), everything);
	threads();
	stack_top = NULL;
	printf("deep on a thread\n");
	start(NULL, deep_on_a_thread, NULL);
	return 0;
}
