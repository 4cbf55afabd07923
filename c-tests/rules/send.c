// Everything that sends.
#define SENDS
#include "connected.h"

static char data[LENGTH + 1] = "abcdefgh";

#define FORM(name, ...)                                                                                      \
	static long name(int fd, const struct kind *kind)                                                    \
	{                                                                                                    \
		size_t length = length_of_call();                                                            \
		struct address to = {.length = 0};                                                           \
		struct sockaddr *address = NULL;                                                             \
		/* Empty parts are parts too. */                                                             \
		struct iovec parts[] = {{data, 0}, {data, 2}, {data, 0}, {data + 2, length - 2}};            \
		struct msghdr one = {.msg_iov = parts, .msg_iovlen = 4};                                     \
		if (is_addressed(kind)) {                                                                    \
			to = target(kind);                                                                   \
			address = &to.any;                                                                   \
			one.msg_name = address;                                                              \
			one.msg_namelen = to.length;                                                         \
		}                                                                                            \
		struct mmsghdr many[2] = {{.msg_hdr = one}, {.msg_hdr = one}};                               \
		unsigned count = is_mode("plain") ? 2 : 1;                                                   \
		(void)length, (void)address, (void)many, (void)count, (void)fd;                              \
		__VA_ARGS__                                                                                  \
	}

FORM(send_, return send(fd, data, length, 0);)
FORM(other_send, return __send(fd, data, length, 0);)
FORM(sendto_, return sendto(fd, data, length, 0, address, to.length);)
FORM(sendmsg_, return sendmsg(fd, &one, 0);)
FORM(sendmmsg_, return sendmmsg(fd, many, count, 0);)
FORM(write_, return write(fd, data, length);)
FORM(other_write, return __write(fd, data, length);)
FORM(writev_, return writev(fd, parts, 4);)
FORM(pwritev2_, return pwritev2(fd, parts, 4, -1, 0);)
FORM(pwritev64v2_, return pwritev64v2(fd, parts, 4, -1, 0);)
FORM(sendto_number, return syscall(SYS_sendto, fd, data, length, 0, address, to.length);)
FORM(sendmsg_number, return syscall(SYS_sendmsg, fd, &one, 0);)
FORM(sendmmsg_number, return syscall(SYS_sendmmsg, fd, many, count, 0);)
FORM(write_number, return syscall(SYS_write, fd, data, length);)
FORM(writev_number, return syscall(SYS_writev, fd, parts, 4);)

// A file with the data.
static int file(void)
{
	int fd = MUST_RAW(SYS_memfd_create, "data", 0);

	MUST_RAW(SYS_pwrite64, fd, data, LENGTH, 0);
	return fd;
}

FORM(sendfile_, int in = file(); off_t at = 0; long sent = sendfile(fd, in, &at, length);
     int error = errno; RAW(SYS_close, in); errno = error; return at == (sent < 0 ? 0 : sent) ? sent : -2;)
FORM(sendfile64_, int in = file(); long sent = sendfile64(fd, in, NULL, length);
     int error = errno; RAW(SYS_close, in); errno = error; return sent;)
FORM(sendfile_number, int in = file(); long sent = syscall(SYS_sendfile, fd, in, NULL, length);
     int error = errno; RAW(SYS_close, in); errno = error; return sent;)

static long spliced(int fd, size_t length, bool by_number)
{
	int pipes[2], error;
	long sent;

	MUST_RAW(SYS_pipe2, pipes, 0);
	MUST_RAW(SYS_write, pipes[1], data, LENGTH);
	sent = by_number ? syscall(SYS_splice, pipes[0], NULL, fd, NULL, length, 0)
			 : splice(pipes[0], NULL, fd, NULL, length, 0);
	error = errno;
	// The library knows these numbers.
	close(pipes[0]);
	close(pipes[1]);
	errno = error;
	return sent;
}

FORM(splice_, return spliced(fd, length, false);)
FORM(splice_number, return spliced(fd, length, true);)

static const struct form FORMS[] = {
	{"send", send_, is_connected},
	{"__send", other_send, is_connected},
	{"sendto", sendto_, NULL},
	{"sendmsg", sendmsg_, NULL},
	{"sendmmsg", sendmmsg_, NULL},
	{"write", write_, is_connected},
	{"__write", other_write, is_connected},
	{"writev", writev_, is_connected},
	{"pwritev2", pwritev2_, is_connected},
	{"pwritev64v2", pwritev64v2_, is_connected},
	{"sendfile", sendfile_, is_connected},
	{"sendfile64", sendfile64_, is_connected},
	{"splice", splice_, is_connected},
	{"syscall-sendto", sendto_number, NULL},
	{"syscall-sendmsg", sendmsg_number, NULL},
	{"syscall-sendmmsg", sendmmsg_number, NULL},
	{"syscall-write", write_number, is_connected},
	{"syscall-writev", writev_number, is_connected},
	{"syscall-sendfile", sendfile_number, is_connected},
	{"syscall-splice", splice_number, is_connected},
};

static void set_up(void)
{
	make_sinks();
}

static struct made prepare(const struct kind *kind)
{
	return connected(kind);
}

// What the peer has got, or else which datagram socket.
static void show(const struct kind *kind, struct made *made, long result)
{
	(void)kind, (void)result;
	if (made->peer >= 0)
		printf("peer has %s", arrived(made->peer));
	// sendmmsg(2) sends two.
	for (int i = 0; made->peer < 0 && i < 2 * SINKS; i++)
		printf("%s%s", i == 0 ? "sinks have " : ", ", arrived(FIRST_SERVER + i / 2));
	printf("|peer %s", told_name(made->fd, 1));
	end(&made->peer);
	end(&made->fd);
}

static void drop(struct made *made)
{
	(void)made;
}

#include "run.h"
