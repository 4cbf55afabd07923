// Two libraries around an interposing one, from this source. The outer one, preloaded before it, sets a
// flag when a call comes in, and its malloc ends the process while the flag is set. The inner one,
// preloaded after it, clears the flag while libc performs the call. So the process ends if a hook allocates
// memory.
//
//   -DOUTER or -DINNER; with GUARD_SELF=1 in the environment the inner one allocates while the flag is set
#define _GNU_SOURCE
#include <dlfcn.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef OUTER
__thread int guard_up __attribute__((tls_model("initial-exec")));
#define BEFORE guard_up++
#define AFTER guard_up--

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static void look(void)
{
	static const char text[] = "malloc inside a hook\n";

	if (guard_up > 0) {
		guard_up = 0;
		syscall(SYS_write, 2, text, sizeof(text) - 1);
		abort();
	}
}

void *malloc(size_t size)
{
	look();
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	look();
	return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	look();
	return __libc_realloc(old, size);
}
#else
extern __thread int guard_up __attribute__((tls_model("initial-exec")));
// The variable keeps the compiler from removing the allocation.
static void *volatile kept;
static void allocate_if_asked(void)
{
	if (getenv("GUARD_SELF"))
		kept = malloc(10);
}
#define BEFORE (allocate_if_asked(), guard_up--)
#define AFTER guard_up++
#endif

#define AROUND(type, name, parameters, ...)                                                                            \
	type name parameters                                                                                           \
	{                                                                                                              \
		static type(*volatile next) parameters;                                                                \
		if (!next)                                                                                             \
			next = (type(*) parameters)dlsym(RTLD_NEXT, #name);                                            \
		BEFORE;                                                                                                \
		type result = next(__VA_ARGS__);                                                                       \
		AFTER;                                                                                                 \
		return result;                                                                                         \
	}

#define FD int a
AROUND(int, socket, (int a, int b, int c), a, b, c)
AROUND(int, socketpair, (int a, int b, int c, int d[2]), a, b, c, d)
AROUND(int, bind, (FD, const struct sockaddr *b, socklen_t c), a, b, c)
AROUND(int, listen, (FD, int b), a, b)
AROUND(int, accept, (FD, struct sockaddr *b, socklen_t *c), a, b, c)
AROUND(int, accept4, (FD, struct sockaddr *b, socklen_t *c, int d), a, b, c, d)
AROUND(int, connect, (FD, const struct sockaddr *b, socklen_t c), a, b, c)
AROUND(int, getsockname, (FD, struct sockaddr *b, socklen_t *c), a, b, c)
AROUND(int, getpeername, (FD, struct sockaddr *b, socklen_t *c), a, b, c)
AROUND(int, setsockopt, (FD, int b, int c, const void *d, socklen_t e), a, b, c, d, e)
AROUND(int, getsockopt, (FD, int b, int c, void *d, socklen_t *e), a, b, c, d, e)
AROUND(int, shutdown, (FD, int b), a, b)
AROUND(ssize_t, send, (FD, const void *b, size_t c, int d), a, b, c, d)
AROUND(ssize_t, recv, (FD, void *b, size_t c, int d), a, b, c, d)
AROUND(ssize_t, sendto, (FD, const void *b, size_t c, int d, const struct sockaddr *e, socklen_t f), a, b, c, d, e, f)
AROUND(ssize_t, recvfrom, (FD, void *b, size_t c, int d, struct sockaddr *e, socklen_t *f), a, b, c, d, e, f)
AROUND(ssize_t, sendmsg, (FD, const struct msghdr *b, int c), a, b, c)
AROUND(ssize_t, recvmsg, (FD, struct msghdr *b, int c), a, b, c)
AROUND(ssize_t, read, (FD, void *b, size_t c), a, b, c)
AROUND(ssize_t, write, (FD, const void *b, size_t c), a, b, c)
AROUND(int, close, (FD), a)
AROUND(int, dup, (FD), a)
AROUND(int, dup2, (FD, int b), a, b)
AROUND(int, epoll_ctl, (FD, int b, int c, struct epoll_event *d), a, b, c, d)
AROUND(int, epoll_wait, (FD, struct epoll_event *b, int c, int d), a, b, c, d)
AROUND(int, poll, (struct pollfd *a, nfds_t b, int c), a, b, c)
