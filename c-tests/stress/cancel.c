// Cancels a thread in each call that can block: while it is blocked there, with deferred and with asynchronous
// cancellation, and with a cancellation that is already pending when it enters the call.
//
// Prints for each: whether the call returned, whether the cleanup handler ran, whether the thread ended
// cancelled, and whether its descriptor is still open. sendfile is not a cancellation point: deferred
// cancellation takes effect only after the call, which ends because its peer closes.
#include "stress.h"
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

enum how { DEFERRED, ASYNCHRONOUS, PENDING };
static const char *const hows[] = {"deferred", "asynchronous", "pending"};

struct attempt {
	const struct call *call;
	enum how how;
	int fd, other;
	atomic_int tid, may_go, returned, cleaned;
};

struct call {
	const char *name;
	void (*prepare)(struct attempt *);
	void (*block)(int fd);
	int not_a_point;
};

static char buffer[4096];
static int lock_file, data_file;
static struct sockaddr_in full;

// Descriptors on which the call blocks.

static void silent(struct attempt *a)
{
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	a->fd = pair[0], a->other = pair[1];
}

static void listener(struct attempt *a)
{
	struct sockaddr_in address;

	a->fd = tcp_listener(5, &address), a->other = -1;
}

static void unconnected(struct attempt *a)
{
	a->fd = make(TCP), a->other = -1;
}

static void fill(int fd)
{
	for (size_t size = sizeof(buffer); size > 0; size = size > 1 ? 1 : 0)
		while (send(fd, buffer, size, MSG_DONTWAIT) > 0)
			;
}

static void stuffed(struct attempt *a)
{
	silent(a);
	fill(a->fd);
}

// Its close waits up to a minute until the peer has read what was sent.
static void lingering(struct attempt *a)
{
	struct linger minute = {1, 60};
	struct sockaddr_in address;
	int server = tcp_listener(5, &address);

	a->fd = make(TCP);
	CHECK(connect(a->fd, ADDRESS(address)));
	a->other = CHECK(accept(server, NULL, NULL));
	CHECK(close(server));
	CHECK(setsockopt(a->fd, SOL_SOCKET, SO_LINGER, &minute, sizeof(minute)));
	fill(a->fd);
}

static void watching(struct attempt *a)
{
	struct epoll_event in = {.events = EPOLLIN};

	silent(a);
	int set = CHECK(epoll_create1(0));
	CHECK(epoll_ctl(set, EPOLL_CTL_ADD, a->fd, &in));
	CHECK(close(a->fd));
	a->fd = set;
}

static void locked(struct attempt *a)
{
	a->fd = CHECK(dup(lock_file)), a->other = -1;
}

// The calls.

#define ONE_BUFFER struct iovec vector = {buffer, 1}
#define ONE_MESSAGE                                                         \
	ONE_BUFFER;                                                         \
	struct mmsghdr message = {.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}}
#define ONE_POLL struct pollfd wanted = {.fd = fd, .events = POLLIN}
#define ONE_SET fd_set set; FD_ZERO(&set); FD_SET(fd, &set)
#define ONE_EVENT struct epoll_event event
#define BLOCK(name, ...) static void block_##name(int fd) { __VA_ARGS__; }

BLOCK(accept, accept(fd, NULL, NULL))
BLOCK(accept4, accept4(fd, NULL, NULL, SOCK_CLOEXEC))
BLOCK(connect, connect(fd, ADDRESS(full)))
BLOCK(recv, recv(fd, buffer, 1, 0))
BLOCK(recvfrom, recvfrom(fd, buffer, 1, 0, NULL, NULL))
BLOCK(recvmsg, ONE_MESSAGE; recvmsg(fd, &message.msg_hdr, 0))
BLOCK(recvmmsg, ONE_MESSAGE; recvmmsg(fd, &message, 1, 0, NULL))
BLOCK(read, if (read(fd, buffer, 1)) {})
BLOCK(readv, ONE_BUFFER; if (readv(fd, &vector, 1)) {})
BLOCK(send, send(fd, buffer, 1, 0))
BLOCK(sendto, sendto(fd, buffer, 1, 0, NULL, 0))
BLOCK(sendmsg, ONE_MESSAGE; sendmsg(fd, &message.msg_hdr, 0))
BLOCK(sendmmsg, ONE_MESSAGE; sendmmsg(fd, &message, 1, 0))
BLOCK(write, if (write(fd, buffer, 1)) {})
BLOCK(writev, ONE_BUFFER; if (writev(fd, &vector, 1)) {})
BLOCK(poll, ONE_POLL; poll(&wanted, 1, -1))
BLOCK(ppoll, ONE_POLL; ppoll(&wanted, 1, NULL, NULL))
BLOCK(select, ONE_SET; select(fd + 1, &set, NULL, NULL, NULL))
BLOCK(pselect, ONE_SET; pselect(fd + 1, &set, NULL, NULL, NULL, NULL))
BLOCK(epoll_wait, ONE_EVENT; epoll_wait(fd, &event, 1, -1))
BLOCK(epoll_pwait, ONE_EVENT; epoll_pwait(fd, &event, 1, -1, NULL))
BLOCK(epoll_pwait2, ONE_EVENT; epoll_pwait2(fd, &event, 1, NULL, NULL))
BLOCK(fcntl, struct flock lock = {.l_type = F_WRLCK}; fcntl(fd, F_SETLKW, &lock))
BLOCK(sendfile, off_t start = 0; if (sendfile(fd, data_file, &start, 1)) {})
BLOCK(close, close(fd))

