// Descriptors that are received: in messages, and by pidfd_getfd.
//
//   fd_messages FILE [threads]
#include "fd_check.h"
#include <sys/pidfd.h>
#include <sys/prctl.h>

enum { MANY = 8 };

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(MANY * sizeof(int)) * 2];
};

// Sends the descriptors, split into the given number of control messages, which the kernel joins into one.
static void send_all(int to, const int *fds, int count, int parts)
{
	struct iovec vector = {"x", 1};
	union control control = {0};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control};
	struct cmsghdr *part = &control.header;

	for (int i = 0; i < parts; i++, fds += count / parts) {
		size_t size = count / parts * sizeof(int);
		*part = (struct cmsghdr){CMSG_LEN(size), SOL_SOCKET, SCM_RIGHTS};
		memcpy(CMSG_DATA(part), fds, size);
		message.msg_controllen += CMSG_SPACE(size);
		part = (struct cmsghdr *)((char *)part + CMSG_SPACE(size));
	}
	CHECK(sendmsg(to, &message, 0));
}

static void send_one(int to, int fd) { send_all(to, &fd, 1, 1); }

// A socket pair to send through, on high numbers.
static void channel(int pair[2], int type)
{
	CHECK(socketpair(AF_UNIX, type, 0, pair));
	for (int i = 0; i < 2; i++) {
		int moved = CHECK(fcntl(pair[i], F_DUPFD, 100 + i));
		CHECK(close(pair[i]));
		pair[i] = moved;
	}
}

static long by_recvmsg(int from, struct msghdr *message, int flags) { return recvmsg(from, message, flags); }
static long by_syscall(int from, struct msghdr *message, int flags)
{
	return syscall(SYS_recvmsg, from, message, flags);
}
static long by_recvmmsg(int from, struct msghdr *message, int flags)
{
	struct mmsghdr one = {.msg_hdr = *message};
	int count = recvmmsg(from, &one, 1, flags, NULL);
	*message = one.msg_hdr;
	return count;
}
static long by_recvmmsg_syscall(int from, struct msghdr *message, int flags)
{
	struct mmsghdr one = {.msg_hdr = *message};
	int count = syscall(SYS_recvmmsg, from, &one, 1, flags, NULL);
	*message = one.msg_hdr;
	return count;
}

static const struct form {
	const char *name;
	long (*call)(int from, struct msghdr *message, int flags);
} forms[] = {{"recvmsg", by_recvmsg},
	    {"SYS_recvmsg", by_syscall},
	    {"recvmmsg", by_recvmmsg},
	    {"SYS_recvmmsg", by_recvmmsg_syscall}};
enum { FORMS = sizeof(forms) / sizeof(*forms) };

// Receives one message with space for `room` descriptors. Returns how many came, and the flags; the first
// is *fd.
static int receive(const struct form *form, int from, int room, int flags, int *fd, int *message_flags)
{
	char byte;
	struct iovec vector = {&byte, 1};
	union control control;
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = room ? &control : NULL,
				 .msg_controllen = room ? CMSG_LEN(room * sizeof(int)) : 0};

	CHECK(form->call(from, &message, flags));
	*message_flags = message.msg_flags;
	struct cmsghdr *first = CMSG_FIRSTHDR(&message);
	if (!room || !first)
		return 0;
	memcpy(fd, CMSG_DATA(first), sizeof(*fd));
	return (first->cmsg_len - CMSG_LEN(0)) / sizeof(int);
}

static void step(const char *what, const struct form *form)
{
	char text[96];
	snprintf(text, sizeof(text), "%s, %s", what, form->name);
	look_after_use(text);
}

// Every call that receives, with everything that a message can contain.
static void messages(void)
{
	int pair[2], fd = -1, flags;

	for (const struct form *form = forms; form < forms + FORMS; form++) {
		channel(pair, SOCK_DGRAM);
		int tcp = make(TCP), udp = make(UDP), file = CHECK(open("/dev/null", O_RDWR));
		int all[] = {udp, file, tcp, pair[0], tcp, file};

		send_one(pair[0], tcp);
		receive(form, pair[1], MANY, 0, &fd, &flags);
		step("one", form);
		send_all(pair[0], all, 6, 1);
		if (receive(form, pair[1], MANY, MSG_CMSG_CLOEXEC, &fd, &flags) != 6)
			die("six descriptors");
		step("six in a message", form);
		send_all(pair[0], all, 6, 2);
		if (receive(form, pair[1], MANY, 0, &fd, &flags) != 6)
			die("six descriptors");
		step("six in two control messages", form);
		send_one(pair[0], udp);
		receive(form, pair[1], MANY, MSG_PEEK, &fd, &flags);
		step("peeked", form);
		receive(form, pair[1], MANY, 0, &fd, &flags);
		step("received after it was peeked", form);
		send_all(pair[0], all, 6, 1);
		if (receive(form, pair[1], 2, 0, &fd, &flags) != 2 || !(flags & MSG_CTRUNC))
			die("two descriptors of six");
		step("truncated", form);
		send_all(pair[0], all, 6, 1);
		receive(form, pair[1], 0, 0, &fd, &flags);
		look("without room for control messages");
		send_all(pair[0], all, 6, 1);
		char byte;
		CHECK(recv(pair[1], &byte, 1, 0));
		send_all(pair[0], all, 6, 1);
		CHECK(read(pair[1], &byte, 1));
		look("dropped by recv and read");
		// The descriptor is closed before it arrives, and its number becomes another socket.
		send_one(pair[0], tcp);
		CHECK(close(tcp));
		make(UNIX_STREAM);
		receive(form, pair[1], MANY, 0, &fd, &flags);
		step("closed meanwhile", form);
		closefrom(3);
	}
}

