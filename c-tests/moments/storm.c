// A library, to be preloaded, that interrupts the program's first thread 2,000 times a second with a handler that makes
// hooked calls. -DFLAGS=SA_RESTART, or another value for sigaction
#include "../stress/stress.h"
#include <time.h>

static void on_signal(int signal)
{
	struct sockaddr_un address;
	socklen_t length = sizeof(address);
	int saved = errno, pair[2] = {-1, -1};
	char byte;

	(void)signal;
	// On high numbers, so that the program's own numbers, which its transcript shows, do not change.
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) {
		int high = fcntl(pair[0], F_DUPFD_CLOEXEC, 500);
		errno = 0;
		int right = getsockname(high, (struct sockaddr *)&address, &length) == 0 && errno == 0 &&
			    send(high, "x", 1, 0) == 1 && recv(pair[1], &byte, 1, 0) == 1 &&
			    send(pair[1], "x", 1, MSG_OOB | MSG_DONTROUTE | 0x8000000) != 0;
		if (!right || close(high) || close(pair[0]) || close(pair[1]) || close(high) != -1 || errno != EBADF)
			die("a call of the handler");
	}
	errno = saved;
}

__attribute__((constructor)) static void begin(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGURG};
	struct itimerspec every = {{0, 500000}, {0, 500000}};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = FLAGS};
	timer_t timer;

	// Neither timer nor handler survives exec, and a program without a handler ignores this signal.
	event._sigev_un._tid = gettid();
	CHECK(sigaction(SIGURG, &action, NULL));
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer));
	CHECK(timer_settime(timer, 0, &every, NULL));
}
