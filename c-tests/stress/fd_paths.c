// Every call of one process that makes, copies or closes a descriptor.
//
//   fd_paths FILE [threads]
#include "fd_check.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <linux/vm_sockets.h>

// ---- Calls that make descriptors
// ---------------------------------------------------------------------------

static void by_socket(void)
{
	for (const struct sort *sort = sorts; sort < sorts + SORTS; sort++)
		socket(sort->family, sort->type, sort->protocol); // A kind that the machine lacks is not in the report either.
	look("socket");
	closefrom(3);
	for (const struct sort *sort = sorts; sort < sorts + SORTS; sort++)
		syscall(SYS_socket, sort->family, sort->type | SOCK_CLOEXEC, sort->protocol);
	look("SYS_socket");
	FAILS(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	look("a socket that cannot be");
}

static void by_socketpair(void)
{
	int pair[2];

	for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type += type == SOCK_STREAM ? 1 : 3)
		CHECK(socketpair(AF_UNIX, type, 0, pair));
	look("socketpair");
	CHECK(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
	look("SYS_socketpair");
	CHECK(close(pair[0]));
	look("one end closed");
}

// A listener of this kind, with one connection waiting. 0 when the machine does not have the kind.
static int listener_with_client(const struct sort *sort, int *client)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
		struct sockaddr_vm vm;
	} address = {.any.sa_family = sort->family};
	socklen_t length = sort->family == AF_INET    ? sizeof(address.in)
			   : sort->family == AF_INET6 ? sizeof(address.in6)
			   : sort->family == AF_VSOCK ? sizeof(address.vm)
						      : sizeof(sa_family_t); // An abstract name of the kernel's choice.
	if (sort->family == AF_INET)
		address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (sort->family == AF_INET6)
		address.in6.sin6_addr = in6addr_loopback;
	if (sort->family == AF_VSOCK)
		address.vm.svm_cid = VMADDR_CID_LOCAL, address.vm.svm_port = VMADDR_PORT_ANY;
	int fd = socket(sort->family, sort->type, sort->protocol);
	if (fd < 0)
		return 0;
	if (bind(fd, &address.any, length) < 0) {
		CHECK(close(fd));
		return 0;
	}
	CHECK(listen(fd, 1));
	length = sizeof(address);
	CHECK(getsockname(fd, &address.any, &length));
	*client = CHECK(socket(sort->family, sort->type, sort->protocol));
	if (connect(*client, &address.any, length) < 0) {
		CHECK(close(*client)), CHECK(close(fd));
		return 0;
	}
	return fd;
}

static long accept_by_syscall(int fd) { return syscall(SYS_accept, fd, NULL, NULL); }
static long accept4_by_syscall(int fd) { return syscall(SYS_accept4, fd, NULL, NULL, SOCK_CLOEXEC); }
static long by_accept(int fd) { return accept(fd, NULL, NULL); }
static long by_accept4(int fd) { return accept4(fd, NULL, NULL, SOCK_NONBLOCK); }

static void accepts(void)
{
	static const struct {
		const char *name;
		long (*call)(int fd);
	} calls[] = {{"accept", by_accept},
		     {"accept4", by_accept4},
		     {"SYS_accept", accept_by_syscall},
		     {"SYS_accept4", accept4_by_syscall}};
	char step[64];

	for (const struct sort *sort = sorts; sort < sorts + SORTS; sort++)
		for (int i = 0; (sort->type == SOCK_STREAM || sort->type == SOCK_SEQPACKET) && i < 4; i++) {
			int client, listener = listener_with_client(sort, &client);
			if (!listener)
				break;
			CHECK(calls[i].call(listener));
			snprintf(step, sizeof(step), "%s of %s", calls[i].name, sort->name);
			look(step);
			closefrom(3);
		}
}

// ---- Numbers that are reused
// -------------------------------------------------------------------------------

