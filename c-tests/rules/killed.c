// Children that send and receive, and are killed at any moment; the last one ends by itself.

#include "address.h"
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static void make(int times)
{
	int pair[2];
	char bytes[4];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		_exit(3);
	for (int i = 0; i < times; i++)
		if (send(pair[0], "xy", 2, 0) < 1 || recv(pair[1], bytes, 4, 0) < 1)
			_exit(4);
		else
			while (recv(pair[1], bytes, 4, MSG_DONTWAIT) > 0)
				;
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	unsigned random = 12;
	int killed = 0, status;

	alarm(60);
	for (int i = 0; i < 300; i++) {
		int ready[2];
		char byte;
		if (pipe(ready) < 0)
			return 5;
		pid_t child = fork();
		if (child == 0) {
			MUST_RAW(SYS_write, ready[1], "r", 1);
			for (;;)
				make(1000);
		}
		MUST_RAW(SYS_read, ready[0], &byte, 1);
		close(ready[0]);
		close(ready[1]);
		random = random * 1103515245u + 12345u;
		nanosleep(&(struct timespec){0, (random >> 8) % 1000000}, NULL);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	}
	printf("killed %d\n", killed);
	make(1000);
	return 0;
}
