// Whether a call costs more when there are more sockets or threads: prints nanoseconds per call, one value for each
// batch.
//
//     driver sockets COUNT          thread CPU time of calls on one socket while COUNT others are open
//     driver threads COUNT same     the same of COUNT threads on one socket
//     driver threads COUNT own      on a socket for each thread
//
// It measures CPU time, so that waiting for a CPU does not count. The first line of `sockets` is how many could be
// opened.

#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// CALLS is the number of calls of each thread in a batch. It is always the same, because a batch that begins with
// cold caches after the rest costs more. All threads together make fewer calls than a log's memory holds.
enum { BATCHES = 40, CALLS = 200, MOST_THREADS = 16, REST_NS = 8000000 };

static pthread_barrier_t barrier;
static int threads = 1;
static double best[MOST_THREADS];

static double spent(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static void rest(void)
{
	nanosleep(&(struct timespec){0, REST_NS}, NULL);
}

static void measure(int fd, double *result)
{
	*result = 1e9;
	for (int i = 0; i < BATCHES; i++) {
		double begin, each;

		rest();
		pthread_barrier_wait(&barrier);
		begin = spent();
		for (int j = 0; j < CALLS; j++)
			fcntl(fd, F_GETFL);
		each = (spent() - begin) / CALLS;
		*result = each < *result ? each : *result;
	}
}

static void print(void)
{
	double sum = 0;

	for (int t = 0; t < threads; t++)
		sum += best[t];
	printf("%.1f\n", sum / threads);
}

static int one(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0) {
		perror("socket");
		exit(1);
	}
	return fd;
}

// Makes the deepest backlog of the log, and so the memory for its events, the same in all cases.
static void backlog(void)
{
	for (int i = 0; i < CALLS * MOST_THREADS / 2; i++)
		close(one());
	rest();
}

static void many_sockets(int count)
{
	struct rlimit limit = {count + 100, count + 100};
	int opened = 0;

	// Raising the hard limit needs a privilege; without it, opens as many as allowed.
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
		getrlimit(RLIMIT_NOFILE, &limit);
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	while (opened < count - 1 && socket(AF_UNIX, SOCK_STREAM, 0) >= 0)
		if (++opened % 1000 == 0)
			rest();
	// Leaves a descriptor for the socket that is used.
	if (opened < count - 1) {
		close(opened);
		opened--;
	}
	printf("%d\n", opened + 1);
	measure(one(), &best[0]);
}

struct worker {
	pthread_t thread;
	int number, fd;
};

static void *work(void *argument)
{
	struct worker *worker = argument;

	measure(worker->fd, &best[worker->number]);
	return NULL;
}

static void many_threads(int same)
{
	struct worker workers[MOST_THREADS];
	int shared = one();

	for (int i = 0; i < threads; i++) {
		workers[i] = (struct worker){.number = i, .fd = same ? shared : one()};
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
			perror("pthread_create");
			exit(1);
		}
	}
	for (int i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[2]) : 0;
	int about_threads = argc == 4 && strcmp(argv[1], "threads") == 0;

	if (count < 1 || (about_threads && count > MOST_THREADS)) {
		fprintf(stderr, "usage: driver sockets COUNT | driver threads COUNT same|own\n");
		return 2;
	}
	if (about_threads)
		threads = count;
	backlog();
	pthread_barrier_init(&barrier, NULL, threads);
	if (about_threads)
		many_threads(strcmp(argv[3], "same") == 0);
	else
		many_sockets(count);
	print();
	return 0;
}
