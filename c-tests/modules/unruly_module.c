// A module that keeps no rule of sockshim/module.h, compiled by cc -shared: family 61. What it does is chosen by the protocol.
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include "sockshim/module.h"
#include "unruly.h"

static int chosen(const struct socket *sock)
{
	return *(int *)sock->sk;
}

// What a function answers.
static long answer(const struct socket *sock, long good)
{
	if (chosen(sock) == UNRULY_ERRNO)
		errno = EILSEQ;
	return chosen(sock) == UNRULY_FAILURE ? -100000 : good;
}

static ssize_t unruly_sendmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags)
{
	ssize_t ret;
	(void)flags;
	if (chosen(sock) == UNRULY_COPY) {
		msg->msg_name = (void *)8;
		msg->msg_iovlen = 0;
		msg->msg_control = (void *)8;
		msg->msg_flags = -1;
		return len;
	}
	ret = kernel_syscall(SYS_write, sock->fd, msg->msg_iov[0].iov_base, msg->msg_iov[0].iov_len, 0, 0, 0);
	return answer(sock, chosen(sock) == UNRULY_LENGTH ? (ssize_t)len + 1000 : ret);
}

static ssize_t unruly_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags)
{
	(void)len;
	msg->msg_name = NULL;
	return answer(sock, kernel_recvmsg(sock->fd, msg, flags));
}

static int unruly_getname(struct socket *sock, struct sockaddr *addr, int peer)
{
	(void)peer;
	addr->sa_family = AF_UNRULY;
	return answer(sock, chosen(sock) == UNRULY_LENGTH ? 1 << 20 : 2);
}

static int unruly_setsockopt(struct socket *sock, int level, int name, const void *value, unsigned int len)
{
	(void)level, (void)name;
	if (chosen(sock) == UNRULY_COPY && len)
		*(char *)value = 'X';
	return answer(sock, 0);
}

static int unruly_getsockopt(struct socket *sock, int level, int name, void *value, int *len)
{
	(void)level, (void)name;
	*(char *)value = 'Y';
	if (chosen(sock) == UNRULY_LENGTH)
		*len = 1 << 20;
	return answer(sock, 0);
}

static int released;

static int unruly_release(struct socket *sock)
{
	if (chosen(sock) == UNRULY_COUNT)
		__atomic_fetch_add(&released, 1, __ATOMIC_SEQ_CST);
	return answer(sock, 0);
}

static int unruly_listen(struct socket *sock, int backlog)
{
	(void)sock, (void)backlog;
	return released;
}

static const struct proto_ops ops = {
	.family = AF_UNRULY,
	.release = unruly_release,
	.getname = unruly_getname,
	.listen = unruly_listen,
	.setsockopt = unruly_setsockopt,
	.getsockopt = unruly_getsockopt,
	.sendmsg = unruly_sendmsg,
	.recvmsg = unruly_recvmsg,
};

static int create(struct socket *sock, int protocol, int type_flags)
{
	int pair[2];
	long ret;

	*(int *)sock->sk = protocol;
	sock->ops = &ops;
	if (protocol == UNRULY_DESCRIPTOR) {
		sock->fd = 999999;
		return 0;
	}
	ret = kernel_syscall(SYS_socketpair, AF_UNIX, SOCK_DGRAM | type_flags, 0, pair, 0, 0);
	if (ret)
		return ret;
	// The other end, where the program finds it.
	kernel_syscall(SYS_dup3, pair[1], UNRULY_PEER, O_CLOEXEC, 0, 0, 0);
	kernel_syscall(SYS_close, pair[1], 0, 0, 0, 0, 0);
	sock->fd = pair[0];
	if (protocol == UNRULY_ERRNO)
		errno = EILSEQ;
	return 0;
}

static const struct net_proto_family family = {.family = AF_UNRULY, .create = create};

static int begin(void)
{
	return sock_register(&family);
}
module_init(begin)

static void end(void)
{
	static const char text[] = "end\n";
	kernel_syscall(SYS_write, 1, text, sizeof text - 1, 0, 0, 0);
}
module_exit(end)
