// accept(2). The keys `remote` and `local` are about the new peer and the listener.
#include "ways.h"

// `peer` is where the client connects to, `own` what the listener is bound to, `other` the client's own address.
static const struct kind KINDS[] = {
	{"tcp4", AF_INET, SOCK_STREAM, "127.0.0.1:0", NULL, "127.0.0.2:0"},
	{"tcp6", AF_INET6, SOCK_STREAM, "[::1]:0", NULL, NULL},
	{"dual", AF_INET6, SOCK_STREAM, "[::]:0", NULL, "127.0.0.2:0"},
	{"unix", AF_UNIX, SOCK_STREAM, "$/accepts", NULL, "$/client"},
	{"relative", AF_UNIX, SOCK_STREAM, "accepts", NULL, "client"},
	{"abstract", AF_UNIX, SOCK_STREAM, "@accepts", NULL, "@client"},
};

static struct address from;
static socklen_t length;

static long plain(int fd, const struct kind *kind)
{
	(void)kind;
	return accept(fd, &from.any, &length);
}

static long with_flags(int fd, const struct kind *kind)
{
	(void)kind;
	return accept4(fd, NULL, NULL, SOCK_CLOEXEC);
}

static long by_number(int fd, const struct kind *kind)
{
	(void)kind;
	return syscall(SYS_accept, fd, &from.any, &length);
}

static long with_flags_by_number(int fd, const struct kind *kind)
{
	(void)kind;
	return syscall(SYS_accept4, fd, NULL, NULL, SOCK_NONBLOCK);
}

static const struct form FORMS[] = {
	{"accept", plain, NULL},
	{"accept4", with_flags, NULL},
	{"syscall-accept", by_number, NULL},
	{"syscall-accept4", with_flags_by_number, NULL},
};

static void set_up(void)
{
}

// Makes a name without a file one that was not used yet.
static void be_new(struct address *of)
{
	static int serial;

	if (of->any.sa_family == AF_UNIX && of->un.sun_path[0] == 0) {
		of->un.sun_path[of->length++ - offsetof(struct sockaddr_un, sun_path)] = 'a' + serial / 26 % 26;
		of->un.sun_path[of->length++ - offsetof(struct sockaddr_un, sun_path)] = 'a' + serial++ % 26;
	}
}

// A listener with one client that waits.
static struct made prepare(const struct kind *kind)
{
	struct made made = {socket(kind->family, kind->type, 0), -1, -1};
	struct address own = address_of(kind->own), at = {.length = sizeof(at.storage)};

	length = sizeof(from.storage);
	RAW(SYS_unlink, "accepts");
	be_new(&own);
	if (bind(made.fd, &own.any, own.length) < 0 || listen(made.fd, 5) < 0)
		perror("a listener"), _exit(99);
	MUST_RAW(SYS_getsockname, made.fd, &at.any, &at.length);
	bool from_v4 = kind->other != NULL && address_of(kind->other).any.sa_family == AF_INET;
	if (from_v4 && at.any.sa_family == AF_INET6) {
		int port = ntohs(at.v6.sin6_port);
		at = address_of("127.0.0.1:1");
		at.v4.sin_port = htons(port);
	}
	made.extra = raw_socket(at.any.sa_family, SOCK_STREAM);
	if (kind->other != NULL) {
		struct address client = address_of(kind->other);
		RAW(SYS_unlink, "client");
		be_new(&client);
		MUST_RAW(SYS_bind, made.extra, &client.any, client.length);
	}
	MUST_RAW(SYS_connect, made.extra, &at.any, at.length);
	return made;
}

// The peer of the new socket, its flags, and whether a client still waits.
static void show(const struct kind *kind, struct made *made, long result)
{
	struct pollfd entry = {made->fd, POLLIN, 0};
	int fd = result;

	(void)kind;
	if (fd >= 0)
		printf("peer %s, flags %ld %ld, options %d %d, ", raw_name(fd, 1), RAW(SYS_fcntl, fd, F_GETFL) & O_NONBLOCK,
		       RAW(SYS_fcntl, fd, F_GETFD), raw_option(fd, SOL_SOCKET, SO_KEEPALIVE),
		       raw_option(fd, SOL_SOCKET, SO_PRIORITY));
	printf("waiting %ld|", RAW(SYS_poll, &entry, 1, 0));
	if (fd >= 0)
		printf("own %s, peer %s", told_name(fd, 0), told_name(fd, 1));
	end(&fd);
	end(&made->extra);
	end(&made->fd);
}

static void drop(struct made *made)
{
	int fd = RAW(SYS_accept4, made->fd, 0, 0, 0);

	end(&fd);
}

#include "run.h"
