// Every way to end a process: the status is right, unflushed output is kept or lost as usual, and exit
// handlers can use sockets.
#include "../transcript.h"

static void handler(void)
{
	CALL(socket(AF_UNIX, SOCK_DGRAM, 0));
}

int main(void)
{
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
	struct rlimit no_core = {0, 0};
	MUST(setrlimit(RLIMIT_CORE, &no_core));
	for (int way = 0; way < 8; way++) {
		fflush(stdout);
		pid_t child = MUST(fork());
		if (child == 0) {
			MUST(listen(fd, 1));
			atexit(handler);
			printf("not a whole line,");
			switch (way) {
			case 0: exit(10);
			case 1: _exit(11);
			case 2: _Exit(12);
			case 3: quick_exit(13);
			case 4: return 14;
			case 5: syscall(SYS_exit_group, 15); break;
			case 6: kill(getpid(), SIGKILL); break;
			case 7: abort();
			}
		}
		say_child(text("way %d", way), child);
	}
}
