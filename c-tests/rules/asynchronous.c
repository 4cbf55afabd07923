// connect(2) that does not wait, to ports where nobody listens: what the socket says of it, asked in every way.
//
// Natively the kernel refuses all with ECONNREFUSED. Under a rule with `async = true` the ports 82 and 83 have other errors.

#include "address.h"
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include "../glibc_names.h"

static const char *name_of(long result)
{
	static char texts[4][24];
	static int next;

	if (result < 0)
		return strerrorname_np(errno);
	snprintf(texts[next % 4], sizeof(texts[0]), "%ld", result);
	return texts[next++ % 4];
}

#define SAY(call) name_of(call)

static int so_error(int fd)
{
	int error = -1;
	socklen_t length = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? -1 : error;
}

// ---- Waiting -------------------------------------------------------------------------------------------------

static int by_poll(int fd)
{
	struct pollfd entry = {fd, POLLIN | POLLOUT, 0};

	poll(&entry, 1, -1);
	return entry.revents;
}

static int by_select(int fd)
{
	fd_set in, out;

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(fd, &in);
	FD_SET(fd, &out);
	select(fd + 1, &in, &out, NULL, NULL);
	return FD_ISSET(fd, &in) * 10 + FD_ISSET(fd, &out);
}

static int by_epoll(int fd, int how)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | how}, ready = {0};
	int epoll = epoll_create1(0);

	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	epoll_wait(epoll, &ready, 1, -1);
	close(epoll);
	return ready.events;
}

static int by_level(int fd)
{
	return by_epoll(fd, 0);
}

static int by_edge(int fd)
{
	return by_epoll(fd, EPOLLET);
}

static const struct {
	const char *name;
	int (*wait)(int fd);
} WAITS[] = {{"poll", by_poll}, {"select", by_select}, {"epoll", by_level}, {"epoll ET", by_edge}};

// ---- Asking --------------------------------------------------------------------------------------------------

static char byte[2] = "x";
static struct iovec part = {byte, 1};
static struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
static struct address to;

static const char *ask(int fd, int how)
{
	struct mmsghdr many = {.msg_hdr = message};
	int error, file, pipes[2];
	const char *said;
	socklen_t length = sizeof(error);

	switch (how) {
	case 0: return strerrorname_np(so_error(fd));
	case 1: return SAY(connect(fd, &to.any, to.length));
	case 2: return SAY(send(fd, byte, 1, 0));
	case 3: return SAY(recv(fd, byte, 1, 0));
	case 4: return SAY(write(fd, byte, 1));
	case 5: return SAY(read(fd, byte, 1));
	case 6: return SAY(sendmsg(fd, &message, 0));
	case 7: return SAY(recvmsg(fd, &message, 0));
	case 8: return SAY(writev(fd, &part, 1));
	case 9: return SAY(readv(fd, &part, 1));
	case 10: return SAY(sendto(fd, byte, 1, 0, NULL, 0));
	case 11: return SAY(recvfrom(fd, byte, 1, 0, NULL, NULL));
	case 12: return SAY(sendmmsg(fd, &many, 1, 0));
	case 13: return SAY(recvmmsg(fd, &many, 1, 0, NULL));
	case 14: return SAY(syscall(SYS_connect, fd, &to.any, to.length));
	case 15: return SAY(syscall(SYS_read, fd, byte, 1));
	case 16: return syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, &error, &length) ? "?" : strerrorname_np(error);
	case 17: return SAY(__recv_chk(fd, byte, 1, sizeof(byte), 0));
	case 18:
		file = open("/proc/self/exe", O_RDONLY);
		said = SAY(sendfile(fd, file, NULL, 1));
		close(file);
		return said;
	case 19:
		if (pipe(pipes) < 0)
			return "?";
		said = SAY(splice(fd, NULL, pipes[1], NULL, 1, 0));
		close(pipes[0]);
		close(pipes[1]);
		return said;
	default: return NULL;
	}
}

// ---- All of them ---------------------------------------------------------------------------------------------

static void one(const char *text, const struct address *live, int how, size_t waits)
{
	to = address_of(text);
	int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	printf("%s %s %d: %s", text, WAITS[waits].name, how, SAY(connect(fd, &to.any, to.length)));
	printf(", ready %#x", WAITS[waits].wait(fd));
	printf(", %s", ask(fd, how));
	printf(", then %d", so_error(fd));
	// The socket can be used again: connect(2) first ends the attempt that has failed.
	printf(", end %s", SAY(connect(fd, &to.any, to.length)));
	printf(", again %s", SAY(connect(fd, &to.any, to.length)));
	printf(", ready %#x", WAITS[waits].wait(fd));
	printf(", %s", strerrorname_np(so_error(fd)));
	printf(", end %s", SAY(connect(fd, &to.any, to.length)));
	fcntl(fd, F_SETFL, 0);
	printf(", a server %s", SAY(connect(fd, &live->any, live->length)));
	printf(", connected %s\n", SAY(connect(fd, &live->any, live->length)));
	close(fd);
}

int main(void)
{
	static const char *const HOSTS[] = {"127.0.0.1", "127.1.2.3", "[::1]", "[::ffff:127.0.0.1]"};

	alarm(60);
	signal(SIGPIPE, SIG_IGN);
	for (size_t host = 0; host < sizeof(HOSTS) / sizeof(*HOSTS); host++)
		for (int port = 81; port <= 83; port++) {
			char text[64];
			snprintf(text, sizeof(text), "%s:%d", HOSTS[host], port);
			struct address at = address_of(text);
			struct address live = at;
			int listener = socket(at.any.sa_family, SOCK_STREAM, 0);
			live.v4.sin_port = 0;
			if (bind(listener, &live.any, live.length) < 0 || listen(listener, 100) < 0)
				return 5;
			getsockname(listener, &live.any, &live.length);
			for (int how = 0; how < 20; how++)
				one(text, &live, how, (how + port) % 4);
			for (size_t waits = 0; waits < 4; waits++)
				one(text, &live, 0, waits);
			close(listener);
			// A socket that waits, and one that is connected.
			int fd = socket(at.any.sa_family, SOCK_STREAM, 0);
			printf("%s waits: %s", text, SAY(connect(fd, &at.any, at.length)));
			printf(", then %d\n", so_error(fd));
			close(fd);
		}
	return 0;
}
