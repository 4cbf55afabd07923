// Makes one call at a time, each between two marks, so that the cost of a call can be counted exactly.
//
//     driver count    under callgrind: a profile dump for each case, named "CASE DESCRIPTOR", of CALLS calls
//     driver trace    under strace: each call after a pwrite64(2) of the case's name and before a getppid(2)
//     driver grow     under callgrind: send with 1, 1,000 and 100,000 sockets, "send COUNT"; with fewer
//                     where RLIMIT_NOFILE does not permit so many
//     driver list     prints the cases: name, descriptor, class
//
// A case runs on a pipe (untracked) or on a TCP socket that was made through socket() (tracked). A call that changes
// its socket gets a fresh one each time. measure.py evaluates the counts.

#define _GNU_SOURCE
#include <alloca.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <valgrind/callgrind.h>
#include "../../c-tests/glibc_names.h"

enum { CALLS = 64, WARM_UP = 16 };

// The arguments, in memory that every call may use again. Most programs have addresses, lengths, options and short
// arrays on the stack, a few hundred bytes above the frame that makes the call, so these are in a frame of measure().
static char buf[64];
static struct iovec iov = {buf, 1};
static struct sockaddr_in *addr;
static socklen_t *len;
static struct msghdr msg;
static struct mmsghdr mmsg;
static struct pollfd *pfd;
static fd_set set;
static struct epoll_event event;
static int other, pair[2], *value, epfd, spare;

// The class selects the limit. The name is the function to call on `fd`, and its result is stored in `other`.
#define CASES(_)                                                                                             \
	_(data, send, send(fd, buf, 1, 0))                                                                   \
	_(data, __send, __send(fd, buf, 1, 0))                                                               \
	_(data, sendto, sendto(fd, buf, 1, 0, NULL, 0))                                                      \
	_(data, sendmsg, sendmsg(fd, &msg, 0))                                                               \
	_(data, sendmmsg, sendmmsg(fd, &mmsg, 1, 0))                                                         \
	_(data, recv, recv(fd, buf, 1, 0))                                                                   \
	_(data, __recv_chk, __recv_chk(fd, buf, 1, sizeof(buf), 0))                                          \
	_(data, recvfrom, recvfrom(fd, buf, 1, 0, NULL, NULL))                                               \
	_(data, __recvfrom_chk, __recvfrom_chk(fd, buf, 1, sizeof(buf), 0, NULL, NULL))                      \
	_(data, recvmsg, recvmsg(fd, &msg, 0))                                                               \
	_(data, recvmmsg, recvmmsg(fd, &mmsg, 1, 0, NULL))                                                   \
	_(data, read, read(fd, buf, 1))                                                                      \
	_(data, __read, __read(fd, buf, 1))                                                                  \
	_(data, __read_chk, __read_chk(fd, buf, 1, sizeof(buf)))                                             \
	_(data, readv, readv(fd, &iov, 1))                                                                   \
	_(data, preadv2, preadv2(fd, &iov, 1, -1, 0))                                                        \
	_(data, preadv64v2, preadv64v2(fd, &iov, 1, -1, 0))                                                  \
	_(data, write, write(fd, buf, 1))                                                                    \
	_(data, __write, __write(fd, buf, 1))                                                                \
	_(data, writev, writev(fd, &iov, 1))                                                                 \
	_(data, pwritev2, pwritev2(fd, &iov, 1, -1, 0))                                                      \
	_(data, pwritev64v2, pwritev64v2(fd, &iov, 1, -1, 0))                                                \
	_(data, sendfile, sendfile(fd, spare, NULL, 1))                                                      \
	_(data, sendfile64, sendfile64(fd, spare, NULL, 1))                                                  \
	_(data, splice, splice(fd, NULL, spare, NULL, 1, 0))                                                 \
	_(ready, poll, poll(pfd, 1, 0))                                                                      \
	_(ready, __poll, __poll(pfd, 1, 0))                                                                  \
	_(ready, __poll_chk, __poll_chk(pfd, 1, 0, sizeof(*pfd)))                                            \
	_(ready, ppoll, ppoll(pfd, 1, NULL, NULL))                                                           \
	_(ready, __ppoll_chk, __ppoll_chk(pfd, 1, NULL, NULL, sizeof(*pfd)))                                 \
	_(ready, select, select(fd + 1, &set, NULL, NULL, NULL))                                             \
	_(ready, __select, __select(fd + 1, &set, NULL, NULL, NULL))                                         \
	_(ready, pselect, pselect(fd + 1, &set, NULL, NULL, NULL, NULL))                                     \
	_(ready, epoll_wait, epoll_wait(epfd, &event, 1, 0))                                                 \
	_(ready, epoll_pwait, epoll_pwait(epfd, &event, 1, 0, NULL))                                         \
	_(ready, epoll_pwait2, epoll_pwait2(epfd, &event, 1, NULL, NULL))                                    \
	_(control, fcntl, fcntl(fd, F_GETFL))                                                                \
	_(control, fcntl64, fcntl64(fd, F_GETFL))                                                            \
	_(control, ioctl, ioctl(fd, FIONREAD, value))                                                        \
	_(control, epoll_ctl, epoll_ctl(epfd, EPOLL_CTL_MOD, fd, &event))                                    \
	_(control, setsockopt, setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, value, sizeof(*value)))              \
	_(control, getsockopt, getsockopt(fd, SOL_SOCKET, SO_TYPE, value, len))                              \
	_(control, getsockname, getsockname(fd, (struct sockaddr *)addr, len))                               \
	_(control, getpeername, getpeername(fd, (struct sockaddr *)addr, len))                               \
	_(control, dup, dup(fd))                                                                             \
	_(control, dup2, dup2(fd, spare))                                                                    \
	_(fresh, socket, socket(AF_INET, SOCK_STREAM, 0))                                                    \
	_(fresh, socketpair, socketpair(AF_UNIX, SOCK_STREAM, 0, pair))                                      \
	_(fresh, bind, bind(fd, (struct sockaddr *)addr, sizeof(*addr)))                                     \
	_(fresh, listen, listen(fd, 16))                                                                     \
	_(fresh, connect, connect(fd, (struct sockaddr *)addr, sizeof(*addr)))                               \
	_(fresh, accept, accept(fd, NULL, NULL))                                                             \
	_(fresh, accept4, accept4(fd, NULL, NULL, SOCK_CLOEXEC))                                             \
	_(fresh, shutdown, shutdown(fd, SHUT_WR))                                                            \
	_(fresh, close, close(fd))

