/*
 * sockshim/module.h: families of sockets from shared objects.
 *
 * A module is a shared object that registers a family, as a module of the kernel does, under the kernel's names. sockshim
 * loads it where the kernel would call request_module(): when a program makes the first socket of a family that the kernel
 * does not have. docs/modules.md explains it; this header is the contract.
 *
 *	static int echo_create(struct socket *sock, int protocol) { ... sock->ops = &echo_ops; return 0; }
 *	static const struct net_proto_family echo_family = { .family = 62, .create = echo_create };
 *	static int echo_init(void) { return sock_register(&echo_family); }
 *	module_init(echo_init)
 *
 *	cc -shared -fPIC -o echo.so echo.c
 *	sockshim run --module net-pf-62=./echo.so -- PROGRAM
 *
 * The version only grows, and structures only at their ends. A module of a newer version than the host's is refused, and so
 * is one of an older version that the host no longer serves.
 *
 * Rules for the functions of a module:
 *  - They answer 0 or more, or -errno. They do not touch errno. No exception and no panic leaves them.
 *  - They run on the program's threads, also in signal handlers and in forked children, and two may run at once. So they use
 *    no lock that a thread may hold when it is interrupted or when another one forks, and no memory of malloc(3) but in create.
 *  - What they are given is a copy: addresses, options and struct msghdr with its iovec can be read. What these point to (the
 *    data, and control messages) is the program's and may be anything: copy_from_user() and copy_to_user() answer for that.
 *  - They do not wait, except in kernel_recvmsg() and kernel_sendmsg(), in which the thread may be cancelled: nothing that has
 *    to be undone may be pending there.
 *  - They call the kernel by kernel_syscall(), not libc's socket functions: those are the program's, with all that interposes them.
 */
#ifndef SOCKSHIM_MODULE_H
#define SOCKSHIM_MODULE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <linux/filter.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of what is declared here. */
#define SOCKSHIM_MODULE_ABI 1

/* The private memory of a socket has at most so many bytes, and what is saved of it at most so many words. */
#define SOCKSHIM_SK_SIZE 128
#define SOCKSHIM_STATE_WORDS 1100

struct proto_ops;

/* A socket during one call. */
struct socket {
	/* The descriptor by which the call came: a real socket of the kernel's, which create has made. -1 before. */
	int fd;
	int family;
	/* SOCK_*, without flag bits. */
	int type;
	/* What SO_PROTOCOL answers. */
	int protocol;
	/* SOCK_CUSTOM_SOCKOPT: options of SOL_SOCKET go to the ops, too. */
	unsigned int flags;
	const struct proto_ops *ops;
	/*
	 * The private memory: zeroed at first, shared with forked children. Other threads and processes may be reading and writing
	 * it at the same time. It does not survive exec(2) and SCM_RIGHTS: sock_save() is for that.
	 */
	void *sk;
	/* The kernel's name for the socket behind the descriptor, unique on this machine: SO_COOKIE. */
	uint64_t cookie;
};

/* In flags. */
#define SOCK_CUSTOM_SOCKOPT 1

/* Answered by an ioctl or an option of SOL_SOCKET that the descriptor itself is to answer. */
#define SOCKSHIM_ENOIOCTLCMD 515

/*
 * struct proto_ops. A member that is NULL is the kernel's sock_no_*: EOPNOTSUPP, and ENOTTY for ioctl. poll, select, epoll,
 * mmap and what fcntl(2) sets are the descriptor's.
 */
struct proto_ops {
	int family;
	/* The last descriptor of this process for the socket was closed. Not called when the process ends. */
	int (*release)(struct socket *sock);
	int (*bind)(struct socket *sock, const struct sockaddr *addr, int addrlen);
	int (*connect)(struct socket *sock, const struct sockaddr *addr, int addrlen);
	int (*socketpair)(struct socket *sock1, struct socket *sock2);
	/* Answers the new descriptor. flags are SOCK_CLOEXEC and SOCK_NONBLOCK. newsock has no descriptor yet. */
	int (*accept)(struct socket *sock, struct socket *newsock, int flags);
	/* Writes at most sizeof(struct sockaddr_storage) bytes, and answers how many. */
	int (*getname)(struct socket *sock, struct sockaddr *addr, int peer);
	int (*listen)(struct socket *sock, int backlog);
	int (*shutdown)(struct socket *sock, int how);
	/*
	 * optval is a copy of at most SOCKSHIM_OPTION bytes; of what is longer, optlen still tells the length. It is NULL where the
	 * program's memory cannot be read: EFAULT, after whatever is checked before.
	 */
	int (*setsockopt)(struct socket *sock, int level, int optname, const void *optval, unsigned int optlen);
	/* Writes at most *optlen bytes, or at most SOCKSHIM_OPTION, to optval, and sets *optlen. */
	int (*getsockopt)(struct socket *sock, int level, int optname, void *optval, int *optlen);
	int (*ioctl)(struct socket *sock, unsigned int cmd, unsigned long arg);
	/* All of send, sendto, sendmsg, sendmmsg, write, writev, sendfile ... len is what the iovec adds up to. */
	ssize_t (*sendmsg)(struct socket *sock, struct msghdr *msg, size_t len, int flags);
	/* All of recv, recvfrom, recvmsg, recvmmsg, read, readv ... */
	ssize_t (*recvmsg)(struct socket *sock, struct msghdr *msg, size_t len, int flags);
};

/* How many bytes of an option are copied. */
#define SOCKSHIM_OPTION 8192

