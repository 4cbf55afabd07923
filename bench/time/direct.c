// The hooked call and libc's own alternately in one process: the cost of the hook alone, without the differences
// between two processes or two moments. Each line has nanoseconds per call of three consecutive batches: through the
// symbol, through libc's own address, and through that address again, which shows the noise.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCHES = 2000, CALLS = 100 };

typedef int (*call)(int fd, int cmd, ...);

static double batch(call function, int fd)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < CALLS; i++)
		function(fd, F_GETFL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	return ((end.tv_sec - begin.tv_sec) * 1e9 + (end.tv_nsec - begin.tv_nsec)) / CALLS;
}

int main(int argc, char **argv)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	call libcs = libc ? (call)dlsym(libc, "fcntl") : NULL;
	// Through a pointer that the compiler cannot resolve, as libc's is.
	call volatile symbol = fcntl;
	int fds[2];

	if (libcs == NULL || argc != 2 || pipe(fds) < 0) {
		fprintf(stderr, "usage: direct pipe|socket\n");
		return 2;
	}
	if (strcmp(argv[1], "socket") == 0)
		fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	for (int i = 0; i < BATCHES; i++) {
		// The order alternates, because the second of two has warmer caches.
		double hooked = i % 2 ? batch(symbol, fds[0]) : 0;
		double direct = batch(libcs, fds[0]);
		double again = batch(libcs, fds[0]);

		if (i % 2 == 0)
			hooked = batch(symbol, fds[0]);
		printf("%.2f %.2f %.2f\n", hooked, direct, again);
	}
	return 0;
}
