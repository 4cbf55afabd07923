// A program that does nothing; with the argument "memory", one that makes a few sockets, as a network program
// would, and prints what it has in memory then: resident and proportional size in kB, and the number of its
// threads.

#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static long field(const char *file, const char *name)
{
	char line[256];
	long value = -1;
	FILE *stream = fopen(file, "r");

	while (stream != NULL && fgets(line, sizeof(line), stream) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			sscanf(line + strlen(name), "%ld", &value);
	if (stream != NULL)
		fclose(stream);
	return value;
}

int main(int argc, char **argv)
{
	int pair[2];

	if (argc < 2 || strcmp(argv[1], "memory") != 0)
		return 0;
	for (int i = 0; i < 8; i++) {
		socket(AF_INET, SOCK_STREAM, 0);
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || send(pair[0], "1", 1, 0) != 1)
			return 1;
	}
	printf("rss %ld pss %ld threads %ld\n", field("/proc/self/smaps_rollup", "Rss:"),
	       field("/proc/self/smaps_rollup", "Pss:"), field("/proc/self/status", "Threads:"));
	return 0;
}