static int an_eventfd(void) { return eventfd(0, 0); }
static int a_file(void) { return open("/dev/null", O_RDWR); }
static int a_memfd(void) { return memfd_create("fd", 0); }
static int an_epoll(void) { return epoll_create1(0); }
static int an_epoll_by_syscall(void) { return syscall(SYS_epoll_create, 1); }
static int a_timer(void) { return timerfd_create(CLOCK_MONOTONIC, 0); }
static int an_inotify(void) { return inotify_init(); }
static int a_pidfd(void) { return syscall(SYS_pidfd_open, getpid(), 0); }
static int a_pipe(void)
{
	int ends[2];
	CHECK(pipe(ends));
	RAW1(SYS_close, ends[1]);
	return ends[0];
}
static int (*const others[])(void) = {an_eventfd, a_file,  a_memfd,    an_epoll, an_epoll_by_syscall,
				      a_timer,	  a_pipe,  an_inotify, a_pidfd};

static void reused(void)
{
	char step[64], byte;

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		int fd = make(i % KINDS);
		CHECK(close(fd));
		if (CHECK(others[i]()) != fd)
			die("not the lowest number");
		snprintf(step, sizeof(step), "a socket's number taken by something else, %zu", i);
		look(step);
		fcntl(fd, F_SETFL, O_NONBLOCK);
		read(fd, &byte, 0);
		CHECK(close(fd));
		make((i + 1) % KINDS);
		snprintf(step, sizeof(step), "and by another socket, %zu", i);
		look(step);
		closefrom(3);
	}
}

// ---- dup and its relatives ---------------------------------------------------------------------------------

static void duplicated(void)
{
	int a = make(TCP), b = make(UDP), file = a_file(), status;

	CHECK(dup(a)), CHECK(dup(file)), CHECK(syscall(SYS_dup, b));
	look("dup, SYS_dup");
	FAILS(dup(99), EBADF);
	look("dup of nothing");
	CHECK(fcntl(a, F_DUPFD, 20)), CHECK(fcntl(b, F_DUPFD_CLOEXEC, 20)), CHECK(fcntl(file, F_DUPFD, 20));
	CHECK(syscall(SYS_fcntl, a, F_DUPFD, 40)), CHECK(syscall(SYS_fcntl, a, F_DUPFD_CLOEXEC, 40));
	look("F_DUPFD, F_DUPFD_CLOEXEC");
	FAILS(fcntl(a, F_DUPFD, 1 << 30), EINVAL);
	enum { DUPFD_QUERY = 1027 };
	status = fcntl(a, DUPFD_QUERY, 20);
	if (status != 1 && !(status == -1 && errno == EINVAL)) // Some kernels do not have it yet.
		die("F_DUPFD_QUERY");
	look("F_DUPFD_QUERY");
	CHECK(close(a));
	look("the first one closed");
	struct sockaddr_in address = loopback(0);
	CHECK(bind(20, ADDRESS(address))), CHECK(listen(20, 1));
	look("one of them listens");
	CHECK(fcntl(a_file(), F_DUPFD, 20));
	look("a file");
}

static void over(void)
{
	int a = make(TCP), b = make(UDP), c = make(UNIX_STREAM), file = a_file();

	CHECK(dup2(a, b));
	look("dup2 onto a socket");
	CHECK(dup2(a, a));
	look("dup2 onto itself");
	CHECK(dup2(a, b));
	look("dup2 onto the same socket");
	CHECK(dup2(c, 50)), CHECK(dup2(file, 51));
	look("dup2 onto an unused number");
	CHECK(dup2(file, c)), CHECK(dup2(a, 51));
	look("dup2 of a file onto a socket, and of a socket onto a file");
	FAILS(dup2(99, a), EBADF);
	look_after_use("dup2 of nothing onto a socket");
	FAILS(dup2(99, 99), EBADF);
	FAILS(dup2(a, -1), EBADF);
	FAILS(dup3(a, a, 0), EINVAL);
	FAILS(dup3(b, a, O_APPEND), EINVAL);
	look_after_use("dup3 with a bad flag");
	CHECK(dup3(50, a, O_CLOEXEC));
	look("dup3 onto a socket");
	CHECK(syscall(SYS_dup2, b, 52)), CHECK(syscall(SYS_dup3, 50, 52, 0)), CHECK(syscall(SYS_dup2, a, a));
	look("SYS_dup2, SYS_dup3");
}

