// Threads that make, copy, send and close descriptors at random, all with the same numbers, so that each
// closes what others are just making. After each round all threads wait, and what the library knows of each
// number is compared with the kernel, because later rounds might hide an error of this one.
//
//   fd_storm FILE OPERATIONS SEED
#include "fd_check.h"
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum {
	THREADS = 4,
	FIRST = 16,  // The numbers below are the program's own.
	UPPER = 48, // What closefrom closes.
	END = 64,
	ROUND = 250, // Operations of each thread.
};

static int listener;
static long operations;
static pthread_barrier_t barrier;

struct storm {
	uint64_t random;
	int channel[2];
	long done;
	pthread_t thread;
};

static unsigned below(struct storm *storm, unsigned limit)
{
	// SplitMix64.
	uint64_t z = storm->random += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (unsigned)((z ^ z >> 31) >> 32) % limit;
}

static int any(struct storm *storm) { return FIRST + below(storm, END - FIRST); }
static int upper(struct storm *storm) { return UPPER + below(storm, END - UPPER); }

// Not a packet socket, whose close waits for all processors.
static const struct sort *a_sort(struct storm *storm)
{
	const struct sort *sort = &sorts[below(storm, SORTS)];
	return sort->family == AF_PACKET ? sorts : sort;
}

static void a_socket(struct storm *storm)
{
	const struct sort *sort = a_sort(storm);
	socket(sort->family, sort->type, sort->protocol);
}

static void a_socket_by_syscall(struct storm *storm)
{
	const struct sort *sort = a_sort(storm);
	syscall(SYS_socket, sort->family, sort->type, sort->protocol);
}

static void a_pair(struct storm *storm)
{
	int pair[2];
	socketpair(AF_UNIX, below(storm, 2) ? SOCK_STREAM : SOCK_SEQPACKET, 0, pair);
}

static void an_accept(struct storm *storm)
{
	(void)storm;
	accept4(listener, NULL, NULL, SOCK_NONBLOCK);
}

// Changes that no hook sees: the number becomes something else.
static void another(struct storm *storm)
{
	int pipes[2];
	switch (below(storm, 3)) {
	case 0: open("/dev/null", O_RDWR); break;
	case 1: eventfd(0, EFD_NONBLOCK); break;
	default: pipe2(pipes, O_NONBLOCK);
	}
}

static void a_dup(struct storm *storm) { dup(any(storm)); }
static void a_dup_above(struct storm *storm) { fcntl(any(storm), F_DUPFD_CLOEXEC, upper(storm)); }
static void a_dup2(struct storm *storm) { dup2(any(storm), any(storm)); }
static void a_dup3(struct storm *storm) { syscall(SYS_dup3, any(storm), upper(storm), O_CLOEXEC); }
static void a_close(struct storm *storm) { close(any(storm)); }
static void a_close_by_syscall(struct storm *storm) { syscall(SYS_close, any(storm)); }
static void a_closefrom(struct storm *storm) { closefrom(upper(storm)); }
static void a_range(struct storm *storm)
{
	int first = any(storm);
	close_range(first, first + below(storm, 6), 0);
}
static void a_marked_range(struct storm *storm) { close_range(any(storm), END, CLOSE_RANGE_CLOEXEC); }

static void a_stream(struct storm *storm)
{
	FILE *stream = fdopen(any(storm), "r+");
	if (stream)
		fclose(stream);
}

