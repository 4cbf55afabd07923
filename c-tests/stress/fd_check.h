// What the library knows of descriptors, compared with what the kernel says.
//
// Each row of a program's table does something to descriptors and calls look() after each step. look()
// writes what the kernel says to a report, which is the same natively and under the shim. If the library is
// one that tests build, which exports its view, look() also writes a line "DISAGREE" for each difference
// between the kernel and the library.
#ifndef FD_CHECK_H
#define FD_CHECK_H

#include "stress.h"
#include <dlfcn.h>
#include <linux/close_range.h>
#include <linux/kcmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

// Every kind of socket that is created differently; not every machine has all of them.
static const struct sort {
	const char *name;
	int family, type, protocol; // As for socket(2).
	const char *ops, *prot;
	int asked; // Whether some kernels lack it: then a new socket is unknown until it is used.
} sorts[] = {
	{"tcp", AF_INET, SOCK_STREAM, 0, "inet_stream_ops", "tcp_prot", 0},
	{"udp", AF_INET, SOCK_DGRAM, 0, "inet_dgram_ops", "udp_prot", 0},
	{"icmp", AF_INET, SOCK_RAW, IPPROTO_ICMP, "inet_sockraw_ops", "raw_prot", 0},
	{"mptcp", AF_INET, SOCK_STREAM, IPPROTO_MPTCP, "mptcp_stream_ops", "mptcp_prot", 1},
	{"tcp6", AF_INET6, SOCK_STREAM, 0, "inet6_stream_ops", "tcpv6_prot", 0},
	{"udp6", AF_INET6, SOCK_DGRAM, 0, "inet6_dgram_ops", "udpv6_prot", 0},
	{"stream", AF_UNIX, SOCK_STREAM, 0, "unix_stream_ops", "unix_stream_proto", 0},
	{"dgram", AF_UNIX, SOCK_DGRAM, 0, "unix_dgram_ops", "unix_dgram_proto", 0},
	{"seqpacket", AF_UNIX, SOCK_SEQPACKET, 0, "unix_seqpacket_ops", "unix_dgram_proto", 0},
	{"netlink", AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, "netlink_ops", "netlink_proto", 0},
	{"packet", AF_PACKET, SOCK_RAW, 0, "packet_ops", "packet_proto", 0},
	{"vsock", AF_VSOCK, SOCK_STREAM, 0, "vsock_stream_ops", "vsock_proto", 1},
};
enum { SORTS = sizeof(sorts) / sizeof(*sorts) };

// What the library knows, declared as in src/preload/view.rs.
struct view {
	int kind, family, type, protocol, state, sk_state, bound, shutdown, refs, stale;
	uint64_t name;
	char ops[32], prot[32];
};
enum { UNKNOWN, NOT_SOCKET, SOCKET };                      // kind
enum { ESTABLISHED = 1, LISTENING = 10 };               // sk_state
enum { CONNECTED = 3, UNKNOWN_STATE = 5 };               // state

typedef void view_call(int fd, struct view *view);
static view_call *view_of; // NULL natively.

// What the kernel says of a number.
struct truth {
	int fd, open, socket, family, type, protocol, listening, connected;
	uint64_t name; // SO_COOKIE, which no other socket has.
};

// The numbers that are compared: all low ones, and those that a row adds.
enum { LOW = 256, MORE = 8 };
static int more[MORE], more_count;

// Whether threads or processes have different descriptors under the same numbers, so that the library
// remembers nothing.
static int nothing_is_remembered;

// Whether there is another thread.
static int beside_a_thread;

static const char *report_path, *row = "";
static int disagreements;

// Writes to the report with system calls that no hook sees. Any number may be open or closed, so the report
// is opened each time.
__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...)
{
	char text[16384];
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	long file = RAW4(SYS_openat, AT_FDCWD, report_path, O_WRONLY | O_APPEND | O_CREAT, 0644);
	RAW3(SYS_write, file, text, length < (int)sizeof(text) ? length : (int)sizeof(text) - 1);
	RAW1(SYS_close, file);
}

#define DISAGREE(format, ...) (disagreements++, say("DISAGREE %s: %s: " format "\n", row, step, __VA_ARGS__))

static inline int option(int fd, int name)
{
	int value = 0;
	socklen_t length = sizeof(value);
	return RAW5(SYS_getsockopt, fd, SOL_SOCKET, name, &value, &length) < 0 ? -1 : value;
}

