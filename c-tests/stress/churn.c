// Ten threads stay blocked in accept, recv, connect and poll while four others create and close sockets.
//
//   churn SOCKETS
//
// Prints "thread TID OPS PROT" for each of the four, which makes sockets of one kind only, so that each of
// its events can be checked on its own; then "calls NAME COUNT", how often the program made each call on a
// socket.
#include "stress.h"

enum { MAKERS = 4, SLEEPERS = 10 };

// Counts calls on sockets as they are made.
#define CALLS(do) \
	do(socket) do(socketpair) do(bind) do(listen) do(getsockname) do(accept) do(connect) do(shutdown) do(close) \
	do(send) do(recv) do(poll)
#define NUMBER(name) N_##name,
#define NAME(name) #name,
enum { CALLS(NUMBER) NUMBERS };
static const char *const names[] = {CALLS(NAME)};
static atomic_long calls[NUMBERS];

static void count(int call, long times) { calls[call] += times; }
#define COUNTED(name, ...) (count(N_##name, 1), name(__VA_ARGS__))

struct maker {
	pthread_t thread;
	atomic_int tid;
	int kind;
	long count;
};

// A thread that blocks in one call on `fd`, until `wake` ends the call through the descriptor `other`.
struct sleeper {
	void (*block)(int fd);
	int fd;
	void (*wake)(int other);
	int other;
	pthread_t thread;
	atomic_int tid;
};

static struct sockaddr_in full_tcp;
static struct sockaddr_un full_unix;
static socklen_t full_unix_length = sizeof(full_unix);

static void block_accept(int fd) { COUNTED(accept, fd, NULL, NULL); }
static void block_connect_tcp(int fd) { COUNTED(connect, fd, ADDRESS(full_tcp)); }
static void block_connect_unix(int fd) { COUNTED(connect, fd, (struct sockaddr *)&full_unix, full_unix_length); }

static void block_recv(int fd)
{
	char byte;
	COUNTED(recv, fd, &byte, 1, 0);
}

static void block_poll(int fd)
{
	struct pollfd wanted = {.fd = fd, .events = POLLIN};
	COUNTED(poll, &wanted, 1, -1);
}

static void wake_shutdown(int other) { COUNTED(shutdown, other, SHUT_RDWR); }
static void wake_accept(int other) { CHECK(COUNTED(close, CHECK(COUNTED(accept, other, NULL, NULL)))); }

static void wake_send(int other)
{
	char byte = 'x';
	CHECK(COUNTED(send, other, &byte, 1, 0));
}

static int counted_make(int kind)
{
	count(N_socket, 1);
	return make(kind);
}

static int counted_listener(struct sockaddr_in *address)
{
	count(N_socket, 1), count(N_bind, 1), count(N_listen, 1), count(N_getsockname, 1);
	return tcp_listener(0, address);
}

// An AF_UNIX listener whose name the kernel chooses.
static int unix_listener(void)
{
	int fd = counted_make(UNIX_STREAM);
	struct sockaddr_un any = {.sun_family = AF_UNIX};

	CHECK(COUNTED(bind, fd, (struct sockaddr *)&any, sizeof(sa_family_t)));
	CHECK(COUNTED(listen, fd, 0));
	CHECK(COUNTED(getsockname, fd, (struct sockaddr *)&full_unix, &full_unix_length));
	return fd;
}

static struct sleeper sleepers[SLEEPERS];

static void add(void (*block)(int fd), int fd, void (*wake)(int other), int other)
{
	static int count;
	struct sleeper *sleeper = &sleepers[count++];

	sleeper->block = block, sleeper->fd = fd, sleeper->wake = wake, sleeper->other = other;
}

// Fills the queues of two listeners, so that the next connect to each blocks.
static void prepare(void)
{
	struct sockaddr_in idle, echo = loopback(0);
	socklen_t length = sizeof(echo);
	int pair[2], fd, local = unix_listener();

	counted_listener(&full_tcp);
	CHECK(COUNTED(connect, counted_make(TCP), ADDRESS(full_tcp)));
	CHECK(COUNTED(connect, counted_make(UNIX_STREAM), (struct sockaddr *)&full_unix, full_unix_length));
	fd = counted_make(TCP);
	add(block_connect_tcp, fd, wake_shutdown, fd);
	fd = counted_make(TCP);
	add(block_connect_tcp, fd, wake_shutdown, fd);
	add(block_connect_unix, counted_make(UNIX_STREAM), wake_accept, local);
	for (int i = 0; i < 2; i++) {
		fd = counted_listener(&idle);
		add(block_accept, fd, wake_shutdown, fd);
	}
	for (int i = 0; i < 2; i++) {
		CHECK(COUNTED(socketpair, AF_UNIX, i ? SOCK_DGRAM : SOCK_STREAM, 0, pair));
		add(block_recv, pair[0], wake_send, pair[1]);
	}
	fd = counted_make(UDP);
	CHECK(COUNTED(bind, fd, (struct sockaddr *)&echo, length));
	CHECK(COUNTED(getsockname, fd, (struct sockaddr *)&echo, &length));
	CHECK(COUNTED(connect, fd, (struct sockaddr *)&echo, length)); // Connected to itself: it receives what it sends.
	add(block_recv, fd, wake_send, fd);
	CHECK(COUNTED(socketpair, AF_UNIX, SOCK_STREAM, 0, pair));
	add(block_poll, pair[0], wake_send, pair[1]);
	fd = counted_listener(&idle);
	add(block_poll, fd, wake_shutdown, fd);
}

static void *sleep_in_call(void *argument)
{
	struct sleeper *sleeper = argument;

	sleeper->tid = gettid();
	sleeper->block(sleeper->fd);
	return NULL;
}

static void *make_and_close(void *argument)
{
	struct maker *maker = argument;

	maker->tid = gettid();
	for (long i = 0; i < maker->count; i++)
		CHECK(close(make(maker->kind)));
	return NULL;
}

int main(int argc, char **argv)
{
	struct maker makers[MAKERS] = {0};
	long sockets = argc > 1 ? atol(argv[1]) : 1000;

	prepare();
	for (int i = 0; i < SLEEPERS; i++)
		pthread_create(&sleepers[i].thread, NULL, sleep_in_call, &sleepers[i]);
	for (int i = 0; i < SLEEPERS; i++) {
		while (sleepers[i].tid == 0)
			sched_yield();
		wait_blocked(sleepers[i].tid);
	}
	for (int i = 0; i < MAKERS; i++) {
		makers[i].kind = i;
		makers[i].count = sockets / MAKERS;
		pthread_create(&makers[i].thread, NULL, make_and_close, &makers[i]);
	}
	for (int i = 0; i < MAKERS; i++) {
		pthread_join(makers[i].thread, NULL);
		count(N_socket, makers[i].count), count(N_close, makers[i].count);
		printf("thread %d %s %s\n", makers[i].tid, kinds[i].ops, kinds[i].prot);
	}
	for (int i = 0; i < SLEEPERS; i++) {
		wait_blocked(sleepers[i].tid);
		sleepers[i].wake(sleepers[i].other);
		pthread_join(sleepers[i].thread, NULL);
	}
	for (int i = 0; i < NUMBERS; i++)
		printf("calls %s %ld\n", names[i], (long)calls[i]);
	return 0;
}
