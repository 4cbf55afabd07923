// The cost of a call for its thread when calls come one at a time: send on a socket, with the null libc of
// bench/instructions behind the shim, every 30 µs, each timed with the time stamp counter. Prints percentiles in
// nanoseconds, and the average of calls in bursts. All values include the measuring, so compare with a run without
// the shim.

#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <x86intrin.h>

enum { CALLS = 4000, APART_NS = 30000, BURSTS = 20, BURST = 1000, REST_NS = 8000000 };

static int fd;
static char buf[1];
static uint64_t ticks[CALLS];

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static uint64_t counter(void)
{
	unsigned int cpu;
	uint64_t value;

	_mm_lfence();
	value = __rdtscp(&cpu);
	_mm_lfence();
	return value;
}

static int by_size(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static void paced(void)
{
	double begin = now(), next = begin, ns;
	uint64_t first = counter();

	for (int i = 0; i < CALLS; i++) {
		uint64_t before;

		while (now() < next)
			;
		next += APART_NS;
		before = counter();
		send(fd, buf, 1, 0);
		ticks[i] = counter() - before;
	}
	ns = (now() - begin) / (counter() - first);
	qsort(ticks, CALLS, sizeof(*ticks), by_size);
	printf("p50 %.1f p90 %.1f p99 %.1f ", ticks[CALLS / 2] * ns, ticks[CALLS / 10 * 9] * ns,
	       ticks[CALLS / 100 * 99] * ns);
}

static void burst(void)
{
	double best = 1e9;

	for (int i = 0; i < BURSTS; i++) {
		double begin, each;

		nanosleep(&(struct timespec){0, REST_NS}, NULL);
		begin = now();
		for (int j = 0; j < BURST; j++)
			send(fd, buf, 1, 0);
		each = (now() - begin) / BURST;
		best = each < best ? each : best;
	}
	printf("burst %.1f\n", best);
}

int main(void)
{
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0) {
		perror("socket");
		return 1;
	}
	paced();
	burst();
	return 0;
}