static void a_pass(struct storm *storm)
{
	char byte;
	struct iovec vector = {&byte, 1};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(3 * sizeof(int))];
	} control;
	int fds[] = {any(storm), any(storm), any(storm)}, count = 1 + below(storm, 3);
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control,
				 .msg_controllen = CMSG_SPACE(count * sizeof(int))};

	control.header = (struct cmsghdr){CMSG_LEN(count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	if (sendmsg(storm->channel[0], &message, 0) < 0)
		return; // One of them is closed.
	struct mmsghdr one = {.msg_hdr = message};
	if (below(storm, 2))
		recvmsg(storm->channel[1], &message, MSG_DONTWAIT);
	else
		recvmmsg(storm->channel[1], &one, 1, MSG_DONTWAIT, NULL);
}

// Calls that make the library look up a number, and remember what it is.
static void a_look(struct storm *storm)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);
	char byte;

	switch (below(storm, 4)) {
	case 0: getsockname(any(storm), (struct sockaddr *)&name, &length); break;
	case 1: fcntl(any(storm), F_GETFL); break;
	case 2: recv(any(storm), &byte, 1, MSG_DONTWAIT | MSG_PEEK); break;
	default: writev(any(storm), NULL, 0);
	}
}

static const struct {
	void (*make)(struct storm *storm);
	int weight;
} table[] = {
	{a_socket, 14}, {a_socket_by_syscall, 4}, {a_pair, 6},	  {an_accept, 6}, {another, 10},	{a_dup, 12},
	{a_dup_above, 8}, {a_dup2, 12},		  {a_dup3, 6},	  {a_close, 24},  {a_close_by_syscall, 6}, {a_closefrom, 2},
	{a_range, 6},	  {a_marked_range, 1},	  {a_stream, 2}, {a_pass, 12},	  {a_look, 14},
};

static void *blow(void *argument)
{
	struct storm *storm = argument;
	unsigned total = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		total += table[i].weight;
	while (storm->done < operations / THREADS) {
		unsigned pick = below(storm, total);
		size_t i = 0;
		while (pick >= (unsigned)table[i].weight)
			pick -= table[i++].weight;
		table[i].make(storm);
		if (++storm->done % ROUND == 0 && pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
			char step[64];
			snprintf(step, sizeof(step), "round %ld", storm->done / ROUND);
			look_at_all(step, QUIETLY);
		}
		if (storm->done % ROUND == 0)
			pthread_barrier_wait(&barrier);
	}
	return NULL;
}

// Connects to the listener as long as it exists.
static void connect_for_ever(struct sockaddr_un *address, socklen_t length)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int fd = RAW3(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
		if (RAW3(SYS_connect, fd, address, length) < 0)
			_exit(0);
		RAW1(SYS_close, fd);
	}
}

int main(int argc, char **argv)
{
	static struct storm storms[THREADS];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t length = sizeof(address);
	struct rlimit limit = {END, END};

	if (argc != 4)
		return 2;
	operations = atol(argv[2]);
	start(argv[1], 0);
	row = "storm";
	signal(SIGPIPE, SIG_IGN);
	closefrom(3);
	listener = CHECK(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
	CHECK(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)));
	CHECK(listen(listener, 8));
	CHECK(getsockname(listener, (struct sockaddr *)&address, &length));
	pid_t client = CHECK(fork());
	if (client == 0)
		connect_for_ever(&address, length);
	for (int i = 0; i < THREADS; i++) {
		CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, storms[i].channel));
		storms[i].random = strtoull(argv[3], NULL, 0) * THREADS + i;
	}
	while (CHECK(open("/dev/null", O_RDONLY)) < FIRST - 1)
		;
	RAW1(SYS_close, FIRST - 1); // Free for the report, which is opened when there is something to write.
	pthread_barrier_init(&barrier, NULL, THREADS);
	CHECK(setrlimit(RLIMIT_NOFILE, &limit));
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&storms[i].thread, NULL, blow, &storms[i]) != 0)
			die("pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(storms[i].thread, NULL);
	kill(client, SIGKILL);
	waitpid(client, NULL, 0);
	long done = 0;
	for (int i = 0; i < THREADS; i++)
		done += storms[i].done;
	look_after_use("afterwards");
	closefrom(3);
	look("after all are closed");
	say("%ld operations, %d disagreements, library with a view %d\n", done, disagreements, view_of != NULL);
	return 0;
}
