// connect(2), and the calls that connect while they send.
#include "ways.h"

static const struct kind KINDS[] = {
	{"tcp4", AF_INET, SOCK_STREAM, "127.0.0.2:0", "127.0.0.1:7001", "127.0.0.1:7009"},
	{"any4", AF_INET, SOCK_STREAM, NULL, "0.0.0.0:7001", "127.0.0.1:7009"},
	{"tcp6", AF_INET6, SOCK_STREAM, NULL, "[::1]:7001", "[::ffff:127.0.0.1]:7009"},
	{"mapped", AF_INET6, SOCK_STREAM, "[::ffff:127.0.0.2]:0", "[::ffff:127.0.0.1]:7001", "[::ffff:127.0.0.1]:7009"},
	{"udp4", AF_INET, SOCK_DGRAM, "127.0.0.2:0", "127.0.0.1:7001", "127.0.0.1:7009"},
	{"udp6", AF_INET6, SOCK_DGRAM, NULL, "[::1]:7001", "[::ffff:127.0.0.1]:7009"},
	{"unix", AF_UNIX, SOCK_STREAM, NULL, "$/server", "@other"},
	{"relative", AF_UNIX, SOCK_STREAM, NULL, "server", "@other"},
	{"upward", AF_UNIX, SOCK_STREAM, NULL, "./below/../server", "@other"},
	{"abstract", AF_UNIX, SOCK_STREAM, NULL, "@server", "@other"},
};

static bool is_tcp(const struct kind *kind)
{
	return kind->family != AF_UNIX && kind->type == SOCK_STREAM;
}

#define FORM(name, ...)                                                                                      \
	static long name(int fd, const struct kind *kind)                                                    \
	{                                                                                                    \
		struct address to = target(kind);                                                            \
		__VA_ARGS__                                                                                  \
	}
#define MESSAGES                                                                                             \
	struct iovec part = {"x", 1};                                                                        \
	struct msghdr one = {.msg_name = &to.any, .msg_namelen = to.length, .msg_iov = &part, .msg_iovlen = 1}; \
	struct mmsghdr many = {.msg_hdr = one};                                                              \
	(void)many;

FORM(plain, return connect(fd, &to.any, to.length);)
FORM(other_name, return __connect(fd, &to.any, to.length);)
FORM(by_number, return syscall(SYS_connect, fd, &to.any, to.length);)
FORM(sendto_, return sendto(fd, "x", 1, MSG_FASTOPEN, &to.any, to.length);)
FORM(sendmsg_, MESSAGES return sendmsg(fd, &one, MSG_FASTOPEN);)
FORM(sendmmsg_, MESSAGES return sendmmsg(fd, &many, 1, MSG_FASTOPEN);)
FORM(sendto_number, return syscall(SYS_sendto, fd, "x", 1, MSG_FASTOPEN, &to.any, to.length);)
FORM(sendmsg_number, MESSAGES return syscall(SYS_sendmsg, fd, &one, MSG_FASTOPEN);)
FORM(sendmmsg_number, MESSAGES return syscall(SYS_sendmmsg, fd, &many, 1, MSG_FASTOPEN);)
FORM(deferred, int on = 1; setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on));
     return connect(fd, &to.any, to.length);)

static const struct form FORMS[] = {
	{"connect", plain, NULL},
	{"__connect", other_name, NULL},
	{"syscall-connect", by_number, NULL},
	{"sendto", sendto_, is_tcp},
	{"sendmsg", sendmsg_, is_tcp},
	{"sendmmsg", sendmmsg_, is_tcp},
	{"syscall-sendto", sendto_number, is_tcp},
	{"syscall-sendmsg", sendmsg_number, is_tcp},
	{"syscall-sendmmsg", sendmmsg_number, is_tcp},
	{"deferred", deferred, is_tcp},
};

// The servers' numbers are the same after exec.
static const struct {
	int family, type;
	const char *name;
} SERVERS[] = {
	{AF_INET, SOCK_STREAM, "127.0.0.1:7001"}, {AF_INET, SOCK_STREAM, "127.0.0.1:7009"},
	{AF_INET6, SOCK_STREAM, "[::1]:7001"},    {AF_UNIX, SOCK_STREAM, "$/server"},
	{AF_UNIX, SOCK_STREAM, "@server"},        {AF_UNIX, SOCK_STREAM, "@other"},
};

static void set_up(void)
{
	RAW(SYS_mkdir, "below", 0700);
	for (size_t i = 0; i < COUNT(SERVERS); i++) {
		int fd = raw_server(SERVERS[i].family, SERVERS[i].type, SERVERS[i].name);
		MUST_RAW(SYS_dup2, fd, FIRST_SERVER + i);
		MUST_RAW(SYS_close, fd);
	}
}

static struct made prepare(const struct kind *kind)
{
	struct made made = {socket(kind->family, kind->type, 0), -1, -1};

	if (kind->own != NULL) {
		struct address own = address_of(kind->own);
		MUST_RAW(SYS_bind, made.fd, &own.any, own.length);
	}
	return made;
}

// The peer, and how many connections wait at each server.
static void show(const struct kind *kind, struct made *made, long result)
{
	(void)kind, (void)result;
	const char *told = told_name(made->fd, 1);
	printf("peer %s, waiting", raw_name(made->fd, 1));
	for (size_t i = 0; i < COUNT(SERVERS); i++) {
		struct pollfd entry = {FIRST_SERVER + i, POLLIN, 0};
		int count = 0, fd;
		while (RAW(SYS_poll, &entry, 1, 0) > 0 && (fd = RAW(SYS_accept4, entry.fd, 0, 0, 0)) >= 0) {
			count++;
			RAW(SYS_close, fd);
		}
		printf(" %d", count);
	}
	printf("|peer %s", told);
	end(&made->fd);
}

static void drop(struct made *made)
{
	(void)made;
}

#include "run.h"
