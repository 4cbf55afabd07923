// Without a timeout, a wait continues after a handler with SA_RESTART, and ends with EINTR without it.
#include "../transcript.h"

static int wakes[2], handled, wanted;

// Makes the interrupted wait succeed, but only after a few signals.
static void handler(int number)
{
	(void)number;
	int saved = errno;
	if (++handled == wanted && write(wakes[0], "x", 1) != 1)
		_exit(SETUP_STATUS);
	errno = saved;
}

static long receive(int flags, int needed)
{
	char byte;
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec every = {.it_value.tv_nsec = 5000000, .it_interval.tv_nsec = 5000000};
	handled = 0;
	wanted = needed;
	MUST(sigaction(SIGUSR1, &action, NULL));
	MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
	MUST(timer_settime(timer, 0, &every, NULL));
	errno = UNTOUCHED;
	long result = recv(wakes[1], &byte, 1, 0);
	int error = errno;
	MUST(timer_delete(timer));
	errno = error;
	return result;
}

int main(void)
{
	tcp_pair(wakes);
	CALL_AS("with SA_RESTART", receive(SA_RESTART, 3));
	printf("the handler ran three times or more: %d\n", handled >= 3);
	CALL_AS("without", receive(0, INT32_MAX));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, wakes));
	CALL_AS("AF_UNIX with SA_RESTART", receive(SA_RESTART, 3));
	CALL_AS("AF_UNIX without", receive(0, INT32_MAX));
}
