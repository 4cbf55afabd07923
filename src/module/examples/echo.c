/*
 * A family of sockets in 60 lines: what is sent on one of its sockets comes back on it. Its number is one that no kernel has so far.
 *
 *	cc -shared -fPIC -I src/module/include -o echo.so echo.c
 *	sockshim run --module net-pf-62=./echo.so -- PROGRAM
 *
 * The descriptor is a datagram socket that is connected to itself, so select, poll, epoll, fork, exec and SCM_RIGHTS just work.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "sockshim/module.h"

#define AF_ECHO 62

static ssize_t echo_sendmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags)
{
	(void)len;
	/* There is nowhere else to send to. */
	msg->msg_name = NULL;
	msg->msg_namelen = 0;
	return kernel_sendmsg(sock->fd, msg, flags);
}

static ssize_t echo_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags)
{
	(void)len;
	msg->msg_name = NULL;
	return kernel_recvmsg(sock->fd, msg, flags);
}

static const struct proto_ops echo_ops = {
	.family = AF_ECHO,
	.sendmsg = echo_sendmsg,
	.recvmsg = echo_recvmsg,
};

static int echo_restore(struct socket *sock, const uint32_t *state, size_t words)
{
	(void)state, (void)words;
	sock->ops = &echo_ops;
	return 0;
}

static int echo_create(struct socket *sock, int protocol, int type_flags)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t len = sizeof name;
	int err;

	if (sock->type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (protocol != 0)
		return -EPROTONOSUPPORT;
	sock->fd = kernel_syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | type_flags, 0, 0, 0, 0);
	if (sock->fd < 0)
		return sock->fd;
	/* An address of the kernel's choice. */
	err = kernel_syscall(SYS_bind, sock->fd, &name, sizeof name.sun_family, 0, 0, 0);
	if (!err)
		err = kernel_syscall(SYS_getsockname, sock->fd, &name, &len, 0, 0, 0);
	if (!err)
		err = kernel_syscall(SYS_connect, sock->fd, &name, len, 0, 0, 0);
	if (!err)
		err = sock_save(sock, NULL, 0);
	if (err) {
		kernel_syscall(SYS_close, sock->fd, 0, 0, 0, 0, 0);
		return err;
	}
	return echo_restore(sock, NULL, 0);
}

static const struct net_proto_family echo_family = {
	.family = AF_ECHO,
	.create = echo_create,
	.restore = echo_restore,
};

static int echo_init(void)
{
	return sock_register(&echo_family);
}
module_init(echo_init)
