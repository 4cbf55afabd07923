// Readiness and data calls, and the control calls that leave a record, twice with the same arguments: by a thread that has made no call before, and by
// the first thread. A thread's first call is logged on the slow path and its later ones on the fast path,
// and the log must not show a difference.
#include "../transcript.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

// The functions that the fortified headers call.
ssize_t __recv_chk(int, void *, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);
int __poll_chk(struct pollfd *, nfds_t, int, size_t);
int __ppoll_chk(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *, size_t);

enum { CALLS = 42, AGAIN = MSG_PEEK | MSG_DONTWAIT };

static volatile int too_few = -1; // Volatile, so that the compiler does not warn.
static int epoll, pair[2], pipes[2], number, file, receiver, sender, passing[2];
static char buffer[8];
static struct iovec piece = {buffer, 2};
static struct sockaddr_in address, from;
static socklen_t length;
static union {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr first;
} control;
static struct mmsghdr messages[1];
static off_t offset;
static fd_set set;
static struct epoll_event ready[2], watched = {.events = EPOLLIN};
static struct timespec brief = {.tv_nsec = 1000};
static struct timeval moment = {.tv_usec = 1};
static sigset_t none;
static struct pollfd inherited[] = {{.fd = 3, .events = POLLIN}};
static struct pollfd no_socket[2], both[3], nobody[] = {{.fd = 900, .events = POLLIN}};

static long call(int which)
{
	FD_ZERO(&set);
	FD_SET(pair[1], &set);
	moment.tv_usec = 1;
	length = sizeof from;
	offset = 0;
	switch (which) {
	case 0: return poll(inherited, 1, 0);
	case 1: return poll(no_socket, 2, 0);
	case 2: return poll(both, 3, 0);
	case 3: return poll(both, 3, 1);
	case 4: return poll(nobody, 1, 0);
	case 5: return poll(NULL, 0, 0);
	case 6: return poll(NOWHERE, 1, 0);
	case 7: return select(pair[1] + 1, &set, NULL, NULL, &moment);
	case 8: return select(0, NULL, NULL, NULL, &moment);
	case 9: return select(-1, NULL, NULL, NULL, &moment);
	case 10: return epoll_wait(epoll, ready, 2, 0);
	case 11: return epoll_wait(epoll, ready, too_few, 0);
	case 12: return epoll_wait(900, ready, 2, 0);
	case 13: return epoll_pwait(epoll, ready, 2, 1, &none);
	case 14: return epoll_pwait(pair[0], ready, 2, 1, NULL);
	case 15: return epoll_pwait2(epoll, ready, 1, &brief, &none);
	case 16: return pselect(pair[1] + 1, &set, NULL, NULL, &brief, &none);
	case 17: return ppoll(both, 3, &brief, &none);
	case 18: return ppoll(both, 3, &brief, NULL);
	case 19: return pselect(pair[1] + 1, &set, NULL, NULL, &brief, NULL);
	case 20: return __poll_chk(both, 3, 0, sizeof both);
	case 21: return __ppoll_chk(both, 3, &brief, &none, sizeof both);
	case 22: return recvfrom(receiver, buffer, 8, AGAIN, NULL, NULL);
	case 23: return recvfrom(receiver, buffer, 8, AGAIN, SA(from), &length);
	case 24: return __recv_chk(receiver, buffer, 4, 8, AGAIN);
	case 25: return __recv_chk(900, buffer, 4, 8, 0);
	case 26: return __recvfrom_chk(receiver, buffer, 4, 8, AGAIN, SA(from), &length);
	case 27: return sendto(sender, buffer, 1, MSG_NOSIGNAL, NULL, 16);
	case 28: return sendto(sender, buffer, 1, 0, SA(address), sizeof address);
	case 29: return pwritev2(pair[0], &piece, 1, -1, 0);
	case 30: return pwritev2(pair[0], &piece, 1, -1, 1 << 20);
	case 31: return sendfile(pair[0], file, &offset, 4);
	case 36: return fcntl(pair[1], F_GETFD);
	case 37: return fcntl(pair[1], F_SETFD, FD_CLOEXEC);
	case 38: return fcntl(pair[1], 4711, 3);
	case 39: return fcntl(pipes[0], F_GETFD) + epoll_ctl(epoll, EPOLL_CTL_MOD, pipes[0], ready);
	case 40: return epoll_ctl(epoll, EPOLL_CTL_MOD, pair[1], &watched);
	case 41: return epoll_ctl(epoll, EPOLL_CTL_DEL, receiver, NULL);
	}
	struct msghdr *message = &messages[0].msg_hdr;
	*message = (struct msghdr){.msg_iov = &piece, .msg_iovlen = 1, .msg_name = &from, .msg_namelen = sizeof from};
	switch (which) {
	case 32: return recvmsg(receiver, message, AGAIN);
	case 33: return recvmmsg(receiver, messages, 1, AGAIN, NULL);
	case 34: return recvmmsg(receiver, messages, 1, AGAIN, &brief);
	case 35:
		message->msg_control = &control;
		message->msg_controllen = sizeof control;
		long result = recvmsg(passing[1], message, MSG_PEEK);
		// Peeking at a message receives its descriptors too.
		close(*(int *)CMSG_DATA(&control.first));
		return result;
	}
	return 0;
}

