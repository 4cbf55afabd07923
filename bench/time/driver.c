// How long real calls take: prints, for each operation, nanoseconds per call in several short batches.
//
//     driver [BATCHES [OPERATION…]]
//
//     fcntl_pipe 155.2 154.9 156.0 …
//     tcp1 - connect: Connection refused
//
// It rests between batches, so that a log's writer can empty its queues: the program pays for a logged call, not for
// a dropped one. For an operation that cannot be prepared it prints the reason.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	LONGEST_BATCH = 500,        // Calls. The log's memory has room for far more events.
	LONGEST_BATCH_NS = 8000000, // A traced call takes a hundred times as long; a batch should not.
	REST_NS = 8000000,
};

static int in, out, listening, epfd;
static struct sockaddr_in addr;
static struct pollfd pfd;
static char buf[64];

static bool failed(const char *what)
{
	printf("- %s: %s\n", what, strerror(errno));
	return false;
}

static bool prepare_nothing(void)
{
	return true;
}

static bool prepare_pipe(void)
{
	int fds[2];

	if (pipe(fds) < 0)
		return failed("pipe");
	in = fds[0];
	out = fds[1];
	return true;
}

static bool prepare_pair(void)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return failed("socketpair");
	in = fds[0];
	out = fds[1];
	return true;
}

static bool prepare_listener(void)
{
	socklen_t len = sizeof(addr);

	addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if ((listening = socket(AF_INET, SOCK_STREAM, 0)) < 0)
		return failed("socket");
	if (bind(listening, (struct sockaddr *)&addr, len) < 0)
		return failed("bind");
	if (listen(listening, 16) < 0)
		return failed("listen");
	if (getsockname(listening, (struct sockaddr *)&addr, &len) < 0)
		return failed("getsockname");
	return true;
}

static bool prepare_tcp(void)
{
	int one = 1;

	if (!prepare_listener())
		return false;
	if ((out = socket(AF_INET, SOCK_STREAM, 0)) < 0)
		return failed("socket");
	if (connect(out, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return failed("connect");
	if ((in = accept(listening, NULL, NULL)) < 0)
		return failed("accept");
	setsockopt(out, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return true;
}

static bool prepare_poll(void)
{
	struct epoll_event event = {.events = EPOLLIN};

	if (!prepare_pair())
		return false;
	if (write(out, buf, 1) != 1)
		return failed("write");
	pfd = (struct pollfd){.fd = in, .events = POLLIN};
	if ((epfd = epoll_create1(0)) < 0 || epoll_ctl(epfd, EPOLL_CTL_ADD, in, &event) < 0)
		return failed("epoll");
	return true;
}

// Each makes one call or one cycle; false when the result is wrong.

static bool run_getppid(void)
{
	return getppid() >= 0;
}

static bool run_fcntl(void)
{
	return fcntl(in, F_GETFL) >= 0;
}

static bool run_pass_1(void)
{
	return write(out, buf, 1) == 1 && read(in, buf, 1) == 1;
}

static bool run_send_1(void)
{
	return send(out, buf, 1, 0) == 1 && recv(in, buf, 1, 0) == 1;
}

static bool run_send_64(void)
{
	return send(out, buf, 64, 0) == 64 && recv(in, buf, 64, MSG_WAITALL) == 64;
}

static bool run_socket_inet(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd >= 0 && close(fd) == 0;
}

static bool run_socket_unix(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return fd >= 0 && close(fd) == 0;
}

static bool run_bind_listen(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0 && listen(fd, 16) == 0 &&
	       close(fd) == 0;
}

// Closed with a reset, so that no port stays in TIME_WAIT.
static bool run_accept(void)
{
	struct linger reset = {1, 0};
	int client = socket(AF_INET, SOCK_STREAM, 0), server;

	if (client < 0 || connect(client, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return false;
	server = accept(listening, NULL, NULL);
	setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	return server >= 0 && close(client) == 0 && close(server) == 0;
}

static bool run_poll(void)
{
	return poll(&pfd, 1, 0) == 1;
}

static bool run_epoll(void)
{
	struct epoll_event event;

	return epoll_wait(epfd, &event, 1, 0) == 1;
}

static const struct operation {
	const char *name;
	bool (*prepare)(void);
	bool (*run)(void);
} operations[] = {
	{"getppid", prepare_nothing, run_getppid},
	{"fcntl_pipe", prepare_pipe, run_fcntl},
	{"fcntl_sock", prepare_pair, run_fcntl},
	{"pipe_rw", prepare_pipe, run_pass_1},
	{"pair_1", prepare_pair, run_send_1},
	{"pair_64", prepare_pair, run_send_64},
	{"tcp_1", prepare_tcp, run_send_1},
	{"tcp_64", prepare_tcp, run_send_64},
	{"socket_inet", prepare_nothing, run_socket_inet},
	{"socket_unix", prepare_nothing, run_socket_unix},
	{"bind_listen", prepare_nothing, run_bind_listen},
	{"accept", prepare_listener, run_accept},
	{"poll", prepare_poll, run_poll},
	{"epoll", prepare_poll, run_epoll},
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

// Nanoseconds per call; negative when a call failed.
static double batch(const struct operation *operation, int calls)
{
	double begin = now();

	for (int i = 0; i < calls; i++)
		if (!operation->run())
			return -1;
	return (now() - begin) / calls;
}

static void rest(void)
{
	nanosleep(&(struct timespec){0, REST_NS}, NULL);
}

static void measure(const struct operation *operation, int batches)
{
	double each;
	int calls;

	in = out = listening = epfd = -1;
	printf("%s ", operation->name);
	if (!operation->prepare())
		return;
	if ((each = batch(operation, 10)) < 0) {
		failed("the call");
		return;
	}
	calls = each * LONGEST_BATCH > LONGEST_BATCH_NS ? LONGEST_BATCH_NS / each : LONGEST_BATCH;
	if (calls < 5)
		calls = 5;
	batch(operation, calls);
	for (int i = 0; i < batches; i++) {
		rest();
		printf("%.1f ", batch(operation, calls));
	}
	printf("\n");
	close(in);
	close(out);
	close(listening);
	close(epfd);
}

static bool wanted(const char *name, char **names)
{
	if (*names == NULL)
		return true;
	for (; *names != NULL; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	int batches = argc > 1 ? atoi(argv[1]) : 10;

	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (wanted(operations[i].name, argc > 2 ? argv + 2 : argv + argc))
			measure(&operations[i], batches);
	return 0;
}
