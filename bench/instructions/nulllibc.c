// A libc that costs nothing. It stands behind libsockshim.so, so that only the shim is counted.
//
//     LD_PRELOAD="libsockshim.so nulllibc.so" driver
//
// Data and readiness calls return at once with the result of a successful call; nothing blocks, and a receive needs
// no message. Calls that make, change or close sockets are one machine instruction, `syscall`: the shim asks the
// kernel about sockets, so the sockets must exist. Both cost the same with and without the shim in front.

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

// Stubs are called through the dynamic linker, by name.
#pragma GCC visibility push(default)

static long raw(long nr, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

#define RAW(nr, a, b, c, d, e) raw(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))

// Data: one byte has been sent or received.
#define ONE(type, name, ...)                                                                                 \
	type name(__VA_ARGS__)                                                                               \
	{                                                                                                    \
		return 1;                                                                                    \
	}

#pragma GCC diagnostic ignored "-Wunused-parameter"
ONE(ssize_t, send, int fd, const void *buf, size_t len, int flags)
ONE(ssize_t, __send, int fd, const void *buf, size_t len, int flags)
ONE(ssize_t, sendto, int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
    socklen_t addrlen)
ONE(ssize_t, sendmsg, int fd, const struct msghdr *msg, int flags)
ONE(int, sendmmsg, int fd, struct mmsghdr *vec, unsigned int vlen, int flags)
ONE(ssize_t, recv, int fd, void *buf, size_t len, int flags)
ONE(ssize_t, __recv_chk, int fd, void *buf, size_t len, size_t buflen, int flags)
ONE(ssize_t, recvfrom, int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addrlen)
ONE(ssize_t, __recvfrom_chk, int fd, void *buf, size_t len, size_t buflen, int flags, struct sockaddr *addr,
    socklen_t *addrlen)
ONE(ssize_t, recvmsg, int fd, struct msghdr *msg, int flags)
ONE(int, recvmmsg, int fd, struct mmsghdr *vec, unsigned int vlen, int flags, struct timespec *timeout)
ONE(ssize_t, read, int fd, void *buf, size_t len)
ONE(ssize_t, __read, int fd, void *buf, size_t len)
ONE(ssize_t, __read_chk, int fd, void *buf, size_t len, size_t buflen)
ONE(ssize_t, readv, int fd, const struct iovec *iov, int count)
ONE(ssize_t, preadv2, int fd, const struct iovec *iov, int count, off_t offset, int flags)
ONE(ssize_t, preadv64v2, int fd, const struct iovec *iov, int count, off64_t offset, int flags)
ONE(ssize_t, write, int fd, const void *buf, size_t len)
ONE(ssize_t, __write, int fd, const void *buf, size_t len)
ONE(ssize_t, writev, int fd, const struct iovec *iov, int count)
ONE(ssize_t, pwritev2, int fd, const struct iovec *iov, int count, off_t offset, int flags)
ONE(ssize_t, pwritev64v2, int fd, const struct iovec *iov, int count, off64_t offset, int flags)
ONE(ssize_t, sendfile, int fd, int in_fd, off_t *offset, size_t count)
ONE(ssize_t, sendfile64, int fd, int in_fd, off64_t *offset, size_t count)
ONE(ssize_t, splice, int fd, off64_t *off_in, int fd_out, off64_t *off_out, size_t len, unsigned int flags)

// Readiness: one descriptor is ready, and the caller's structures already say which.
ONE(int, poll, struct pollfd *fds, nfds_t count, int timeout)
ONE(int, __poll, struct pollfd *fds, nfds_t count, int timeout)
ONE(int, __poll_chk, struct pollfd *fds, nfds_t count, int timeout, size_t fdslen)
ONE(int, ppoll, struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
ONE(int, __ppoll_chk, struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
    size_t fdslen)
ONE(int, select, int count, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
ONE(int, __select, int count, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
ONE(int, pselect, int count, fd_set *in, fd_set *out, fd_set *except, const struct timespec *timeout,
    const sigset_t *mask)
ONE(int, epoll_wait, int epfd, struct epoll_event *events, int max, int timeout)
ONE(int, epoll_pwait, int epfd, struct epoll_event *events, int max, int timeout, const sigset_t *mask)
ONE(int, epoll_pwait2, int epfd, struct epoll_event *events, int max, const struct timespec *timeout,
    const sigset_t *mask)

// Control: the kernel performs the call.
#define KERNEL(name, nr, params, a, b, c, d, e)                                                              \
	int name params                                                                                      \
	{                                                                                                    \
		return RAW(nr, a, b, c, d, e);                                                               \
	}

KERNEL(socket, SYS_socket, (int family, int type, int protocol), family, type, protocol, 0, 0)
KERNEL(socketpair, SYS_socketpair, (int family, int type, int protocol, int sv[2]), family, type, protocol,
       sv, 0)
KERNEL(accept, SYS_accept, (int fd, struct sockaddr *addr, socklen_t *len), fd, addr, len, 0, 0)
KERNEL(accept4, SYS_accept4, (int fd, struct sockaddr *addr, socklen_t *len, int flags), fd, addr, len, flags,
       0)
KERNEL(bind, SYS_bind, (int fd, const struct sockaddr *addr, socklen_t len), fd, addr, len, 0, 0)
KERNEL(listen, SYS_listen, (int fd, int backlog), fd, backlog, 0, 0, 0)
KERNEL(connect, SYS_connect, (int fd, const struct sockaddr *addr, socklen_t len), fd, addr, len, 0, 0)
KERNEL(getsockname, SYS_getsockname, (int fd, struct sockaddr *addr, socklen_t *len), fd, addr, len, 0, 0)
KERNEL(getpeername, SYS_getpeername, (int fd, struct sockaddr *addr, socklen_t *len), fd, addr, len, 0, 0)
KERNEL(shutdown, SYS_shutdown, (int fd, int how), fd, how, 0, 0, 0)
KERNEL(setsockopt, SYS_setsockopt, (int fd, int level, int name, const void *value, socklen_t len), fd, level,
       name, value, len)
KERNEL(getsockopt, SYS_getsockopt, (int fd, int level, int name, void *value, socklen_t *len), fd, level,
       name, value, len)
KERNEL(epoll_create1, SYS_epoll_create1, (int flags), flags, 0, 0, 0, 0)
KERNEL(epoll_ctl, SYS_epoll_ctl, (int epfd, int op, int fd, struct epoll_event *event), epfd, op, fd, event,
       0)
KERNEL(close, SYS_close, (int fd), fd, 0, 0, 0, 0)
KERNEL(dup, SYS_dup, (int fd), fd, 0, 0, 0, 0)
KERNEL(dup2, SYS_dup2, (int fd, int newfd), fd, newfd, 0, 0, 0)
KERNEL(dup3, SYS_dup3, (int fd, int newfd, int flags), fd, newfd, flags, 0, 0)

// C declares these with an ellipsis. Without one they are called in the same way, and cost the same whatever the
// caller says about its vector registers.
KERNEL(fcntl, SYS_fcntl, (int fd, int cmd, long arg), fd, cmd, arg, 0, 0)
KERNEL(fcntl64, SYS_fcntl, (int fd, int cmd, long arg), fd, cmd, arg, 0, 0)
KERNEL(ioctl, SYS_ioctl, (int fd, unsigned long request, long arg), fd, request, arg, 0, 0)