static inline struct truth truth_of(int fd)
{
	struct truth truth = {.fd = fd, .open = RAW3(SYS_fcntl, fd, F_GETFD, 0) >= 0};
	char path[64], link[64] = "";

	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
	if ((RAW3(SYS_readlink, path, link, sizeof(link) - 1) >= 0) != truth.open)
		errno = 0, die("/proc and fcntl differ");
	if (strncmp(link, "socket:[", 8) != 0)
		return truth;
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer), size = sizeof(truth.name);
	truth.socket = 1;
	truth.family = option(fd, SO_DOMAIN);
	truth.type = option(fd, SO_TYPE);
	truth.protocol = option(fd, SO_PROTOCOL);
	truth.listening = option(fd, SO_ACCEPTCONN) == 1;
	truth.connected = RAW3(SYS_getpeername, fd, &peer, &length) == 0;
	RAW5(SYS_getsockopt, fd, SOL_SOCKET, SO_COOKIE, &truth.name, &size);
	// The kernel gives an MPTCP listener and the connections that it accepts the same cookie.
	if (truth.protocol == IPPROTO_MPTCP)
		truth.name ^= strtoull(link + 8, NULL, 10) << 32;
	return truth;
}

static inline const struct sort *sort_of(const struct truth *truth)
{
	for (const struct sort *sort = sorts; sort < sorts + SORTS; sort++)
		if (sort->family == truth->family && sort->type == truth->type &&
		    (sort->protocol == IPPROTO_MPTCP) == (truth->protocol == IPPROTO_MPTCP))
			return sort;
	errno = EPROTOTYPE;
	die("a sort of socket that the table lacks");
}

// Whether two numbers are one open file description.
static inline int same(int a, int b)
{
	// The thread's number, not the process's: the thread's descriptor table may be its own.
	pid_t self = raw(SYS_gettid, 0, 0, 0, 0, 0);
	long answer = raw(SYS_kcmp, self, self, KCMP_FILE, a, b);
	if (answer == -ENOSYS || answer == -EPERM) {
		enum { DUPFD_QUERY = 1027 };
		answer = RAW3(SYS_fcntl, a, DUPFD_QUERY, b) == 1 ? 0 : 1;
	}
	if (answer < 0) {
		errno = -answer;
		die("kcmp");
	}
	return answer == 0;
}

// Only in these families do both sides identify the peer in the same way.
static inline int has_peers(int family) { return family == AF_INET || family == AF_INET6 || family == AF_UNIX; }

static inline void compare(const char *step, const struct truth *truth, int count)
{
	struct view view;

	view_of(truth->fd, &view);
	if (nothing_is_remembered) {
		if (view.kind != UNKNOWN)
			DISAGREE("%d is remembered as %d, %s", truth->fd, view.kind, view.ops);
		return;
	}
	if (!truth->socket) {
		if (view.kind == SOCKET)
			DISAGREE("%d is no socket, and known as %s", truth->fd, view.ops);
		else if (view.kind == NOT_SOCKET && !truth->open)
			DISAGREE("%d is closed, and known as something else than a socket", truth->fd);
		return;
	}
	const struct sort *sort = sort_of(truth);
	if (view.kind != SOCKET) {
		DISAGREE("%d is %s, and %s", truth->fd, sort->name, view.kind ? "known as no socket" : "not known");
		return;
	}
	if (view.family != truth->family || view.type != truth->type || view.protocol != truth->protocol ||
	    strcmp(view.ops, sort->ops) != 0 || strcmp(view.prot, sort->prot) != 0)
		DISAGREE("%d is %s, and known as %d, %d, %d, %s, %s", truth->fd, sort->name, view.family, view.type,
			 view.protocol, view.ops, view.prot);
	if (view.name != truth->name)
		DISAGREE("%d is another %s than the one that is known", truth->fd, sort->name);
	if (view.refs != count)
		DISAGREE("%d is %s with %d descriptors, and %d are known", truth->fd, sort->name, count, view.refs);
	if ((view.sk_state == LISTENING) != truth->listening)
		DISAGREE("%d is %s, listening %d, and sk_state is %d", truth->fd, sort->name, truth->listening, view.sk_state);
	int stream = truth->type == SOCK_STREAM || truth->type == SOCK_SEQPACKET;
	// Of a connection from another program nobody knows whether its connect is still to be repeated.
	int connected = view.sk_state == ESTABLISHED && (!stream || view.state == CONNECTED || view.state == UNKNOWN_STATE);
	if (has_peers(truth->family) && connected != truth->connected)
		DISAGREE("%d is %s, connected %d, and state is %d, sk_state %d", truth->fd, sort->name, truth->connected,
			 view.state, view.sk_state);
}

