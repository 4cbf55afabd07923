// Makes one call in every way in which a program can make it: by every function, on every kind of socket, on a descriptor that
// came to the process in different ways, from a thread, a forked child and a signal handler.
//
//     PROGRAM plain            makes the calls as they are
//     PROGRAM other            with the address that a rule puts in the place of the program's
//     PROGRAM single           about one message where several could be sent
//     PROGRAM short            about one message of few bytes, as a rule with a limit lets it be
//     PROGRAM skip ERRNO       makes no call, and takes it for one that has failed
//     PROGRAM drop ERRNO       the same, after the connection was accepted and closed: accept(2) under a rule that looks at the peer
//
// For each way a line: its name, the result, what the kernel has done, what the program is told, the nanoseconds that the call
// took. So the kernel's own answers, without a rule, are what the test expects of a call under one.
//
// What is needed besides the call is done by system calls that no library sees where rules could be about it.
#ifndef WAYS_H
#define WAYS_H

#include "address.h"
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include "../glibc_names.h"

// What a call is made on. The addresses are text.
struct kind {
	const char *name;
	int family, type;
	const char *own, *peer, *other;
};

// The descriptors of one way: the one that the call is made on, and what the kernel's work is seen on.
struct made {
	int fd, peer, extra;
};

struct form {
	const char *name;
	long (*call)(int fd, const struct kind *kind);
	// The kinds that it is for; NULL: all.
	bool (*is_for)(const struct kind *kind);
};

enum { FIRST_SERVER = 900, RENUMBERED = 850, LENGTH = 8, SHORT = 3 };

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *mode;
static int skipped_errno;

static inline bool is_mode(const char *name)
{
	return strcmp(mode, name) == 0;
}

// How many bytes a call is about.
static inline size_t length_of_call(void)
{
	return is_mode("short") ? SHORT : LENGTH;
}

// The address of a call.
static inline struct address target(const struct kind *kind)
{
	return address_of(is_mode("other") ? kind->other : kind->peer);
}

// ---- Sockets that no library has seen ------------------------------------------------------------------------

static inline int raw_socket(int family, int type)
{
	return MUST_RAW(SYS_socket, family, type, 0);
}

static inline void raw_bind(int fd, const char *text)
{
	struct address to = address_of(text);
	int on = 1;

	if (to.any.sa_family != AF_UNIX)
		MUST_RAW(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	else if (to.un.sun_path[0] != 0)
		RAW(SYS_unlink, to.un.sun_path);
	MUST_RAW(SYS_bind, fd, &to.any, to.length);
}

static inline void raw_connect(int fd, const char *text)
{
	struct address to = address_of(text);

	MUST_RAW(SYS_connect, fd, &to.any, to.length);
}

// A socket that is bound, and listens if it can.
static inline int raw_server(int family, int type, const char *text)
{
	int fd = raw_socket(family, type);

	raw_bind(fd, text);
	if (type != SOCK_DGRAM)
		MUST_RAW(SYS_listen, fd, 64);
	return fd;
}

// Two connected sockets, by way of a server that is gone afterwards.
static inline struct made raw_connected(const struct kind *kind, const char *server_text)
{
	struct made made = {.extra = -1};
	int server = raw_server(address_of(server_text).any.sa_family, SOCK_STREAM, server_text);

	made.fd = raw_socket(kind->family, SOCK_STREAM);
	if (kind->own != NULL)
		raw_bind(made.fd, kind->own);
	raw_connect(made.fd, kind->peer);
	made.peer = MUST_RAW(SYS_accept4, server, 0, 0, 0);
	close(server);
	return made;
}

static inline void end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline int raw_option(int fd, int level, int name)
{
	int is = -1;
	socklen_t length = sizeof(is);

	RAW(SYS_getsockopt, fd, level, name, &is, &length);
	return is;
}

// What a socket has received.
static inline const char *arrived(int fd)
{
	static char texts[4][80];
	static int next;
	char *text = texts[next++ % 4];
	long count = RAW(SYS_recvfrom, fd, text, 64, MSG_DONTWAIT, 0, 0);

	text[count > 0 ? count : 0] = 0;
	return count == -EAGAIN ? "nothing" : count < 0 ? strerrorname_np(-count) : text;
}

#endif
