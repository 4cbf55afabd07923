// Makes every kind of call on the smallest stack that a thread can have, and in a signal handler on the
// smallest stack that a handler can have.
#include "sockets.h"
#include <limits.h>
#include <sys/mman.h>

static int pair[2];
static atomic_int handled;

static void little(void)
{
	struct sockaddr_un address;
	socklen_t length = sizeof(address);
	char byte;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	handled += bind(fd, ADDRESS(((struct sockaddr_in){.sin_family = AF_INET}))) == 0 && listen(fd, 1) == 0 &&
		   getsockname(fd, (struct sockaddr *)&address, &length) == 0 && close(fd) == 0 &&
		   send(pair[0], "x", 1, 0) == 1 && recv(pair[1], &byte, 1, 0) == 1;
}

static void on_signal(int signal)
{
	(void)signal;
	little();
}

static void *thread(void *unused)
{
	// With large registers, the kernel's signal frame alone takes some kilobytes of this.
	size_t size = sysconf(_SC_MINSIGSTKSZ) + 12288;
	stack_t stack = {.ss_sp = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
			 .ss_size = size};

	little();
	CHECK(sigaltstack(&stack, NULL));
	raise(SIGUSR1);
	stack.ss_flags = SS_DISABLE;
	CHECK(sigaltstack(&stack, NULL));
	return unused;
}

int main(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
	pthread_attr_t attributes;
	pthread_t other;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CHECK(sigaction(SIGUSR1, &action, NULL));
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 16384);
	for (int i = 0; i < 20; i++) {
		errno = pthread_create(&other, &attributes, thread, NULL);
		CHECK(-errno);
		pthread_join(other, NULL);
	}
	expect("handled", handled);
	print_transcript();
	return 0;
}