// A datagram that nobody receives, and a message with a descriptor.
static int send_once(void)
{
	struct msghdr datagram = {.msg_iov = &piece, .msg_iovlen = 1, .msg_name = &address, .msg_namelen = sizeof address};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	receiver = udp_bound(&address);
	sender = socket(AF_INET, SOCK_DGRAM, 0);
	file = memfd_create("file", 0);
	control.first = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	*(int *)CMSG_DATA(&control.first) = pipes[0];
	return sender >= 0 && write(file, "data", 4) == 4 && socketpair(AF_UNIX, SOCK_STREAM, 0, passing) == 0 &&
	       sendmsg(sender, &datagram, 0) == 2 && sendmsg(passing[0], &message, 0) == 2;
}

static void *make(void *unused)
{
	errno = UNTOUCHED;
	long result = call(number);
	printf("%d: %ld %s\n", number, result, errno == UNTOUCHED ? "untouched" : strerrorname_np(errno));
	return unused;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigemptyset(&none);
	if (argc < 2) {
		// The new image inherits these, so the library has not seen them being made.
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || dup2(pair[0], 3) < 0 || dup2(pair[1], 4) < 0)
			return SETUP_STATUS;
		execl("/proc/self/exe", argv[0], "again", (char *)NULL);
		return SETUP_STATUS;
	}
	if (pipe(pipes) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || (epoll = epoll_create1(0)) < 0)
		return SETUP_STATUS;
	struct epoll_event event = {.events = EPOLLIN};
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, pair[1], &event) != 0)
		return SETUP_STATUS;
	if (!send_once())
		return SETUP_STATUS;
	no_socket[0] = (struct pollfd){.fd = pipes[0], .events = POLLIN};
	no_socket[1] = (struct pollfd){.fd = -1};
	both[0] = (struct pollfd){.fd = -7};
	both[1] = (struct pollfd){.fd = pipes[0], .events = POLLIN};
	both[2] = (struct pollfd){.fd = pair[1], .events = POLLIN};
	for (int with_data = 0; with_data < 2; with_data++) {
		if (with_data && send(pair[0], "1", 1, 0) != 1)
			return SETUP_STATUS;
		// A data call, so that the first thread's next ones take the fast path.
		if (recv(pair[0], &event, 1, MSG_DONTWAIT) != -1)
			return SETUP_STATUS;
		for (number = 0; number < CALLS; number++) {
			pthread_t thread;
			make(NULL);
			if (pthread_create(&thread, NULL, make, NULL) != 0 || pthread_join(thread, NULL) != 0)
				return SETUP_STATUS;
		}
	}
	return 0;
}