static const struct call calls[] = {
	{"accept", listener, block_accept, 0},
	{"accept4", listener, block_accept4, 0},
	{"connect", unconnected, block_connect, 0},
	{"recv", silent, block_recv, 0},
	{"recvfrom", silent, block_recvfrom, 0},
	{"recvmsg", silent, block_recvmsg, 0},
	{"recvmmsg", silent, block_recvmmsg, 0},
	{"read", silent, block_read, 0},
	{"readv", silent, block_readv, 0},
	{"send", stuffed, block_send, 0},
	{"sendto", stuffed, block_sendto, 0},
	{"sendmsg", stuffed, block_sendmsg, 0},
	{"sendmmsg", stuffed, block_sendmmsg, 0},
	{"write", stuffed, block_write, 0},
	{"writev", stuffed, block_writev, 0},
	{"poll", silent, block_poll, 0},
	{"ppoll", silent, block_ppoll, 0},
	{"select", silent, block_select, 0},
	{"pselect", silent, block_pselect, 0},
	{"epoll_wait", watching, block_epoll_wait, 0},
	{"epoll_pwait", watching, block_epoll_pwait, 0},
	{"epoll_pwait2", watching, block_epoll_pwait2, 0},
	{"fcntl(F_SETLKW)", locked, block_fcntl, 0},
	{"close", lingering, block_close, 0},
	{"sendfile", stuffed, block_sendfile, 1},
};

// The thread, and the code that cancels it.

static void clean_up(void *argument)
{
	struct attempt *a = argument;

	a->cleaned = 1;
}

static void *enter_the_call(void *argument)
{
	struct attempt *a = argument;

	pthread_cleanup_push(clean_up, a);
	if (a->how == PENDING)
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	a->tid = gettid();
	while (!a->may_go)
		sched_yield();
	if (a->how == PENDING)
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	if (a->how == ASYNCHRONOUS)
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	a->call->block(a->fd);
	a->returned = 1;
	pthread_testcancel();
	pthread_cleanup_pop(0);
	return NULL;
}

static void attempt(const struct call *call, enum how how)
{
	struct attempt a = {.call = call, .how = how};
	pthread_t thread;
	void *result;

	call->prepare(&a);
	if (pthread_create(&thread, NULL, enter_the_call, &a) != 0)
		die("pthread_create");
	while (a.tid == 0)
		sched_yield();
	if (how == PENDING)
		pthread_cancel(thread);
	a.may_go = 1;
	if (how != PENDING || call->not_a_point)
		wait_blocked(a.tid);
	if (how != PENDING)
		pthread_cancel(thread);
	if (call->not_a_point && how != ASYNCHRONOUS)
		CHECK(shutdown(a.other, SHUT_RDWR));
	pthread_join(thread, &result);
	printf("%s %s:%s%s%s%s\n", call->name, hows[how], a.returned ? " returned" : "", a.cleaned ? " cleaned up" : "",
	       result == PTHREAD_CANCELED ? " cancelled" : "", fcntl(a.fd, F_GETFD) < 0 ? "" : " open");
	fflush(stdout); // After a hang or an abort, the last line shows where it was.
	close(a.other);
	close(a.fd);
}

// Takes the lock in a child, which keeps it until it is killed: F_SETLKW waits only for another process's
// lock.
static pid_t hold_the_lock(void)
{
	char ready;
	int said[2];

	CHECK(pipe(said));
	pid_t child = CHECK(fork());
	if (child == 0) {
		struct flock lock = {.l_type = F_WRLCK};
		CHECK(fcntl(lock_file, F_SETLK, &lock));
		CHECK(write(said[1], "x", 1));
		for (;;)
			pause();
	}
	CHECK(read(said[0], &ready, 1));
	CHECK(close(said[0]));
	CHECK(close(said[1]));
	return child;
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	lock_file = CHECK(memfd_create("lock", 0));
	data_file = CHECK(memfd_create("data", 0));
	CHECK(write(data_file, "data", 4));
	tcp_listener(0, &full);
	CHECK(connect(make(TCP), ADDRESS(full)));
	pid_t holder = hold_the_lock();

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		for (enum how how = DEFERRED; how <= PENDING; how++)
			attempt(&calls[i], how);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	printf("done\n");
	return 0;
}
