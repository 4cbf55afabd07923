// Paths as long as an event of the log can hold and longer, an empty one, and one that cannot be read.
#include "../transcript.h"

int main(void)
{
	static char path[300];
	char *arguments[] = {"none", NULL};
	static const int lengths[] = {127, 128, 129, 200};
	for (unsigned i = 0; i < COUNT(lengths); i++) {
		memset(path, 'x', sizeof path);
		path[0] = '/';
		path[lengths[i]] = 0;
		CALL(execve(path, arguments, arguments + 1));
	}
	CALL(execve("", arguments, arguments + 1));
	CALL(execve(NOWHERE, arguments, arguments + 1));

	// A path that extends into memory that cannot be read.
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(munmap(pages + 4096, 4096));
	memset(pages, 'x', 4096);
	CALL(execve(pages + 4090, arguments, arguments + 1));
}
