// listen(2).
#include "ways.h"

// All sockets are made before an exec, so the ports are the kernel's.
static const struct kind KINDS[] = {
	{"tcp4", AF_INET, SOCK_STREAM, "127.0.0.1:0", NULL, NULL},
	{"tcp6", AF_INET6, SOCK_STREAM, "[::1]:0", NULL, NULL},
	{"any6", AF_INET6, SOCK_STREAM, "[::]:0", NULL, NULL},
	{"mapped", AF_INET6, SOCK_STREAM, "[::ffff:127.0.0.1]:0", NULL, NULL},
	{"udp4", AF_INET, SOCK_DGRAM, "127.0.0.1:0", NULL, NULL},
	{"unix", AF_UNIX, SOCK_STREAM, "$/listens", NULL, NULL},
	{"relative", AF_UNIX, SOCK_SEQPACKET, "listens", NULL, NULL},
};

static long plain(int fd, const struct kind *kind)
{
	(void)kind;
	return listen(fd, 5);
}

static long by_number(int fd, const struct kind *kind)
{
	(void)kind;
	return syscall(SYS_listen, fd, 5);
}

static const struct form FORMS[] = {{"listen", plain, NULL}, {"syscall-listen", by_number, NULL}};

static void set_up(void)
{
}

static struct made prepare(const struct kind *kind)
{
	struct made made = {socket(kind->family, kind->type, 0), -1, -1};
	struct address own = address_of(kind->own);

	RAW(SYS_unlink, "listens");
	if (bind(made.fd, &own.any, own.length) < 0)
		perror("bind"), _exit(99);
	return made;
}

static void show(const struct kind *kind, struct made *made, long result)
{
	int listens = -1;
	socklen_t length = sizeof(listens);

	(void)kind, (void)result;
	RAW(SYS_getsockopt, made->fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length);
	printf("listens %d|", listens);
	end(&made->fd);
}

static void drop(struct made *made)
{
	(void)made;
}

#include "run.h"
