// Makes one getsockname for each line of its stdin and answers with a line, so that somebody else decides what happens
// between two calls. The words of a line are what to do before: "umask 0", "chdir /", "fork", "exec".
#include "stress.h"
#include <sys/stat.h>

int main(int argc, char **argv)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	char line[256];

	(void)argc;
	// Unbuffered, so that who comes after an exec reads on where this one stopped.
	setvbuf(stdin, NULL, _IONBF, 0);
	int fd = make(TCP);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "umask ", 6) == 0)
			umask(strtol(line + 6, NULL, 8));
		if (strncmp(line, "chdir ", 6) == 0)
			CHECK(chdir(line + 6));
		if (strcmp(line, "fork") == 0) {
			pid_t child = CHECK(fork());
			if (child != 0) {
				int status;
				CHECK(waitpid(child, &status, 0));
				return status != 0;
			}
		}
		if (strcmp(line, "exec") == 0)
			execv("/proc/self/exe", argv);
		CHECK(getsockname(fd, (struct sockaddr *)&address, &length));
		if (write(1, "done\n", 5) != 5)
			return 1;
	}
	return 0;
}
