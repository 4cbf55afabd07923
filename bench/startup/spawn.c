// How long a program takes from posix_spawn to its end: prints nanoseconds for each of COUNT runs, and how many pages
// were read for it.
//
//     spawn COUNT [NAME=VALUE…] -- PROGRAM [ARGUMENT…]
//
// The variables are set for the program only, so that this process itself never has a preloaded library.

#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

int main(int argc, char **argv)
{
	char *environment[64];
	int count = argc > 1 ? atoi(argv[1]) : 0, arg = 2, variables = 0;

	while (arg < argc && strcmp(argv[arg], "--") != 0 && variables < 63)
		environment[variables++] = argv[arg++];
	environment[variables] = NULL;
	if (arg + 1 >= argc) {
		fprintf(stderr, "usage: spawn COUNT [NAME=VALUE...] -- PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	argv += arg + 1;
	for (int i = 0; i < count; i++) {
		double begin = now(), nanoseconds;
		struct rusage usage;
		pid_t child;
		int status;

		if (posix_spawnp(&child, argv[0], NULL, NULL, argv, environment) != 0 ||
		    wait4(child, &status, 0, &usage) != child || status != 0) {
			fprintf(stderr, "%s could not be run\n", argv[0]);
			return 1;
		}
		nanoseconds = now() - begin;
		printf("%.0f %ld\n", nanoseconds, usage.ru_minflt);
	}
	return 0;
}
