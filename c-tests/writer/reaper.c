// A subreaper gets the orphans of its descendants, and nobody else.
#include "writer.h"

static volatile sig_atomic_t told;

static void handler(int signal)
{
	(void)signal;
	told++;
}

int main(void)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	int gate[2];
	char byte;

	sigaction(SIGCHLD, &action, NULL);
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	use_sockets();
	for (int round = 0; round < 20; round++) {
		MUST(pipe(gate));
		pid_t child = MUST(fork());
		if (child == 0) {
			use_sockets();
			close(gate[1]);
			if (MUST(fork()) == 0) {
				use_sockets();
				// The parent's end is waited for.
				if (read(gate[0], &byte, 1) == 0)
					use_sockets();
				exit(3);
			}
			use_sockets();
			exit(4);
		}
		close(gate[0]);
		use_sockets();
		say_child("the child", child);
		close(gate[1]);
		int status = 0, count = 0;
		while (waitpid(-1, &status, round % 2 ? __WALL : 0) > 0) {
			count++;
			printf("an orphan: exited with %d\n", WEXITSTATUS(status));
		}
		printf("%d orphans, %s\n", count, errno_name(errno));
	}
	printf("told of %d ends or less\n", told <= 40 ? 40 : (int)told);
	return 0;
}
