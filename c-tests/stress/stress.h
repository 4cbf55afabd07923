// Shared by the stress programs. The first lines of each program say what it does and what it prints.
#ifndef STRESS_H
#define STRESS_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

// The exit status when a step failed that must succeed on any machine, natively or not.
enum { BROKEN = 99 };

static inline _Noreturn void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	_exit(BROKEN);
}

static inline int check(int result, const char *what)
{
	if (result < 0)
		die(what);
	return result;
}

// The call's result; a failure ends the program.
#define CHECK(call) check((call), #call)

// The socket calls of a signal handler, which leave errno as it was.
static inline void call_in_handler(void)
{
	struct sockaddr_un address;
	socklen_t length = sizeof(address);
	int saved = errno, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		getsockname(fd, (struct sockaddr *)&address, &length);
		close(fd);
	}
	errno = saved;
}

// A system call that no interposed function sees. Returns a negative errno like the kernel does.
static inline long raw(long number, long a, long b, long c, long d, long e)
{
#if defined(__x86_64__)
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
	return x0;
#else
#error "add the system call instruction of this architecture"
#endif
}

#define RAW1(number, a) raw(number, (long)(a), 0, 0, 0, 0)
#define RAW2(number, a, b) raw(number, (long)(a), (long)(b), 0, 0, 0)
#define RAW3(number, a, b, c) raw(number, (long)(a), (long)(b), (long)(c), 0, 0)
#define RAW4(number, a, b, c, d) raw(number, (long)(a), (long)(b), (long)(c), (long)(d), 0)
#define RAW5(number, a, b, c, d, e) raw(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))

// A kind of socket, with the names of its ops and protocol in the kernel.
struct kind {
	int domain, type, protocol; // As SO_DOMAIN, SO_TYPE and SO_PROTOCOL report them.
	const char *ops, *prot;
};

static const struct kind kinds[] = {
	{AF_INET, SOCK_STREAM, IPPROTO_TCP, "inet_stream_ops", "tcp_prot"},
	{AF_INET, SOCK_DGRAM, IPPROTO_UDP, "inet_dgram_ops", "udp_prot"},
	{AF_UNIX, SOCK_STREAM, 0, "unix_stream_ops", "unix_stream_proto"},
	{AF_UNIX, SOCK_DGRAM, 0, "unix_dgram_ops", "unix_dgram_proto"},
	{AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, "netlink_ops", "netlink_proto"},
};
enum { TCP, UDP, UNIX_STREAM, UNIX_DGRAM, NETLINK, KINDS };

static inline int make(int kind)
{
	return CHECK(socket(kinds[kind].domain, kinds[kind].type, kinds[kind].protocol));
}

// What the kernel says the descriptor is, asked without a hook; NULL when it is not a socket.
static inline const struct kind *kind_of(int fd)
{
	int domain = -1, type = -1, protocol = -1;
	socklen_t length = sizeof(int);

	if (RAW5(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0)
		return NULL;
	RAW5(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &length);
	RAW5(SYS_getsockopt, fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length);
	for (int i = 0; i < KINDS; i++)
		if (kinds[i].domain == domain && kinds[i].type == type && kinds[i].protocol == protocol)
			return &kinds[i];
	errno = EPROTOTYPE;
	die("a kind of socket that the table lacks");
}

static inline struct sockaddr_in loopback(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

#define ADDRESS(address) (struct sockaddr *)&(address), sizeof(address)

// A TCP listener on loopback; *address is its address.
static inline int tcp_listener(int backlog, struct sockaddr_in *address)
{
	socklen_t length = sizeof(*address);
	int fd = CHECK(socket(AF_INET, SOCK_STREAM, 0));

	*address = loopback(0);
	CHECK(bind(fd, (struct sockaddr *)address, length));
	CHECK(listen(fd, backlog));
	CHECK(getsockname(fd, (struct sockaddr *)address, &length));
	return fd;
}

// Returns when the thread sleeps in a system call other than futex. It uses no hooked function.
static inline void wait_blocked(pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)tid);
	for (;;) {
		char text[32] = "";
		long file = RAW4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
		if (file < 0) {
			errno = -file;
			die(path);
		}
		RAW3(SYS_read, file, text, sizeof(text) - 1);
		RAW1(SYS_close, file);
		// "running", or the number of the call.
		if (text[0] >= '0' && text[0] <= '9' && atol(text) != SYS_futex)
			return;
		usleep(1000);
	}
}

#endif