// Several messages in one recvmmsg.
static void batch(void)
{
	int pair[2];
	char bytes[3];
	struct iovec vectors[3] = {{bytes, 1}, {bytes + 1, 1}, {bytes + 2, 1}};
	union control controls[3];
	struct mmsghdr messages[3] = {0};

	channel(pair, SOCK_DGRAM);
	int a = make(TCP), b = make(UNIX_DGRAM), all[] = {a, b, a};
	for (int i = 0; i < 3; i++) {
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1, .msg_control = &controls[i],
						      .msg_controllen = sizeof(controls[i])};
		send_all(pair[0], all, i + 1, 1);
	}
	if (recvmmsg(pair[1], messages, 3, 0, NULL) != 3)
		die("recvmmsg");
	look_after_use("recvmmsg of three");
}

// A change through the received descriptor is a change of the sender's socket.
static void shared(void)
{
	int pair[2], fd, flags, tcp = make(TCP);
	struct sockaddr_in address = loopback(0);
	socklen_t length = sizeof(address);

	channel(pair, SOCK_STREAM);
	send_one(pair[0], tcp);
	receive(forms, pair[1], 1, 0, &fd, &flags);
	CHECK(bind(fd, ADDRESS(address))), CHECK(listen(fd, 1));
	look("the received one listens");
	CHECK(getsockname(tcp, (struct sockaddr *)&address, &length));
	CHECK(connect(make(TCP), ADDRESS(address)));
	CHECK(accept(tcp, NULL, NULL));
	look("the sent one accepts");
	CHECK(dup2(fd, tcp));
	look("dup2 of the one over the other");
	CHECK(close(tcp));
	look("the sent one is closed");
	CHECK(close(fd));
	look("both are closed");
}

// From another process, which has made or changes the socket.
static void from_a_child(void)
{
	int pair[2], fd, flags, tcp = make(TCP);
	struct sockaddr_in address = loopback(0);

	channel(pair, SOCK_SEQPACKET);
	pid_t child = CHECK(fork());
	if (child == 0) {
		int own = make(TCP);
		CHECK(bind(own, ADDRESS(address))), CHECK(listen(own, 1));
		send_one(pair[0], own);
		send_one(pair[0], tcp);
		send_one(pair[0], make(UDP));
		_exit(0);
	}
	wait_for(child);
	for (int i = 0; i < 3; i++)
		receive(&forms[i], pair[1], 1, 0, &fd, &flags);
	look_after_use("a child's own, and one that we have");
}

static void by_pidfd(void)
{
	int tcp = make(TCP), file = CHECK(open("/dev/null", O_RDWR)), release[2];
	int self = CHECK(pidfd_open(getpid(), 0));

	CHECK(pidfd_getfd(self, tcp, 0)), CHECK(syscall(SYS_pidfd_getfd, self, tcp, 0));
	CHECK(pidfd_getfd(self, file, 0));
	look_after_use("pidfd_getfd of one's own");
	FAILS(pidfd_getfd(self, 99, 0), EBADF);
	CHECK(pipe(release));
	pid_t child = CHECK(fork());
	if (child == 0) {
		char byte;
		make(UNIX_STREAM);
		CHECK(close(release[1]));
		read(release[0], &byte, 1);
		_exit(0);
	}
	int other = CHECK(pidfd_open(child, 0)), got;
	// The child may not have it yet.
	while ((got = pidfd_getfd(other, release[1] + 1, 0)) < 0)
		if (errno != EBADF)
			die("pidfd_getfd");
	CHECK(syscall(SYS_pidfd_getfd, other, tcp, 0));
	CHECK(close(release[1]));
	wait_for(child);
	look_after_use("pidfd_getfd of a child's");
}

int main(int argc, char **argv)
{
	static const struct row rows[] = {
		{"SCM_RIGHTS", messages, 0},
		{"SCM_RIGHTS in several messages", batch, 0},
		{"SCM_RIGHTS, and state", shared, 0},
		{"SCM_RIGHTS from a child", from_a_child, 0},
		{"pidfd_getfd", by_pidfd, 0},
	};

	if (argc < 2)
		return 2;
	start(argv[1], argc > 2);
	run_rows(ROWS(rows));
	return 0;
}
