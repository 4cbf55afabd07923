// bind(2).
#include "ways.h"

static const struct kind KINDS[] = {
	{"tcp4", AF_INET, SOCK_STREAM, NULL, "127.0.0.1:7020", "127.0.0.1:7029"},
	{"any4", AF_INET, SOCK_STREAM, NULL, "0.0.0.0:7020", "127.0.0.1:7029"},
	{"tcp6", AF_INET6, SOCK_STREAM, NULL, "[::1]:7020", "[::ffff:127.0.0.1]:7029"},
	{"any6", AF_INET6, SOCK_STREAM, NULL, "[::]:7020", "[::ffff:127.0.0.1]:7029"},
	{"mapped", AF_INET6, SOCK_STREAM, NULL, "[::ffff:127.0.0.1]:7020", "[::ffff:127.0.0.1]:7029"},
	{"udp4", AF_INET, SOCK_DGRAM, NULL, "127.0.0.1:7020", "127.0.0.1:7029"},
	{"unix", AF_UNIX, SOCK_STREAM, NULL, "$/bound", "@other"},
	{"relative", AF_UNIX, SOCK_STREAM, NULL, "bound", "@other"},
	{"abstract", AF_UNIX, SOCK_STREAM, NULL, "@bound", "@other"},
};

static long plain(int fd, const struct kind *kind)
{
	struct address to = target(kind);

	return bind(fd, &to.any, to.length);
}

static long by_number(int fd, const struct kind *kind)
{
	struct address to = target(kind);

	return syscall(SYS_bind, fd, &to.any, to.length);
}

static const struct form FORMS[] = {{"bind", plain, NULL}, {"syscall-bind", by_number, NULL}};

static void set_up(void)
{
}

static struct made prepare(const struct kind *kind)
{
	return (struct made){socket(kind->family, kind->type, 0), -1, -1};
}

static void show(const struct kind *kind, struct made *made, long result)
{
	(void)kind, (void)result;
	printf("own %s|own %s", raw_name(made->fd, 0), told_name(made->fd, 0));
	end(&made->fd);
	RAW(SYS_unlink, "bound");
}

static void drop(struct made *made)
{
	(void)made;
}

#include "run.h"
