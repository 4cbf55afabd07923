// socket(2), socketpair(2), io_uring_setup(2). There is no descriptor that they are made on.
#include "ways.h"

// The peer is a protocol here.
static const struct kind KINDS[] = {
	{"tcp4", AF_INET, SOCK_STREAM, NULL, "0", NULL},
	{"tcp4-named", AF_INET, SOCK_STREAM, NULL, "6", NULL},
	{"tcp4-flags", AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NULL, "0", NULL},
	{"tcp6", AF_INET6, SOCK_STREAM, NULL, "0", NULL},
	{"udp4", AF_INET, SOCK_DGRAM, NULL, "0", NULL},
	{"udp6", AF_INET6, SOCK_DGRAM, NULL, "17", NULL},
	{"raw4", AF_INET, SOCK_RAW, NULL, "1", NULL},
	{"mptcp", AF_INET, SOCK_STREAM, NULL, "262", NULL},
	{"unix", AF_UNIX, SOCK_STREAM, NULL, "0", NULL},
	{"packets", AF_UNIX, SOCK_SEQPACKET, NULL, "0", NULL},
	{"netlink", AF_NETLINK, SOCK_RAW, NULL, "0", NULL},
	{"no-family", 11, SOCK_STREAM, NULL, "0", NULL},
	{"bad-family", 99, SOCK_STREAM, NULL, "0", NULL},
	{"no-protocol", AF_INET, SOCK_DGRAM, NULL, "6", NULL},
};

static int pair[2], protocol;

#define FORM(name, ...)                                                                                      \
	static long name(int fd, const struct kind *kind)                                                    \
	{                                                                                                    \
		char parameters[120] = {0};                                                                  \
		(void)fd, (void)parameters;                                                                  \
		pair[0] = pair[1] = -1;                                                                      \
		protocol = atoi(kind->peer);                                                                 \
		__VA_ARGS__                                                                                  \
	}

FORM(one, return pair[0] = socket(kind->family, kind->type, protocol);)
FORM(one_number, return pair[0] = syscall(SYS_socket, kind->family, kind->type, protocol);)
FORM(two, return socketpair(kind->family, kind->type, protocol, pair);)
FORM(two_number, return syscall(SYS_socketpair, kind->family, kind->type, protocol, pair);)
FORM(ring, return pair[0] = syscall(SYS_io_uring_setup, 1, parameters);)

static bool is_first(const struct kind *kind)
{
	return kind == KINDS;
}

static const struct form FORMS[] = {
	{"socket", one, NULL},
	{"syscall-socket", one_number, NULL},
	{"socketpair", two, NULL},
	{"syscall-socketpair", two_number, NULL},
	{"syscall-io_uring_setup", ring, is_first},
};

static void set_up(void)
{
}

static struct made prepare(const struct kind *kind)
{
	(void)kind;
	pair[0] = pair[1] = -1;
	return (struct made){-1, -1, -1};
}

// Domain, type, protocol and options of what was made, and its flags.
static void show(const struct kind *kind, struct made *made, long result)
{
	static const int NAMES[] = {SO_DOMAIN, SO_TYPE, SO_PROTOCOL, SO_KEEPALIVE, SO_PRIORITY};

	(void)kind, (void)made;
	// socketpair(2) stores the numbers before it knows that it fails.
	for (int end_of_pair = 0; result >= 0 && end_of_pair < 2 && pair[end_of_pair] >= 0; end_of_pair++) {
		printf("made");
		for (size_t i = 0; i < COUNT(NAMES); i++) {
			int is = -1;
			socklen_t length = sizeof(is);
			RAW(SYS_getsockopt, pair[end_of_pair], SOL_SOCKET, NAMES[i], &is, &length);
			printf(" %d", is);
		}
		printf(" flags %ld %ld ", RAW(SYS_fcntl, pair[end_of_pair], F_GETFL) & O_NONBLOCK,
		       RAW(SYS_fcntl, pair[end_of_pair], F_GETFD));
		end(&pair[end_of_pair]);
	}
	printf("|");
}

static void drop(struct made *made)
{
	(void)made;
}

#include "run.h"
