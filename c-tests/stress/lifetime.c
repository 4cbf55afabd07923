// Descriptors that are made, closed and passed on in every possible way, seen by hooks or not.
//
//   lifetime FILE
//
// Writes to FILE, for each of its getsockname calls, "probe PID FD OPS PROT" with what the kernel says the
// descriptor is; "none" means that it is not a socket. "case NAME" names the case of the following probes.
#include "stress.h"
#include <linux/close_range.h>
#include <sys/uio.h>

static char report[1 << 16];
static size_t length;
static const char *path;

#define REPORT(...) (length += snprintf(report + length, sizeof(report) - length, __VA_ARGS__))
#define CASE(name) REPORT("case %s\n", name)

static void write_report(void)
{
	long file = RAW4(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT, 0644);

	RAW3(SYS_write, file, report, length);
	RAW1(SYS_close, file);
	length = 0;
}

static void probed(int fd)
{
	const struct kind *kind = kind_of(fd);

	if (kind)
		REPORT("probe %d %d %s %s\n", getpid(), fd, kind->ops, kind->prot);
	else
		REPORT("probe %d %d none\n", getpid(), fd);
}

static void probe(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	getsockname(fd, (struct sockaddr *)&address, &size);
	probed(fd);
}

// Closes a descriptor without a hook.
static void hidden_close(int fd) { RAW1(SYS_close, fd); }
static int hidden_make(int kind) { return RAW3(SYS_socket, kinds[kind].domain, kinds[kind].type, kinds[kind].protocol); }

static void duplicates(void)
{
	int a = make(TCP), b;

	CASE("dup, and the original closed");
	b = CHECK(dup(a));
	probe(b);
	CHECK(close(a));
	probe(b);
	CASE("the original's number reused");
	a = make(UDP);
	probe(a), probe(b);
	CASE("dup2 over another kind");
	CHECK(dup2(a, b));
	probe(b);
	CASE("dup3 over another kind");
	int c = make(UNIX_STREAM);
	CHECK(dup3(c, a, O_CLOEXEC));
	probe(a), probe(b), probe(c);
	CASE("F_DUPFD and F_DUPFD_CLOEXEC");
	int d = CHECK(fcntl(c, F_DUPFD, 50)), e = CHECK(fcntl(b, F_DUPFD_CLOEXEC, 50));
	CHECK(close(c));
	CHECK(close(b));
	probe(d), probe(e);
	CASE("a duplicate of a duplicate");
	c = CHECK(dup(d));
	CHECK(close(d));
	probe(c);
	CASE("dup2 through syscall");
	CHECK(syscall(SYS_dup3, e, c, 0));
	probe(c);
	CASE("a file over a socket, and a socket over the file");
	int file = CHECK(open("/dev/null", O_RDWR));
	CHECK(dup2(file, c));
	probe(c);
	CHECK(dup2(e, file));
	probe(file);
	closefrom(3);
}

static void ranges(void)
{
	int low = make(TCP), mid = make(UDP), high = make(UNIX_STREAM);

	CASE("close_range that only marks");
	CHECK(close_range(low, high, CLOSE_RANGE_CLOEXEC));
	probe(low), probe(mid), probe(high);
	CASE("close_range, then other kinds, one of them hidden");
	CHECK(close_range(low, high, 0));
	low = make(UDP), mid = hidden_make(NETLINK), high = make(TCP);
	probe(low), probe(mid), probe(high);
	CASE("close_range with a table of its own");
	CHECK(close_range(mid, ~0U, CLOSE_RANGE_UNSHARE));
	mid = hidden_make(UNIX_DGRAM), high = make(NETLINK);
	probe(low), probe(mid), probe(high);
	CASE("closefrom");
	closefrom(mid);
	mid = make(TCP), high = hidden_make(UDP);
	probe(low), probe(mid), probe(high);
	CASE("close_range through syscall");
	CHECK(syscall(SYS_close_range, low, high, 0));
	low = hidden_make(UNIX_STREAM), mid = hidden_make(UNIX_DGRAM);
	probe(low), probe(mid), probe(high);
	closefrom(3);
}

