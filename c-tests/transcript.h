// Shared by the programs of this directory. Each of them shows one behaviour of the socket layer and prints
// what it saw to stdout: the transcript. It is the same in every run on one machine, so it never contains a
// port, a pid, an address in memory or a duration. Under the shim it must be the same.
//
// A program creates files in its current directory only, and removes them. It exits with 0, with
// NEEDS_STATUS when the machine lacks what it shows, or with SETUP_STATUS when a step failed that is not
// part of what it shows.

#ifndef TRANSCRIPT_H
#define TRANSCRIPT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef AF_XDP
#define AF_XDP 44
#endif

enum {
	NEEDS_STATUS = 77,
	SETUP_STATUS = 99,
	UNTOUCHED = 4000, // errno before each call: no error has this number, and a successful call leaves it.
};

// A pointer to memory that no program can read or write. Volatile, so that the compiler does not see its
// value and warn.
static void *volatile nowhere = (void *)16;
#define NOWHERE nowhere
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

// The programs' own protection against hanging: SIGALRM kills them. Output is flushed line by line, so that
// fork() does not duplicate it.
__attribute__((constructor)) static void transcript_start(void)
{
	alarm(100);
	setvbuf(stdout, NULL, _IOLBF, 0);
}

static inline const char *errno_name(int error)
{
	const char *name = strerrorname_np(error);
	return name ? name : error == UNTOUCHED ? "(errno untouched)" : "(unknown errno)";
}

// Formats a label. The text is valid until the eighth call after this one.
__attribute__((format(printf, 1, 2))) static inline const char *text(const char *format, ...)
{
	static char texts[8][256];
	static int next;
	char *to = texts[next++ % 8];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(to, sizeof texts[0], format, arguments);
	va_end(arguments);
	return to;
}

static inline long transcript_call(const char *label, long result)
{
	int error = errno;
	if (result == -1)
		printf("%s = -1 %s\n", label, errno_name(error));
	else if (error != UNTOUCHED)
		printf("%s = %ld, errno became %s\n", label, result, errno_name(error));
	else
		printf("%s = %ld\n", label, result);
	return result;
}

// Makes a call and prints its own text, or the label, with its result and errno.
#define CALL(call) transcript_call(#call, (errno = UNTOUCHED, (long)(call)))
#define CALL_AS(label, call) transcript_call(label, (errno = UNTOUCHED, (long)(call)))

static inline long transcript_must(const char *call, long result, int status)
{
	if (result != -1)
		return result;
	printf("%s: %s: %s\n", status == NEEDS_STATUS ? "needs" : "setup failed", call, errno_name(errno));
	fflush(stdout);
	_exit(status);
}

// A call that is not part of the transcript: NEEDS when the machine may lack it, MUST otherwise.
#define MUST(call) transcript_must(#call, (long)(call), SETUP_STATUS)
#define NEEDS(call) transcript_must(#call, (long)(call), NEEDS_STATUS)

// ---- Addresses -------------------------------------------------------------------------------------------

#define SA(address) ((struct sockaddr *)&(address))

static inline struct sockaddr_in inet4(const char *host, int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	inet_pton(AF_INET, host, &address.sin_addr);
	return address;
}

static inline struct sockaddr_in6 inet6(const char *host, int port)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	inet_pton(AF_INET6, host, &address.sin6_addr);
	return address;
}

static inline struct sockaddr_un unix_file(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	return address;
}

// Prints an address; of a port that the kernel chose, only that there is one.
static inline void say_address(const char *label, const struct sockaddr_storage *address, socklen_t length)
{
	char host[INET6_ADDRSTRLEN] = "";
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
	printf("%s: length %d", label, (int)length);
	if (length < sizeof address->ss_family) {
		printf("\n");
	} else if (address->ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
		printf(", AF_INET %s, port %s\n", host, v4->sin_port ? "set" : "0");
	} else if (address->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
		printf(", AF_INET6 %s, port %s\n", host, v6->sin6_port ? "set" : "0");
	} else if (address->ss_family == AF_UNIX) {
		const char *kind = ((const struct sockaddr_un *)address)->sun_path[0] ? "file" : "abstract";
		printf(", AF_UNIX %s\n", length > sizeof address->ss_family ? kind : "unnamed");
	} else {
		printf(", family %d\n", address->ss_family);
	}
}

typedef int name_call(int, struct sockaddr *restrict, socklen_t *restrict);

