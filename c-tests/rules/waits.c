// Calls that a rule delays by a minute: what ends the wait, and what does not wait.

#include "address.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/uio.h>

static int listener, fresh, pair[2];
static struct address to;
static char byte[8] = "x";
static struct iovec part = {byte, 1};
static struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
static int on = 1;

static long make(int call)
{
	int two[2];
	socklen_t length = sizeof(on);
	struct mmsghdr many = {.msg_hdr = message};

	switch (call) {
	case 0: return connect(fresh, &to.any, to.length);
	case 1: return bind(fresh, &to.any, to.length);
	case 2: return listen(fresh, 1);
	case 3: return accept(listener, NULL, NULL);
	case 4: return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	case 5: return socket(AF_INET, SOCK_STREAM, 0);
	case 6: return socketpair(AF_UNIX, SOCK_STREAM, 0, two);
	case 7: return send(pair[0], byte, 1, 0);
	case 8: return sendto(pair[0], byte, 1, 0, NULL, 0);
	case 9: return sendmsg(pair[0], &message, 0);
	case 10: return sendmmsg(pair[0], &many, 1, 0);
	case 11: return write(pair[0], byte, 1);
	case 12: return writev(pair[0], &part, 1);
	case 13: return recv(pair[0], byte, 1, 0);
	case 14: return recvfrom(pair[0], byte, 1, 0, NULL, NULL);
	case 15: return recvmsg(pair[0], &message, 0);
	case 16: return recvmmsg(pair[0], &many, 1, 0, NULL);
	case 17: return read(pair[0], byte, 1);
	case 18: return readv(pair[0], &part, 1);
	case 19: return setsockopt(pair[0], SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	case 20: return getsockopt(pair[0], SOL_SOCKET, SO_KEEPALIVE, &on, &length);
	case 21: return shutdown(pair[0], SHUT_WR);
	case 22: return syscall(SYS_connect, fresh, &to.any, to.length);
	case 23: return syscall(SYS_read, pair[0], byte, 1);
	default: return -2;
	}
}

static void *in_thread(void *call)
{
	make((long)call);
	return NULL;
}

static void handler(int signal)
{
	(void)signal;
}

static int descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += RAW(SYS_fcntl, fd, F_GETFD) >= 0;
	return count;
}

int main(void)
{
	struct itimerval often = {{0, 3000}, {0, 3000}}, never = {{0, 0}, {0, 0}};
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

	setvbuf(stdout, NULL, _IOLBF, 0);
	to = address_of("127.0.0.1:7001");
	listener = MUST_RAW(SYS_socket, AF_INET, SOCK_STREAM, 0);
	MUST_RAW(SYS_bind, listener, &to.any, to.length);
	MUST_RAW(SYS_listen, listener, 5);
	fresh = MUST_RAW(SYS_socket, AF_INET, SOCK_STREAM, 0);
	MUST_RAW(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair);
	sigaction(SIGALRM, &action, NULL);
	int before = descriptors();

	for (long call = 0; call < 24; call++) {
		pthread_t thread;
		void *result;
		printf("%ld:", call);
		pthread_create(&thread, NULL, in_thread, (void *)call);
		pthread_cancel(thread);
		pthread_join(thread, &result);
		printf(" %s", result == PTHREAD_CANCELED ? "cancelled" : "came back");
		// Again and again, because the first may come before the wait.
		setitimer(ITIMER_REAL, &often, NULL);
		long answer = make(call);
		int error = errno;
		setitimer(ITIMER_REAL, &never, NULL);
		printf(", interrupted %ld %s\n", answer, strerrorname_np(error));
	}
	printf("descriptors %+d\n", descriptors() - before);

	// What does not wait is not delayed.
	printf("recv %zd", recv(pair[0], byte, 1, MSG_DONTWAIT));
	printf(" %s\n", strerrorname_np(errno));
	printf("send %zd\n", send(pair[0], "y", 1, MSG_DONTWAIT));
	for (int i = 0; i < 2; i++)
		fcntl(pair[i], F_SETFL, O_NONBLOCK);
	fcntl(fresh, F_SETFL, O_NONBLOCK);
	fcntl(listener, F_SETFL, O_NONBLOCK);
	printf("recv %zd", recv(pair[1], byte, 8, 0));
	printf(" %s, again %zd", byte, read(pair[1], byte, 8));
	printf(" %s\n", strerrorname_np(errno));
	printf("write %zd\n", write(pair[0], "z", 1));
	printf("accept %d", accept(listener, NULL, NULL));
	printf(" %s\n", strerrorname_np(errno));
	printf("connect %d", connect(fresh, &to.any, to.length));
	printf(" %s\n", strerrorname_np(errno));
	printf("shutdown %d\n", shutdown(pair[0], SHUT_WR));
	return 0;
}