/* struct net_proto_family. */
struct net_proto_family {
	int family;
	/* Sets sock->ops, sock->fd and what else it knows. type_flags are SOCK_CLOEXEC and SOCK_NONBLOCK for the descriptor. */
	int (*create)(struct socket *sock, int protocol, int type_flags);
	/* A socket that another process, or this one before exec(2), has made: state is what sock_save() was given. Sets sock->ops. */
	int (*restore)(struct socket *sock, const uint32_t *state, size_t words);
};

/* struct inet_protosw: one protocol of AF_INET and AF_INET6, for socket(2) calls that the kernel refuses. */
struct inet_protosw {
	int type;
	int protocol;
	int (*create)(struct socket *sock, int protocol, int type_flags);
	int (*restore)(struct socket *sock, const uint32_t *state, size_t words);
};

/* A network interface of a module's. */
struct net_device {
	char name[16];
	int ifindex;
	/* IFF_* */
	unsigned int flags;
	unsigned int mtu;
	unsigned int tx_queue_len;
	/* ARPHRD_* */
	unsigned short type;
	/* The driver's name, which is the kind of IFLA_INFO_KIND. */
	char kind[16];
};

/* struct net_device_ops: the interfaces of a module. */
struct net_device_ops {
	/* The interface at this place, counted from 0; -ENODEV behind the last one. Places never change. */
	int (*ndo_get)(unsigned int place, struct net_device *dev);
	/* SIOCSIFFLAGS, SIOCSIFMTU and their like of RTM_NEWLINK: the whole interface as it is to be. May be NULL. */
	int (*ndo_set)(unsigned int place, const struct net_device *dev);
	/* RTM_NEWLINK of this kind: a new interface. May be NULL. */
	int (*ndo_new)(const char *kind, const struct net_device *dev);
	/* RTM_DELLINK. May be NULL. */
	int (*ndo_del)(unsigned int place);
};

/* What the host gives a module. Members are only ever added. */
struct sockshim_kernel {
	uint32_t abi;
	uint32_t size;
	int (*sock_register)(const struct net_proto_family *family);
	void (*sock_unregister)(int family);
	int (*inet_register_protosw)(const struct inet_protosw *protosw);
	void (*inet_unregister_protosw)(const struct inet_protosw *protosw);
	int (*register_netdevice)(const struct net_device_ops *ops);
	/* A system call as it is: the answer, or -errno. */
	long (*kernel_syscall)(long nr, long a, long b, long c, long d, long e, long f);
	/* sendmsg(2) and recvmsg(2) of libc, so that a thread that waits in them can be cancelled. The answer, or -errno. */
	ssize_t (*kernel_sendmsg)(int fd, const struct msghdr *msg, int flags);
	ssize_t (*kernel_recvmsg)(int fd, struct msghdr *msg, int flags);
	/* How many bytes could not be copied: 0 for all of them. */
	size_t (*copy_from_user)(void *to, const void *from, size_t len);
	size_t (*copy_to_user)(void *to, const void *from, size_t len);
	/*
	 * Keeps words with the descriptor, where they survive fork, exec and SCM_RIGHTS, together with a classic filter that the
	 * kernel runs on each packet before it is queued; without one (NULL, 0) all are let through. The filter begins at the
	 * transport's header. 0 or -errno.
	 */
	int (*sock_save)(int fd, const struct socket *sock, const uint32_t *state, size_t words, const struct sock_filter *filter, size_t len);
	/* Reads them again. How many there are, or -errno. */
	long (*sock_load)(int fd, uint32_t *state, size_t words);
	/* The value of a variable as the process was started with it, or NULL. */
	const char *(*getenv)(const char *name);
	/* A line for the log, if there is one. */
	void (*printk)(const char *text);
};

#ifdef __cplusplus
}
#endif

#ifndef SOCKSHIM_MODULE_WITHOUT_MACROS

/* The host, as a module sees it. */
static const struct sockshim_kernel *sockshim_kernel;

#define sock_register(family) sockshim_kernel->sock_register(family)
#define sock_unregister(family) sockshim_kernel->sock_unregister(family)
#define inet_register_protosw(protosw) sockshim_kernel->inet_register_protosw(protosw)
#define inet_unregister_protosw(protosw) sockshim_kernel->inet_unregister_protosw(protosw)
#define register_netdevice(ops) sockshim_kernel->register_netdevice(ops)
#define kernel_syscall(nr, a, b, c, d, e, f) \
	sockshim_kernel->kernel_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define kernel_sendmsg(fd, msg, flags) sockshim_kernel->kernel_sendmsg(fd, msg, flags)
#define kernel_recvmsg(fd, msg, flags) sockshim_kernel->kernel_recvmsg(fd, msg, flags)
#define copy_from_user(to, from, len) sockshim_kernel->copy_from_user(to, from, len)
#define copy_to_user(to, from, len) sockshim_kernel->copy_to_user(to, from, len)
#define sock_save(sock, state, words) sockshim_kernel->sock_save((sock)->fd, sock, state, words, NULL, 0)
#define printk(text) sockshim_kernel->printk(text)

/* The function that registers what the module has; 0 or -errno. */
#define module_init(init)                                                                          \
	__attribute__((visibility("default"))) uint32_t sockshim_module_abi = SOCKSHIM_MODULE_ABI;  \
	__attribute__((visibility("default"))) int sockshim_module_init(const struct sockshim_kernel *kernel) \
	{                                                                                           \
		sockshim_kernel = kernel;                                                           \
		return init();                                                                      \
	}
/* The function that is called before the module is unloaded. */
#define module_exit(exit)                                                                          \
	__attribute__((visibility("default"))) void sockshim_module_exit(void) { exit(); }

#endif

#endif
