// Makes threads one after the other, each of which makes a few calls.
//
//   short_threads COUNT
//
// Now and then it waits until the log has written everything, as an exec does that fails: what is to be seen is what threads
// leave behind, not what a slow writer lets grow. Prints by how many KiB the process's addresses have grown since the first hundredth of them.
#include "stress.h"

static void *work(void *unused)
{
	int pair[2];
	char byte = 1;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CHECK(send(pair[0], &byte, 1, 0));
	CHECK(recv(pair[1], &byte, 1, 0));
	CHECK(close(pair[0]));
	CHECK(close(pair[1]));
	return unused;
}

static long size_kib(void)
{
	long size = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file || fscanf(file, "%ld", &size) != 1)
		die("/proc/self/statm");
	fclose(file);
	return size * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1000;
	long before = 0;

	for (int i = 0; i < count; i++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, work, NULL))
			die("pthread_create");
		pthread_join(thread, NULL);
		if (i % 500 == 0)
			execv("", (char *[]){"", NULL});
		if (i == count / 100)
			before = size_kib();
	}
	printf("%ld\n", size_kib() - before);
	return 0;
}