// ---- Calls that close descriptors
// --------------------------------------------------------------------------

static void closed(void)
{
	int a = make(TCP), b = CHECK(dup(a)), c = make(UDP);

	CHECK(close(a));
	look("close of one of two");
	CHECK(close(b)), CHECK(syscall(SYS_close, c));
	look("close, SYS_close");
	FAILS(close(a), EBADF);
	FAILS(close(-1), EBADF);
	FAILS(close(100), EBADF);
	look("close of nothing");
}

static void closed_in_ranges(void)
{
	for (int i = 0; i < 10; i++)
		make(i % KINDS);
	CHECK(close_range(4, 6, CLOSE_RANGE_CLOEXEC));
	look("close_range that only marks");
	CHECK(close_range(4, 6, 0));
	look("close_range");
	FAILS(close_range(6, 4, 0), EINVAL);
	FAILS(close_range(7, 8, 1 << 10), EINVAL);
	look_after_use("close_range that is refused");
	CHECK(close_range(8, ~0U, CLOSE_RANGE_UNSHARE));
	(beside_a_thread ? look_and_expect_nothing : look)("close_range that unshares");
	make(TCP), make(UDP);
	CHECK(syscall(SYS_close_range, 3, 3, 0));
	look("SYS_close_range");
	CHECK(fcntl(4, F_DUPFD, 200));
	closefrom(5);
	look("closefrom");
	closefrom(-7);
	look("closefrom of everything");
	FAILS(write(1, "", 0), EBADF);
}

static void streams(void)
{
	int a = make(TCP), b = CHECK(dup(a)), pair[2];

	FILE *stream = fdopen(a, "r+");
	fclose(stream);
	look("fclose");
	stream = fdopen(b, "r+");
	if (!freopen("/dev/null", "r", stream))
		die("freopen");
	look("freopen");
	fclose(stream);
	look("fclose of a file");
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	stream = fdopen(pair[0], "r+");
	if (freopen("/nowhere/at/all", "r", stream))
		die("freopen");
	look("freopen that fails");
	stream = popen("true", "r");
	char byte;
	if (read(fileno(stream), &byte, 1) != 0)
		die("read");
	look("popen");
	pclose(stream);
	look("pclose");
	make(UDP), make(TCP);
	look("sockets after pclose");
	stream = fdopen(CHECK(dup(pair[1])), "r+");
	if (!freopen64("/dev/null", "w", stream))
		die("freopen64");
	look("freopen64");
}

// A change of a socket through one descriptor shows through the others.
static void states(void)
{
	struct sockaddr_in address;
	int listener = tcp_listener(4, &address), client = make(TCP), udp = make(UDP);

	CHECK(dup(listener)), CHECK(dup(client)), CHECK(dup(udp));
	look("a listener");
	CHECK(connect(client, ADDRESS(address))), CHECK(accept(listener, NULL, NULL));
	CHECK(connect(udp, ADDRESS(address)));
	look("connected");
	CHECK(shutdown(client, SHUT_WR));
	look("shut down");
	CHECK(shutdown(listener, SHUT_RDWR));
	look("a listener shut down");
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	CHECK(connect(udp, &none, sizeof(none)));
	look("disconnected");
}

