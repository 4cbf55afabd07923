// setsockopt(2), getsockopt(2), shutdown(2).
#include "ways.h"

static const struct kind KINDS[] = {
	{"tcp4", AF_INET, SOCK_STREAM, "127.0.0.2:0", "127.0.0.1:7001", NULL},
	{"tcp6", AF_INET6, SOCK_STREAM, NULL, "[::1]:7002", NULL},
	{"mapped", AF_INET6, SOCK_STREAM, "[::ffff:127.0.0.2]:0", "[::ffff:127.0.0.1]:7003", NULL},
	{"unix", AF_UNIX, SOCK_STREAM, NULL, "$/server", NULL},
	{"pair", AF_UNIX, SOCK_STREAM, NULL, NULL, NULL},
};

static int value = 1;

#define FORM(name, ...)                                                                                      \
	static long name(int fd, const struct kind *kind)                                                    \
	{                                                                                                    \
		socklen_t length = sizeof(value);                                                            \
		value = 1;                                                                                   \
		(void)kind, (void)length;                                                                    \
		__VA_ARGS__                                                                                  \
	}

FORM(set, return setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, length);)
FORM(set_other, return setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &value, length);)
FORM(set_tcp, return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, length);)
FORM(set_number, return syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_KEEPALIVE, &value, length);)
FORM(get, return getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &length);)
FORM(get_other, return getsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &value, &length);)
FORM(get_tcp, return getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &length);)
FORM(get_number, return syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_KEEPALIVE, &value, &length);)
FORM(shut, return shutdown(fd, SHUT_WR);)
FORM(shut_number, return syscall(SYS_shutdown, fd, SHUT_WR);)

static const struct form FORMS[] = {
	{"setsockopt", set, NULL},
	{"setsockopt-other", set_other, NULL},
	{"setsockopt-tcp", set_tcp, NULL},
	{"syscall-setsockopt", set_number, NULL},
	{"getsockopt", get, NULL},
	{"getsockopt-other", get_other, NULL},
	{"getsockopt-tcp", get_tcp, NULL},
	{"syscall-getsockopt", get_number, NULL},
	{"shutdown", shut, NULL},
	{"syscall-shutdown", shut_number, NULL},
};

static void set_up(void)
{
}

static struct made prepare(const struct kind *kind)
{
	int pair[2];

	if (kind->peer != NULL)
		return raw_connected(kind, kind->peer);
	if (socketpair(kind->family, kind->type, 0, pair) < 0)
		perror("socketpair"), _exit(99);
	return (struct made){pair[0], pair[1], -1};
}

// The options, what was read, and whether the peer sees an end.
static void show(const struct kind *kind, struct made *made, long result)
{
	struct pollfd entry = {made->peer, POLLRDHUP, 0};

	// Where no call is made, nothing is read.
	(void)kind;
	printf("options %d %d %d, read %d, end %ld|", raw_option(made->fd, SOL_SOCKET, SO_KEEPALIVE),
	       raw_option(made->fd, SOL_SOCKET, SO_OOBINLINE), raw_option(made->fd, IPPROTO_TCP, TCP_NODELAY), result < 0 ? -1 : value,
	       RAW(SYS_poll, &entry, 1, 0));
	end(&made->peer);
	end(&made->fd);
}

static void drop(struct made *made)
{
	(void)made;
}

#include "run.h"
