// Makes exactly N calls on one socket, a socket call and N-1 getsockname calls, and ends in the given way.
//
//   ending N return|exit|_exit|_Exit|quick_exit|syscall|pthread_exit|exec|exec-fails|child|thread
#include "stress.h"

static int fd = -1;

static void calls(int count)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);

	for (; fd < 0 && count > 0; count--)
		fd = make(TCP);
	for (; count > 0; count--)
		CHECK(getsockname(fd, (struct sockaddr *)&address, &length));
}

static void *exit_now(void *unused)
{
	(void)unused;
	exit(0);
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 0;
	const char *how = argc > 2 ? argv[2] : "return";
	char *again[] = {argv[0], "0", "return", NULL};
	pthread_t thread;
	int status;

	if (strcmp(how, "exec-fails") == 0) {
		calls(count / 2);
		execv("/nonexistent/program", again);
		calls(count - count / 2);
		return 0;
	}
	if (strcmp(how, "child") == 0) {
		pid_t child = CHECK(fork());
		if (child == 0) {
			calls(count);
			_exit(0);
		}
		CHECK(waitpid(child, &status, 0));
		return status != 0;
	}
	calls(count);
	if (strcmp(how, "return") == 0)
		return 0;
	if (strcmp(how, "exit") == 0)
		exit(0);
	if (strcmp(how, "_exit") == 0)
		_exit(0);
	if (strcmp(how, "_Exit") == 0)
		_Exit(0);
	if (strcmp(how, "quick_exit") == 0)
		quick_exit(0);
	if (strcmp(how, "syscall") == 0)
		syscall(SYS_exit_group, 0);
	if (strcmp(how, "pthread_exit") == 0)
		pthread_exit(NULL);
	if (strcmp(how, "exec") == 0)
		execv(argv[0], again);
	if (strcmp(how, "thread") == 0) {
		pthread_create(&thread, NULL, exit_now, NULL);
		pause();
	}
	return 2;
}