static inline void say_name(const char *label, name_call *call, int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof address;
	if (CALL_AS(label, call(fd, SA(address), &length)) == 0)
		say_address(label, &address, length);
}

// ---- Sockets ---------------------------------------------------------------------------------------------

// A TCP listener on 127.0.0.1, and its address.
static inline int tcp_listener(struct sockaddr_in *address, int backlog)
{
	socklen_t length = sizeof *address;
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
	*address = inet4("127.0.0.1", 0);
	MUST(bind(fd, (struct sockaddr *)address, sizeof *address));
	MUST(listen(fd, backlog));
	MUST(getsockname(fd, (struct sockaddr *)address, &length));
	return fd;
}

// Two connected TCP sockets: pair[0] connected, pair[1] was accepted.
static inline void tcp_pair(int pair[2])
{
	struct sockaddr_in address;
	int listener = tcp_listener(&address, 1);
	pair[0] = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(connect(pair[0], SA(address), sizeof address));
	pair[1] = MUST(accept(listener, NULL, NULL));
	MUST(close(listener));
}

// A UDP socket bound to 127.0.0.1, and its address.
static inline int udp_bound(struct sockaddr_in *address)
{
	socklen_t length = sizeof *address;
	int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	*address = inet4("127.0.0.1", 0);
	MUST(bind(fd, (struct sockaddr *)address, sizeof *address));
	MUST(getsockname(fd, (struct sockaddr *)address, &length));
	return fd;
}

// Sets SO_RCVTIMEO or SO_SNDTIMEO.
static inline void set_timeout(int fd, int option, int milliseconds)
{
	struct timeval time = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
	MUST(setsockopt(fd, SOL_SOCKET, option, &time, sizeof time));
}

// Waits until one of the events (or POLLERR, POLLHUP) occurs, because the effect of a peer's call is not
// immediate.
static inline void wait_for(int fd, short events)
{
	struct pollfd wanted = {.fd = fd, .events = events};
	while (MUST(poll(&wanted, 1, -1)) != 1)
		;
}

static inline int int_option(int fd, int level, int option)
{
	int value = -1;
	socklen_t length = sizeof value;
	return getsockopt(fd, level, option, &value, &length) < 0 ? -1 : value;
}

static inline void say_flags(const char *label, int fd)
{
	printf("%s: O_NONBLOCK %d, FD_CLOEXEC %d\n", label, !!(MUST(fcntl(fd, F_GETFL)) & O_NONBLOCK),
	       !!(MUST(fcntl(fd, F_GETFD)) & FD_CLOEXEC));
}

static inline const char *poll_names(int events)
{
	static const struct {
		int bit;
		const char *name;
	} names[] = {
		{POLLIN, "IN"},         {POLLPRI, "PRI"},       {POLLOUT, "OUT"},
		{POLLERR, "ERR"},       {POLLHUP, "HUP"},       {POLLNVAL, "NVAL"},
		{POLLRDNORM, "RDNORM"}, {POLLRDBAND, "RDBAND"}, {POLLWRNORM, "WRNORM"},
		{POLLWRBAND, "WRBAND"}, {POLLRDHUP, "RDHUP"},
	};
	const char *all = events ? "" : "nothing";
	for (size_t i = 0; i < COUNT(names); i++)
		if (events & names[i].bit)
			all = text("%s%s%s", all, *all ? "|" : "", names[i].name);
	return all;
}

// Prints everything that poll() reports at once.
static inline void say_poll(const char *label, int fd)
{
	struct pollfd all = {.fd = fd, .events = 0x7ff | POLLRDHUP};
	long ready = MUST(poll(&all, 1, 0));
	printf("%s: poll reports %s\n", label, poll_names(ready ? all.revents : 0));
}

// ---- Processes -------------------------------------------------------------------------------------------

// Waits for a child and prints how it ended.
static inline void say_child(const char *label, pid_t child)
{
	int status = 0;
	MUST(waitpid(child, &status, 0));
	if (WIFSIGNALED(status))
		printf("%s: killed by SIG%s\n", label, sigabbrev_np(WTERMSIG(status)));
	else
		printf("%s: exited with %d\n", label, WEXITSTATUS(status));
}

// Limits the number of descriptors to those that are open now, so that every call that needs one fails.
static inline void use_up_descriptors(void)
{
	int lowest = MUST(dup(0));
	MUST(close(lowest));
	struct rlimit limit;
	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = lowest;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
}

static inline void free_descriptors(void)
{
	struct rlimit limit;
	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max < 1024 ? limit.rlim_max : 1024;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
}

#endif
