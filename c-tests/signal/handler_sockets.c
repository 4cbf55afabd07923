// A signal handler makes and closes sockets while the program that it interrupts does the same.
#include "../transcript.h"

static volatile sig_atomic_t made, failed;

static void handler(int number)
{
	(void)number;
	int saved = errno, pair[2];
	char byte;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || send(pair[0], "x", 1, 0) != 1 ||
	    recv(pair[1], &byte, 1, 0) != 1 || close(pair[0]) < 0 || close(pair[1]) < 0)
		failed++;
	made++;
	errno = saved;
}

int main(void)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec every = {.it_value.tv_nsec = 200000, .it_interval.tv_nsec = 200000};
	timer_t timer;
	int errors = 0;
	MUST(sigaction(SIGUSR1, &action, NULL));
	MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
	MUST(timer_settime(timer, 0, &every, NULL));
	while (made < 200) {
		int fd = socket(AF_INET, SOCK_STREAM, 0), copy;
		errors += fd < 0;
		errors += listen(fd, 1) < 0;
		copy = dup(fd);
		errors += copy < 0;
		errors += int_option(copy, SOL_SOCKET, SO_ACCEPTCONN) != 1;
		errors += close(fd) < 0;
		errors += close(copy) < 0;
	}
	MUST(timer_delete(timer));
	printf("errors %d, in the handler %d\n", errors, (int)failed);
	CALL(socket(AF_INET, SOCK_STREAM, 0)); // Every number has been given back.
}