#define FUNCTION(kind, name, call)                                                                           \
	static __attribute__((noinline)) void once_##name(int fd)                                            \
	{                                                                                                    \
		CALLGRIND_TOGGLE_COLLECT;                                                                    \
		other = call;                                                                                \
		CALLGRIND_TOGGLE_COLLECT;                                                                    \
		(void)fd;                                                                                    \
	}
CASES(FUNCTION)

enum kind { data, ready, control, fresh };

static const struct test {
	const char *name;
	enum kind kind;
	void (*once)(int fd);
} tests[] = {
#define ROW(kind, name, call) {#name, kind, once_##name},
	CASES(ROW)};

static enum mode { USAGE, COUNT, TRACE, GROW, LIST } mode;

static enum mode mode_named(const char *name)
{
	if (strcmp(name, "count") == 0)
		return COUNT;
	if (strcmp(name, "trace") == 0)
		return TRACE;
	if (strcmp(name, "grow") == 0)
		return GROW;
	return strcmp(name, "list") == 0 ? LIST : USAGE;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static bool is(const struct test *test, const char *name)
{
	return strcmp(test->name, name) == 0;
}

static int tcp_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

static void loopback(in_port_t port)
{
	*addr = (struct sockaddr_in){AF_INET, port, {htonl(INADDR_LOOPBACK)}, {0}};
	*len = sizeof(*addr);
}

static int listener(void)
{
	int fd = tcp_socket();

	loopback(0);
	if (bind(fd, (struct sockaddr *)addr, sizeof(*addr)) < 0 || listen(fd, 16) < 0)
		die("listener");
	return fd;
}

// Writes the socket's own address to `addr`.
static void address_of(int fd)
{
	*len = sizeof(*addr);
	if (getsockname(fd, (struct sockaddr *)addr, len) < 0)
		die("getsockname");
}

static int connected_to(int server)
{
	int fd = tcp_socket();

	address_of(server);
	if (connect(fd, (struct sockaddr *)addr, sizeof(*addr)) < 0)
		die("connect");
	return fd;
}

// The current case, and whether its calls are counted yet.
static char name[64];
static bool counts;

// Makes the call. The marks are raw system calls, which the shim does not see.
static void observe(const struct test *test, int fd)
{
	bool marked = mode == TRACE && counts;

	if (marked)
		syscall(SYS_pwrite64, spare, name, strlen(name), 0L);
	test->once(fd);
	if (marked)
		syscall(SYS_getppid);
}

// Makes the call on a socket that is made for it and closed after it. `server` listens.
static void once_on_a_fresh_socket(const struct test *test, int server)
{
	int client = -1, fd = -1, accepted;

	if (is(test, "accept") || is(test, "accept4"))
		client = connected_to(fd = server);
	else if (is(test, "shutdown"))
		fd = connected_to(server);
	else if (!is(test, "socket") && !is(test, "socketpair"))
		fd = tcp_socket();
	if (is(test, "bind"))
		loopback(0);
	else if (is(test, "connect"))
		address_of(server);
	other = -1;
	observe(test, fd);
	if (other < 0)
		die(test->name);

	// Closes what the call has made, its socket, and what is in the listener's queue.
	if (is(test, "connect") || is(test, "shutdown")) {
		accepted = accept(server, NULL, NULL);
		close(accepted);
	}
	if (is(test, "socketpair")) {
		close(pair[0]);
		close(pair[1]);
	} else if (other > 0) {
		close(other);
	}
	if (client >= 0)
		close(client);
	if (fd != server && !is(test, "close") && fd >= 0)
		close(fd);
}

static void once(const struct test *test, int fd, int server)
{
	if (test->kind == fresh) {
		once_on_a_fresh_socket(test, server);
		return;
	}
	observe(test, fd);
	if (is(test, "dup"))
		close(other);
}

static void arguments(int fd)
{
	msg = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
	mmsg = (struct mmsghdr){.msg_hdr = msg};
	*pfd = (struct pollfd){.fd = fd, .events = POLLIN, .revents = POLLIN};
	FD_ZERO(&set);
	FD_SET(fd, &set);
	event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
	epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
	*len = sizeof(*addr);
	*value = 1;
}

// Waits until the log's queues are empty, so that no event of the next case is dropped. The shim waits for its writer
// before an exec; this exec fails, and the program continues.
static void wait_for_the_log(void)
{
	execv("", (char *[]){"", NULL});
}

static void run(const struct test *test, const char *descriptor, int fd, int server)
{
	static const char *const kinds[] = {"data", "ready", "control", "control"};

	snprintf(name, sizeof(name), "%s %s", test->name, descriptor);
	if (mode == LIST) {
		printf("%s %s\n", name, kinds[test->kind]);
		return;
	}
	if (fd >= 0)
		arguments(fd);
	// Before counting, allocates memory for as many events as can be unwritten at once, however late the writer frees
	// them.
	counts = false;
	for (int i = 0; i < WARM_UP + CALLS; i++)
		once(test, fd, server);
	wait_for_the_log();
	for (int i = 0; i < WARM_UP; i++)
		once(test, fd, server);
	counts = true;
	CALLGRIND_ZERO_STATS;
	for (int i = 0; i < CALLS; i++)
		once(test, fd, server);
	CALLGRIND_DUMP_STATS_AT(name);
}

// Measures on the newest of many sockets. Opening them fills the log's memory, so it is emptied from time to time.
static void grow(void)
{
	static const int wanted[] = {1, 1000, 100000};
	struct rlimit limit;
	int open = 0, fd = -1, next;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		while (open < wanted[i] && (next = socket(AF_INET, SOCK_STREAM, 0)) >= 0) {
			fd = next;
			if (++open % 1000 == 0)
				wait_for_the_log();
		}
		snprintf(name, sizeof(name), "send %d", open);
		wait_for_the_log();
		for (int j = 0; j < WARM_UP; j++)
			once_send(fd);
		CALLGRIND_ZERO_STATS;
		for (int j = 0; j < CALLS; j++)
			once_send(fd);
		CALLGRIND_DUMP_STATS_AT(name);
	}
}

