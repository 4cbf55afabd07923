// A program that does nothing. With the argument "memory" it makes a few sockets, as a network program would, and
// prints its memory: resident and proportional size in kB, and the number of its threads. With "smaps" it prints
// everything that the kernel tells about its memory.

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

static int copy(const char *file)
{
	char buffer[65536];
	size_t count;
	FILE *stream = fopen(file, "r");

	if (stream == NULL)
		return 1;
	while ((count = fread(buffer, 1, sizeof(buffer), stream)) > 0)
		fwrite(buffer, 1, count, stdout);
	return fclose(stream);
}

int main(int argc, char **argv)
{
	int pair[2];

	if (argc < 2)
		return 0;
	for (int i = 0; i < 8; i++) {
		socket(AF_INET, SOCK_STREAM, 0);
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || send(pair[0], "1", 1, 0) != 1)
			return 1;
	}
	if (strcmp(argv[1], "smaps") == 0)
		return copy("/proc/self/smaps");
	printf("rss %ld pss %ld threads %ld\n", field("/proc/self/smaps_rollup", "Rss:"),
	       field("/proc/self/smaps_rollup", "Pss:"), field("/proc/self/status", "Threads:"));
	return 0;
}