static void hidden(void)
{
	int a = make(TCP), b = make(UDP), pipes[2];

	CASE("a hidden close, then a hidden socket");
	hidden_close(a);
	a = hidden_make(UDP);
	probe(a), probe(b);
	CASE("a hidden close, then another kind");
	hidden_close(b);
	b = make(UNIX_DGRAM);
	probe(a), probe(b);
	CASE("a hidden close, then a file, a pipe and a socket again");
	hidden_close(a);
	int file = CHECK(open("/dev/null", O_RDWR));
	probe(file);
	CHECK(close(file));
	hidden_close(b);
	CHECK(pipe(pipes));
	probe(pipes[0]), probe(pipes[1]);
	hidden_close(pipes[0]);
	a = hidden_make(NETLINK);
	probe(a);
	CASE("a hidden dup2");
	b = make(TCP);
	RAW3(SYS_dup3, b, a, 0);
	probe(a);
	CASE("a hidden close, seen by bind first");
	hidden_close(a);
	a = hidden_make(UDP);
	struct sockaddr_in any = loopback(0);
	CHECK(bind(a, ADDRESS(any)));
	probe(a);
	CASE("fclose of a stream made with fdopen");
	FILE *stream = fdopen(a, "r+");
	fclose(stream);
	probe(a);
	a = hidden_make(UNIX_STREAM);
	probe(a);
	fclose(fdopen(a, "r+"));
	a = make(NETLINK);
	probe(a);
	closefrom(3);
}

static int receive(int from, int (*how)(int from, struct msghdr *))
{
	char byte;
	struct iovec vector = {&byte, 1};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

	CHECK(how(from, &message));
	int fd;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static void pass(int to, int fd)
{
	struct iovec vector = {"x", 1};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	CHECK(sendmsg(to, &message, 0));
}

static int by_recvmsg(int from, struct msghdr *message) { return recvmsg(from, message, 0); }
static int by_hidden_recvmsg(int from, struct msghdr *message) { return RAW3(SYS_recvmsg, from, message, 0); }

static void passed(void)
{
	struct sockaddr_in address;
	int pair[2], listener, client, pidfd;

	CASE("socketpair");
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	probe(pair[0]), probe(pair[1]);
	CASE("accept");
	listener = tcp_listener(1, &address);
	probed(listener);
	client = make(TCP);
	CHECK(connect(client, ADDRESS(address)));
	int server = CHECK(accept(listener, NULL, NULL));
	probe(server);
	CASE("SCM_RIGHTS, to a new number");
	pass(pair[0], make(UDP));
	probe(receive(pair[1], by_recvmsg));
	CASE("SCM_RIGHTS, to a number whose close was hidden");
	pass(pair[0], make(UNIX_STREAM));
	hidden_close(client);
	probe(receive(pair[1], by_recvmsg));
	CASE("hidden SCM_RIGHTS");
	pass(pair[0], pair[0]);
	hidden_close(server);
	probe(receive(pair[1], by_hidden_recvmsg));
	CASE("pidfd_getfd");
	pidfd = CHECK(syscall(SYS_pidfd_open, getpid(), 0));
	probe(CHECK(syscall(SYS_pidfd_getfd, pidfd, listener, 0)));
	probe(pidfd);
	closefrom(3);
}

// The child has copies of the parent's descriptors, and changes only its own.
static void forked(void)
{
	int a = make(TCP), b = make(UDP), status;
	pid_t child = CHECK(fork());

	CASE("fork");
	if (child == 0) {
		length = 0;
		CHECK(dup2(b, a));
		CHECK(close(b));
		b = make(NETLINK);
		probe(a), probe(b);
		write_report();
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0));
	probe(a), probe(b);
	closefrom(3);
}

static void execute(char **argv, char *stage)
{
	char *arguments[] = {argv[0], argv[1], stage, NULL};

	write_report();
	execv(argv[0], arguments);
	die("execv");
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	path = argv[1];
	if (argc == 2) {
		closefrom(3);
		duplicates();
		ranges();
		hidden();
		passed();
		forked();
		make(TCP), make(UDP), make(UNIX_STREAM);
		CHECK(fcntl(4, F_SETFD, FD_CLOEXEC));
		execute(argv, "inherited");
	}
	if (strcmp(argv[2], "inherited") == 0) {
		CASE("inherited through exec, one of them not");
		probe(3), probe(5);
		probe(make(NETLINK));
		CASE("a duplicate of an inherited one");
		probe(CHECK(dup(5)));
		CHECK(close(5));
		probe(make(UNIX_DGRAM));
		closefrom(0);
		execute(argv, "without stdio");
	}
	CASE("the numbers of stdin, stdout and stderr");
	probe(make(TCP)), probe(make(UDP)), probe(make(UNIX_STREAM));
	CHECK(close(1));
	probe(hidden_make(NETLINK));
	write_report();
	return 0;
}
