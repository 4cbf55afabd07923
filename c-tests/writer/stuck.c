// The log's writer is stuck in a pipe that nobody reads, the program's stderr, when the program gives up root: afterwards nobody
// with root's rights shares its memory. Where the log is a file, nothing is stuck.
#include "writer.h"
#include <poll.h>

int main(void)
{
	struct pollfd end = {STDERR_FILENO, POLLOUT, 0};
	// A pipe can be written to as long as a page of it is free.
	do {
		use_sockets();
	} while (getenv("SOCKSHIM_LOG") && !getenv("SOCKSHIM_LOG_FILE") && poll(&end, 1, 10) > 0);
	for (int i = 0; i < 100; i++)
		use_sockets();
	usleep(20000);
	MUST(setuid(65534));
	struct seen children[64];
	for (int i = children_of(getpid(), children, 64); i-- > 0;) {
		char status[4096] = "";
		int fd = open(text("/proc/%d/status", children[i].pid), O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && read(fd, status, sizeof status - 1) > 0 && strstr(status, "\nUid:\t0\t"))
			printf("%s (%c) is root\n", children[i].name, children[i].state);
		close(fd);
	}
	puts("that is all");
	fflush(stdout);
	return 0;
}
