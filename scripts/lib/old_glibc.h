// What the C programs of c-tests use and an old glibc lacks. scripts/libcs.sh includes it in each of them.

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

#define NAME(name) case name: return #name;

static inline const char *strerrorname_np(int error) {
	switch (error) {
	case 0: return "0";
	NAME(EPERM) NAME(ENOENT) NAME(ESRCH) NAME(EINTR) NAME(EIO) NAME(ENXIO) NAME(E2BIG) NAME(ENOEXEC)
	NAME(EBADF) NAME(ECHILD) NAME(EAGAIN) NAME(ENOMEM) NAME(EACCES) NAME(EFAULT) NAME(EBUSY) NAME(EEXIST)
	NAME(EXDEV) NAME(ENODEV) NAME(ENOTDIR) NAME(EISDIR) NAME(EINVAL) NAME(ENFILE) NAME(EMFILE) NAME(ENOTTY)
	NAME(EFBIG) NAME(ENOSPC) NAME(ESPIPE) NAME(EROFS) NAME(EPIPE) NAME(EDOM) NAME(ERANGE) NAME(EDEADLK)
	NAME(ENAMETOOLONG) NAME(ENOSYS) NAME(ELOOP) NAME(EPROTO) NAME(EOVERFLOW) NAME(ENOTSOCK)
	NAME(EDESTADDRREQ) NAME(EMSGSIZE) NAME(EPROTOTYPE) NAME(ENOPROTOOPT) NAME(EPROTONOSUPPORT)
	NAME(ESOCKTNOSUPPORT) NAME(EOPNOTSUPP) NAME(EPFNOSUPPORT) NAME(EAFNOSUPPORT) NAME(EADDRINUSE)
	NAME(EADDRNOTAVAIL) NAME(ENETDOWN) NAME(ENETUNREACH) NAME(ENETRESET) NAME(ECONNABORTED) NAME(ECONNRESET)
	NAME(ENOBUFS) NAME(EISCONN) NAME(ENOTCONN) NAME(ETOOMANYREFS) NAME(ETIMEDOUT) NAME(ECONNREFUSED)
	NAME(EHOSTDOWN) NAME(EHOSTUNREACH) NAME(EALREADY) NAME(EINPROGRESS)
	}
	return 0;
}

#undef NAME
#define NAME(name) case SIG##name: return #name;

static inline const char *sigabbrev_np(int signal) {
	switch (signal) {
	NAME(HUP) NAME(INT) NAME(ABRT) NAME(KILL) NAME(SEGV) NAME(PIPE) NAME(ALRM) NAME(TERM) NAME(CHLD) NAME(USR1) NAME(SYS)
	}
	return 0;
}

#undef NAME

// libc's are hooked in a newer glibc. Here the system call is, which the library sees as well.
static inline int close_range(unsigned first, unsigned last, int flags) {
	return syscall(SYS_close_range, first, last, flags);
}

static inline void closefrom(int first) { close_range(first, ~0U, 0); }