// Compares every number. After some steps the library does not know a socket before its next use; only then
// may the socket be unknown, and it is used and compared like the others.
enum { STRICTLY, AFTER_USE, QUIETLY }; // QUIETLY is AFTER_USE, but reports disagreements only.

static inline void look_at_all(const char *step, int how)
{
	static struct truth all[LOW + MORE];
	char text[16384]; // A number takes up to 40 bytes.
	int length = 0, count = 0;

	for (int i = 0; i < LOW + more_count; i++) {
		struct truth truth = truth_of(i < LOW ? i : more[i - LOW]);
		struct view view = {0};
		if (view_of)
			view_of(truth.fd, &view);
		if (truth.open || view.kind != UNKNOWN)
			all[count++] = truth;
		if (view_of && truth.socket && view.kind == UNKNOWN) {
			struct sockaddr_storage name;
			socklen_t size = sizeof(name);
			if (how == STRICTLY && !sort_of(&truth)->asked && !nothing_is_remembered)
				DISAGREE("%d is %s, and not known%s", truth.fd, sort_of(&truth)->name,
					 view.stale ? " any more" : "");
			getsockname(truth.fd, (struct sockaddr *)&name, &size);
		}
	}
	for (int i = 0; i < count; i++) {
		int descriptors = 0, first = -1;
		for (int j = 0; all[i].socket && j < count; j++)
			if (all[j].socket && (i == j || (all[i].name == all[j].name && same(all[i].fd, all[j].fd)))) {
				descriptors++;
				if (first < 0)
					first = all[j].fd;
			}
		if (view_of)
			compare(step, &all[i], descriptors);
		if (!all[i].open || (all[i].fd < 3 && !all[i].socket))
			continue;
		length += snprintf(text + length, sizeof(text) - length, " %d:%s", all[i].fd,
				   all[i].socket ? sort_of(&all[i])->name : "other");
		if (all[i].socket)
			length += snprintf(text + length, sizeof(text) - length, "%s%s=%d", all[i].listening ? ",listening" : "",
					   all[i].connected && has_peers(all[i].family) ? ",connected" : "", first);
	}
	if (how != QUIETLY)
		say("%s: %s:%s\n", row, step, length ? text : "");
}

static inline void look_and_expect_nothing(const char *step)
{
	nothing_is_remembered = 1;
	look_at_all(step, AFTER_USE);
}
static inline void look(const char *step) { look_at_all(step, STRICTLY); }
static inline void look_after_use(const char *step) { look_at_all(step, AFTER_USE); }

// For a call that the row expects to fail.
static inline void fails(long result, int expected, const char *what)
{
	if (result != -1 || errno != expected) {
		fprintf(stderr, "%s: %s = %ld, errno %s\n", row, what, result, strerror(errno));
		_exit(BROKEN);
	}
}
#define FAILS(call, expected) fails((call), (expected), #call)

struct row {
	const char *name;
	void (*run)(void);
	int alone; // Whether it affects later rows, so that it must run in a process of its own.
};

static inline pid_t wait_for(pid_t child)
{
	int status;

	CHECK(waitpid(child, &status, 0));
	if (status) {
		fprintf(stderr, "%s: a child has ended with %#x\n", row, status);
		_exit(BROKEN);
	}
	return child;
}

static inline void run_row(const struct row *one)
{
	row = one->name;
	one->run();
	more_count = 0;
	closefrom(3);
	look("afterwards");
}

// The rows of a program. FILE is the report; "threads" as a second argument adds an idle thread, because
// the library takes more care beside threads.
static inline void *idle(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static inline void start(const char *report, int threads)
{
	pthread_t thread;

	report_path = report;
	view_of = (view_call *)dlsym(RTLD_DEFAULT, "sockshim_fd_view");
	beside_a_thread = threads;
	if (threads)
		pthread_create(&thread, NULL, idle, NULL);
}

static inline void run_rows(const struct row *rows, int count)
{
	closefrom(3);
	for (int i = 0; i < count; i++) {
		if (!rows[i].alone) {
			run_row(&rows[i]);
			continue;
		}
		pid_t child = CHECK(fork());
		if (child == 0) {
			run_row(&rows[i]);
			_exit(0);
		}
		wait_for(child);
	}
	say("%d rows, libraries with a view %d\n", count, view_of != NULL);
}

#define ROWS(rows) rows, sizeof(rows) / sizeof(*rows)

#endif
