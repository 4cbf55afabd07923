// Everything that receives.
#include "connected.h"

static char data[LENGTH + 1] = "abcdefgh", got[64];

#define FORM(name, ...)                                                                                      \
	static long name(int fd, const struct kind *kind)                                                    \
	{                                                                                                    \
		size_t length = length_of_call();                                                            \
		/* Empty parts are parts too. */                                                             \
		struct iovec parts[] = {{got, 0}, {got, 2}, {got, 0}, {got + 2, length - 2}};                \
		struct msghdr one = {.msg_iov = parts, .msg_iovlen = 4};                                     \
		struct mmsghdr many[2] = {{.msg_hdr = one}, {.msg_hdr = one}};                               \
		unsigned count = is_mode("plain") ? 2 : 1;                                                   \
		struct address from = {.length = sizeof(from.storage)};                                      \
		memset(got, 0, sizeof(got));                                                                 \
		(void)kind, (void)length, (void)many, (void)count, (void)fd;                                 \
		__VA_ARGS__                                                                                  \
	}

FORM(recv_, return recv(fd, got, length, 0);)
FORM(recv_chk, return __recv_chk(fd, got, length, sizeof(got), 0);)
FORM(recvfrom_, return recvfrom(fd, got, length, 0, &from.any, &from.length);)
FORM(recvfrom_chk, return __recvfrom_chk(fd, got, length, sizeof(got), 0, &from.any, &from.length);)
FORM(recvmsg_, return recvmsg(fd, &one, 0);)
FORM(recvmmsg_, return recvmmsg(fd, many, count, MSG_WAITFORONE, NULL);)
FORM(read_, return read(fd, got, length);)
FORM(other_read, return __read(fd, got, length);)
FORM(read_chk, return __read_chk(fd, got, length, sizeof(got));)
FORM(readv_, return readv(fd, parts, 4);)
FORM(preadv2_, return preadv2(fd, parts, 4, -1, 0);)
FORM(preadv64v2_, return preadv64v2(fd, parts, 4, -1, 0);)
FORM(recvfrom_number, return syscall(SYS_recvfrom, fd, got, length, 0, NULL, NULL);)
FORM(recvmsg_number, return syscall(SYS_recvmsg, fd, &one, 0);)
FORM(recvmmsg_number, return syscall(SYS_recvmmsg, fd, many, count, MSG_WAITFORONE, NULL);)
FORM(read_number, return syscall(SYS_read, fd, got, length);)
FORM(readv_number, return syscall(SYS_readv, fd, parts, 4);)

static long spliced(int fd, size_t length, bool by_number)
{
	int pipes[2], error;
	long count;

	MUST_RAW(SYS_pipe2, pipes, O_NONBLOCK);
	count = by_number ? syscall(SYS_splice, fd, NULL, pipes[1], NULL, length, 0)
			  : splice(fd, NULL, pipes[1], NULL, length, 0);
	error = errno;
	RAW(SYS_read, pipes[0], got, sizeof(got));
	// The library knows these numbers.
	close(pipes[0]);
	close(pipes[1]);
	errno = error;
	return count;
}

FORM(splice_, return spliced(fd, length, false);)
FORM(splice_number, return spliced(fd, length, true);)

static const struct form FORMS[] = {
	{"recv", recv_, NULL},
	{"__recv_chk", recv_chk, NULL},
	{"recvfrom", recvfrom_, NULL},
	{"__recvfrom_chk", recvfrom_chk, NULL},
	{"recvmsg", recvmsg_, NULL},
	{"recvmmsg", recvmmsg_, NULL},
	{"read", read_, NULL},
	{"__read", other_read, NULL},
	{"__read_chk", read_chk, NULL},
	{"readv", readv_, NULL},
	{"preadv2", preadv2_, NULL},
	{"preadv64v2", preadv64v2_, NULL},
	{"splice", splice_, is_stream},
	{"syscall-recvfrom", recvfrom_number, NULL},
	{"syscall-recvmsg", recvmsg_number, NULL},
	{"syscall-recvmmsg", recvmmsg_number, NULL},
	{"syscall-read", read_number, NULL},
	{"syscall-readv", readv_number, NULL},
	{"syscall-splice", splice_number, is_stream},
};

static void set_up(void)
{
	make_sinks();
}

// A socket at which data have arrived.
static struct made prepare(const struct kind *kind)
{
	struct made made = connected(kind);
	struct address own = {.length = sizeof(own.storage)};

	if (made.peer >= 0) {
		MUST_RAW(SYS_sendto, made.peer, data, LENGTH, 0, 0, 0);
	} else {
		MUST_RAW(SYS_getsockname, made.fd, &own.any, &own.length);
		MUST_RAW(SYS_sendto, FIRST_SERVER + SINK_4, data, LENGTH, 0, &own.any, own.length);
	}
	return made;
}

// What the program has got, and how much has stayed.
static void show(const struct kind *kind, struct made *made, long result)
{
	int left = -1;

	(void)kind;
	RAW(SYS_ioctl, made->fd, FIONREAD, &left);
	printf("got %s, left %d|", result > 0 ? got : "nothing", left);
	end(&made->peer);
	end(&made->fd);
}

static void drop(struct made *made)
{
	(void)made;
}

#include "run.h"