__attribute__((noinline)) static int measure(void)
{
	int pipes[2], server, client, connection, option;
	struct sockaddr_in address;
	socklen_t length;
	struct pollfd entry;

	addr = &address;
	len = &length;
	value = &option;
	pfd = &entry;

	if (pipe(pipes) < 0 || (epfd = epoll_create1(0)) < 0 || (spare = open("/dev/null", O_RDWR)) < 0)
		die("descriptors");
	server = listener();
	client = connected_to(server);
	if ((connection = accept(server, NULL, NULL)) < 0)
		die("accept");

	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		bool about_sockets = tests[i].kind == fresh || strstr(tests[i].name, "sock") ||
				     is(&tests[i], "getpeername");

		if (!about_sockets)
			run(&tests[i], "untracked", pipes[0], server);
		run(&tests[i], "tracked", tests[i].kind == fresh ? -1 : client, server);
	}
	return 0;
}

int main(int argc, char **argv)
{
	enum { PAGE = 4096, FRAMES = 2560 };

	if (argc != 2 || (mode = mode_named(argv[1])) == USAGE) {
		fprintf(stderr, "usage: driver count|trace|grow|list\n");
		return 2;
	}
	if (mode == GROW) {
		grow();
		return 0;
	}
	// The kernel starts the stack anywhere in a page. Crossing a page boundary between frame and arguments costs
	// something that must not be counted, so all frames from here to the hook's are placed on one page.
	volatile char *room = alloca(((uintptr_t)__builtin_frame_address(0) + PAGE - FRAMES) % PAGE + 16);
	*room = 0;
	return measure();
}
