// Every readiness call twice with the same arguments: by a thread that has made no call before, and by the first thread.
// The first call of a thread is logged in another way than its later ones, and the log must not tell.
#include "../transcript.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>

static volatile int too_few = -1; // Volatile, so that the compiler does not warn.
static int epoll, pair[2], pipes[2], number;
static fd_set set;
static struct epoll_event ready[2];
static struct timespec brief = {.tv_nsec = 1000};
static struct timeval moment = {.tv_usec = 1};
static sigset_t none;
static struct pollfd inherited[] = {{.fd = 3, .events = POLLIN}};
static struct pollfd no_socket[2], both[3], nobody[] = {{.fd = 900, .events = POLLIN}};

static long call(int which)
{
	FD_ZERO(&set);
	FD_SET(pair[1], &set);
	moment.tv_usec = 1;
	switch (which) {
	case 0: return poll(inherited, 1, 0);
	case 1: return poll(no_socket, 2, 0);
	case 2: return poll(both, 3, 0);
	case 3: return poll(both, 3, 1);
	case 4: return poll(nobody, 1, 0);
	case 5: return poll(NULL, 0, 0);
	case 6: return poll(NOWHERE, 1, 0);
	case 7: return select(pair[1] + 1, &set, NULL, NULL, &moment);
	case 8: return select(0, NULL, NULL, NULL, &moment);
	case 9: return select(-1, NULL, NULL, NULL, &moment);
	case 10: return epoll_wait(epoll, ready, 2, 0);
	case 11: return epoll_wait(epoll, ready, too_few, 0);
	case 12: return epoll_wait(900, ready, 2, 0);
	case 13: return epoll_pwait(epoll, ready, 2, 1, &none);
	case 14: return epoll_pwait(pair[0], ready, 2, 1, NULL);
	case 15: return epoll_pwait2(epoll, ready, 1, &brief, &none);
	case 16: return pselect(pair[1] + 1, &set, NULL, NULL, &brief, &none);
	case 17: return ppoll(both, 3, &brief, &none);
	}
	return 0;
}

static void *make(void *unused)
{
	errno = UNTOUCHED;
	long result = call(number);
	printf("%d: %ld %s\n", number, result, errno == UNTOUCHED ? "untouched" : strerrorname_np(errno));
	return unused;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigemptyset(&none);
	if (argc < 2) {
		// The library has not seen how the new image came to these.
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || dup2(pair[0], 3) < 0 || dup2(pair[1], 4) < 0)
			return SETUP_STATUS;
		execl("/proc/self/exe", argv[0], "again", (char *)NULL);
		return SETUP_STATUS;
	}
	if (pipe(pipes) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || (epoll = epoll_create1(0)) < 0)
		return SETUP_STATUS;
	struct epoll_event event = {.events = EPOLLIN};
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, pair[1], &event) != 0)
		return SETUP_STATUS;
	no_socket[0] = (struct pollfd){.fd = pipes[0], .events = POLLIN};
	no_socket[1] = (struct pollfd){.fd = -1};
	both[0] = (struct pollfd){.fd = -7};
	both[1] = (struct pollfd){.fd = pipes[0], .events = POLLIN};
	both[2] = (struct pollfd){.fd = pair[1], .events = POLLIN};
	for (int with_data = 0; with_data < 2; with_data++) {
		if (with_data && send(pair[0], "1", 1, 0) != 1)
			return SETUP_STATUS;
		// A data call, so that the first thread has made one.
		if (recv(pair[0], &event, 1, MSG_DONTWAIT) != -1)
			return SETUP_STATUS;
		for (number = 0; number < 18; number++) {
			pthread_t thread;
			make(NULL);
			if (pthread_create(&thread, NULL, make, NULL) != 0 || pthread_join(thread, NULL) != 0)
				return SETUP_STATUS;
		}
	}
	return 0;
}