// A connected IPv6 socket with mapped addresses becomes an IPv4 socket, whichever of its descriptors is
// used.
static void another_family(void)
{
	struct sockaddr_in address;
	int listener = tcp_listener(1, &address), fd = CHECK(socket(AF_INET6, SOCK_STREAM, 0)), family = AF_INET;
	struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = address.sin_port};

	CHECK(inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr));
	CHECK(connect(fd, ADDRESS(mapped))), CHECK(accept(listener, NULL, NULL));
	CHECK(dup(fd));
	FAILS(setsockopt(listener, SOL_IPV6, IPV6_ADDRFORM, &family, sizeof(family)), ENOPROTOOPT);
	look("IPv6");
	CHECK(setsockopt(fd, SOL_IPV6, IPV6_ADDRFORM, &family, sizeof(family)));
	look_after_use("IPv4");
}

static void without_room(void)
{
	int a = make(TCP), pair[2];
	struct rlimit limit;

	CHECK(getrlimit(RLIMIT_NOFILE, &limit));
	struct rlimit low = {a + 1, limit.rlim_max};
	CHECK(setrlimit(RLIMIT_NOFILE, &low));
	FAILS(dup(a), EMFILE);
	FAILS(fcntl(a, F_DUPFD, 3), EMFILE);
	FAILS(dup2(a, a + 1), EBADF);
	FAILS(socket(AF_INET, SOCK_STREAM, 0), EMFILE);
	FAILS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), EMFILE);
	CHECK(setrlimit(RLIMIT_NOFILE, &limit)); // The report needs a descriptor too.
	look("no room");
}

static void without_stdio(void)
{
	closefrom(0);
	make(TCP), make(UDP), make(UNIX_STREAM), make(NETLINK);
	look("sockets at 0, 1, 2 and 3");
	CHECK(close(1));
	a_file();
	look("a file at 1");
	CHECK(dup2(0, 2)), CHECK(close(0));
	look("dup2 onto 2");
}

// As high as the limit permits, and beyond the end of the library's table if possible.
static void high(void)
{
	static const int wanted[] = {1023, 1024, 65536, 1048575, 1048576, 1048577, 2097151, 2097152};
	struct rlimit limit;
	char step[64];
	int fd = make(TCP), highest;

	CHECK(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	struct rlimit raised = {4194304, 4194304};
	if (setrlimit(RLIMIT_NOFILE, &raised) < 0)
		CHECK(setrlimit(RLIMIT_NOFILE, &limit));
	else
		limit = raised;
	highest = limit.rlim_cur - 1;
	for (size_t i = 0; i <= sizeof(wanted) / sizeof(*wanted); i++) {
		int number = i < sizeof(wanted) / sizeof(*wanted) ? wanted[i] : highest;
		if (number > highest)
			continue;
		more[0] = number, more_count = 1;
		CHECK(dup2(fd, number));
		snprintf(step, sizeof(step), "%d", number);
		if (number < 2097152)
			look(step);
		CHECK(getsockname(number, (struct sockaddr *)&(struct sockaddr_in){0}, &(socklen_t){0}));
		CHECK(close(fd));
		fd = CHECK(fcntl(number, F_DUPFD, 3));
		CHECK(close_range(number, number, 0));
		look_after_use("closed again");
	}
	say("up to %d\n", highest);
}

int main(int argc, char **argv)
{
	static const struct row rows[] = {
		{"socket", by_socket, 0},	   {"socketpair", by_socketpair, 0},
		{"accept", accepts, 0},		   {"a number used again", reused, 0},
		{"dup", duplicated, 0},		   {"dup2", over, 0},
		{"close", closed, 0},		   {"close_range", closed_in_ranges, 1},
		{"stdio", streams, 0},		   {"states", states, 0},
		{"another family", another_family, 0},
		{"no room", without_room, 1},	   {"without stdio", without_stdio, 1},
		{"high numbers", high, 1},
	};

	if (argc < 2)
		return 2;
	start(argv[1], argc > 2);
	run_rows(ROWS(rows));
	return 0;
}
