// Ten thousand of each call, and how many descriptors there are before and after; whether a call that succeeds leaves errno alone;
// and whether any of them uses the program's malloc, which is this one.
//
//     leaks [starve]     starve: without memory for anything else

#include "address.h"
#include <fcntl.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/uio.h>

enum { TIMES = 10000, UNTOUCHED = 4000 };

// ---- A malloc of its own -------------------------------------------------------------------------------------

static _Alignas(16) char arena[8 << 20];
static size_t used;
static volatile bool counts;
static volatile int allocations;

void *malloc(size_t size)
{
	size_t at = used;

	allocations += counts;
	used += (size + 31) & ~15UL;
	if (used > sizeof(arena))
		_exit(97);
	*(size_t *)(arena + at) = size;
	return arena + at + 16;
}

void free(void *memory)
{
	(void)memory;
	allocations += counts;
}

void *calloc(size_t count, size_t size)
{
	return memset(malloc(count * size), 0, count * size);
}

void *realloc(void *memory, size_t size)
{
	void *other = malloc(size);

	return memory ? memcpy(other, memory, size) : other;
}

// ---- The calls -----------------------------------------------------------------------------------------------

static int stream, listener, datagrams, pair[2], packets[2];
static struct address to, refused, un;
static char bytes[8] = "x";
static struct iovec part = {bytes, 1};
static struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

static long closed(long fd)
{
	int error = errno;

	if (fd >= 0)
		RAW(SYS_close, fd);
	errno = error;
	return fd < 0 ? -1 : 0;
}

static long make_socket(void)
{
	return closed(socket(AF_INET, SOCK_STREAM, 0));
}

static long make_socketpair(void)
{
	int two[2];
	long result = socketpair(AF_UNIX, SOCK_STREAM, 0, two);

	if (result == 0) {
		closed(two[0]);
		closed(two[1]);
	}
	return result;
}

static long make_connect(void)
{
	return connect(datagrams, &to.any, to.length);
}

static long make_late(void)
{
	int fd = MUST_RAW(SYS_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	long result = connect(fd, &refused.any, refused.length);

	closed(fd);
	return result;
}

static long make_unix(void)
{
	int fd = MUST_RAW(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	long result = connect(fd, &un.any, un.length);

	closed(fd);
	return result;
}

static long make_bind(void)
{
	struct address any = address_of("127.0.0.1:0");
	int fd = MUST_RAW(SYS_socket, AF_INET, SOCK_DGRAM, 0);
	long result = bind(fd, &any.any, any.length);

	closed(fd);
	return result;
}

static long make_listen(void)
{
	return listen(listener, 5);
}

static long make_accept(void)
{
	struct address at = {.length = sizeof(at.storage)};
	int client = MUST_RAW(SYS_socket, AF_INET, SOCK_STREAM, 0);
	long result, left;

	MUST_RAW(SYS_getsockname, listener, &at, &at.length);
	at.v4.sin_family = AF_INET;
	MUST_RAW(SYS_connect, client, &at, sizeof(at.v4));
	result = closed(accept(listener, NULL, NULL));
	if (result < 0 && (left = RAW(SYS_accept4, listener, 0, 0, 0)) >= 0)
		RAW(SYS_close, left);
	RAW(SYS_close, client);
	return result;
}

static long make_send(void)
{
	long result = send(pair[0], bytes, 1, 0);

	if (result == 1)
		MUST_RAW(SYS_read, pair[1], bytes, 1);
	return result;
}

static long make_sendmsg(void)
{
	struct mmsghdr many[2] = {{.msg_hdr = message}, {.msg_hdr = message}};
	long result = sendmmsg(packets[0], many, 2, 0);

	for (int i = 0; i < result; i++)
		MUST_RAW(SYS_read, packets[1], bytes, 1);
	return result;
}

static long make_recv(void)
{
	long result;

	MUST_RAW(SYS_write, pair[1], bytes, 1);
	result = recvmsg(pair[0], &message, 0);
	if (result != 1)
		MUST_RAW(SYS_read, pair[0], bytes, 1);
	return result;
}

static long make_setsockopt(void)
{
	int on = 1;

	return setsockopt(stream, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static long make_getsockopt(void)
{
	int on;
	socklen_t length = sizeof(on);

	return getsockopt(stream, SOL_SOCKET, SO_KEEPALIVE, &on, &length);
}

static long make_getsockname(void)
{
	struct address name = {.length = sizeof(name.storage)};

	return getsockname(datagrams, &name.any, &name.length);
}

static long make_shutdown(void)
{
	int two[2];
	MUST_RAW(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, two);
	long result = shutdown(two[0], SHUT_WR);

	closed(two[0]);
	closed(two[1]);
	return result;
}

static const struct {
	const char *name;
	long (*make)(void);
} CALLS[] = {
	{"socket", make_socket},   {"socketpair", make_socketpair}, {"connect", make_connect},       {"late connect", make_late},
	{"unix", make_unix},       {"bind", make_bind},             {"listen", make_listen},         {"accept", make_accept},
	{"send", make_send},       {"sendmmsg", make_sendmsg},      {"recv", make_recv},             {"setsockopt", make_setsockopt},
	{"getsockopt", make_getsockopt}, {"getsockname", make_getsockname}, {"shutdown", make_shutdown},
};

// Also those that a close(2) in between would have to see.
static int descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += RAW(SYS_fcntl, fd, F_GETFD) >= 0;
	return count;
}

// No address is left for anything new.
static void starve(void)
{
	char text[256] = {0};
	unsigned long pages;
	int fd = MUST_RAW(SYS_open, "/proc/self/statm", O_RDONLY);

	MUST_RAW(SYS_read, fd, text, sizeof(text) - 1);
	MUST_RAW(SYS_close, fd);
	pages = strtoul(text, NULL, 10);
	struct rlimit limit = {pages * 4096, pages * 4096};
	MUST_RAW(SYS_setrlimit, RLIMIT_AS, &limit);
}

int main(int argc, char **argv)
{
	struct address any = address_of("127.0.0.1:0");
	int times = TIMES;

	(void)argv;
	alarm(100);
	to = address_of("127.0.0.1:9");
	refused = address_of("192.0.2.1:9");
	un = address_of("nowhere");
	stream = MUST_RAW(SYS_socket, AF_INET, SOCK_STREAM, 0);
	listener = MUST_RAW(SYS_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	datagrams = MUST_RAW(SYS_socket, AF_INET, SOCK_DGRAM, 0);
	MUST_RAW(SYS_bind, listener, &any.any, any.length);
	MUST_RAW(SYS_listen, listener, 100);
	MUST_RAW(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair);
	MUST_RAW(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET, 0, packets);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("begins\n");
	if (argc > 1) {
		starve();
		times = 100;
	}
	for (size_t i = 0; i < sizeof(CALLS) / sizeof(*CALLS); i++) {
		int before = descriptors(), touched = 0, failed = 0;
		allocations = 0;
		counts = true;
		for (int j = 0; j < times; j++) {
			errno = UNTOUCHED;
			long result = CALLS[i].make();
			touched += result >= 0 && errno != UNTOUCHED;
			failed += result < 0;
		}
		counts = false;
		printf("%s: %d failed, errno touched %d, descriptors %+d, allocations %d\n", CALLS[i].name, failed, touched,
		       descriptors() - before, allocations);
	}
	return 0;
}
