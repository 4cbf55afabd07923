// What becomes of a program whose module keeps no rule: nothing worse than an errno. And what threads, signals, forks and
// cancellation do with a module's sockets.
#include "../transcript.h"
#include "unruly.h"
#include <pthread.h>

static int made(int protocol)
{
	return MUST(socket(AF_UNRULY, SOCK_DGRAM, protocol));
}

static void every_call(int fd)
{
	char bytes[16] = "", option[16] = "abc";
	struct sockaddr_storage name;
	socklen_t len = sizeof name, room = 4;
	struct iovec part = {"abcd", 4};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	struct mmsghdr two[] = {{.msg_hdr = message}, {.msg_hdr = message}};

	CALL(send(fd, "abcd", 4, 0));
	CALL(sendmsg(fd, &message, 0));
	printf("    %d parts, flags %d, name %p\n", (int)message.msg_iovlen, message.msg_flags, message.msg_name);
	CALL(sendmmsg(fd, two, 2, 0));
	CALL(write(fd, "abcd", 4));
	if (write(UNRULY_PEER, "reply", 5) == 5)
		CALL(recv(fd, bytes, sizeof bytes, MSG_DONTWAIT));
	CALL(getsockname(fd, (struct sockaddr *)&name, &len));
	CALL(setsockopt(fd, 1000, 1, option, 4));
	printf("    '%s'\n", option);
	CALL(getsockopt(fd, 1000, 1, option, &room));
	printf("    '%s', %d bytes\n", option, (int)room);
	CALL(close(fd));
}

static int interrupted;

static void interrupt(int signal)
{
	char byte;
	(void)signal;
	// A call on the socket in which the thread waits.
	interrupted = recv(UNRULY_PEER + 1, &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN;
}

static void signals(void)
{
	struct sigaction action = {.sa_handler = interrupt};
	int fd = made(UNRULY_NOTHING);
	char byte;
	pid_t child, parent = getpid();

	MUST(dup2(fd, UNRULY_PEER + 1));
	MUST(sigaction(SIGUSR1, &action, NULL));
	child = MUST(fork());
	if (child == 0) {
		// Again and again, until the call was interrupted.
		while (kill(parent, SIGUSR1) == 0)
			usleep(1000);
		_exit(0);
	}
	CALL(recv(fd, &byte, 1, 0));
	MUST(kill(child, SIGKILL));
	MUST(waitpid(child, NULL, 0));
	printf("in the handler: %s\n", interrupted ? "as it should be" : "wrong");
	close(fd), close(UNRULY_PEER + 1);
}

static void *receive(void *argument)
{
	char byte;
	recv(*(int *)argument, &byte, 1, 0);
	return NULL;
}

static void cancellation(void)
{
	int fd = made(UNRULY_NOTHING);
	pthread_t thread;
	void *ret = NULL;

	pthread_create(&thread, NULL, receive, &fd);
	pthread_cancel(thread);
	pthread_join(thread, &ret);
	printf("cancelled: %s\n", ret == PTHREAD_CANCELED ? "yes" : "no");
	CALL(send(fd, "x", 1, 0));
	close(fd);
}

static void *send_many(void *argument)
{
	long sent = 0;
	for (int i = 0; i < 2000; i++) {
		char byte;
		sent += send(*(int *)argument, "x", 1, 0);
		sent += read(UNRULY_PEER, &byte, 1) == 1;
	}
	return (void *)sent;
}

static void threads(void)
{
	int fd = made(UNRULY_NOTHING);
	pthread_t thread[4];
	long all = 0;

	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, send_many, &fd);
	for (int i = 0; i < 4; i++) {
		void *sent;
		pthread_join(thread[i], &sent);
		all += (long)sent;
	}
	printf("4 threads: %ld\n", all);
	close(fd);
}

static void *close_one(void *argument)
{
	close((int)(long)argument);
	return NULL;
}

// However its descriptors are closed, a socket is released once.
static void releases(void)
{
	int before, fd = made(UNRULY_COUNT), again;

	before = listen(fd, 0);
	close(fd);
	for (int i = 0; i < 200; i++) {
		pthread_t thread[2];
		fd = made(UNRULY_COUNT), again = MUST(dup(fd));
		pthread_create(&thread[0], NULL, close_one, (void *)(long)fd);
		pthread_create(&thread[1], NULL, close_one, (void *)(long)again);
		pthread_join(thread[0], NULL), pthread_join(thread[1], NULL);
	}
	fd = made(UNRULY_COUNT);
	printf("released: %d\n", listen(fd, 0) - before);
	close(fd);
}

static void children(void)
{
	int status, fd = made(UNRULY_NOTHING);
	pid_t child = MUST(fork());

	if (child == 0)
		_exit(send(fd, "x", 1, 0) != 1 || close(fd) != 0);
	MUST(waitpid(child, &status, 0));
	printf("fork: %d\n", status);
	child = vfork();
	if (child == 0) {
		close(fd);
		_exit(0);
	}
	MUST(waitpid(child, &status, 0));
	printf("vfork: %d\n", status);
	CALL(send(fd, "x", 1, 0));
	close(fd);
}

static void unloading(void)
{
	int fd = made(UNRULY_NOTHING);

	CALL(syscall(SYS_delete_module, "unruly", O_NONBLOCK));
	close(fd);
	CALL(syscall(SYS_delete_module, "unruly", O_NONBLOCK));
	CALL(syscall(SYS_delete_module, "unruly", O_NONBLOCK));
	fd = made(UNRULY_NOTHING);
	CALL(send(fd, "x", 1, 0));
	close(fd);
}

int main(void)
{
	for (int protocol = UNRULY_NOTHING; protocol <= UNRULY_COPY; protocol++) {
		int fd;
		printf("protocol %d\n", protocol);
		errno = UNTOUCHED;
		fd = socket(AF_UNRULY, SOCK_DGRAM, protocol);
		transcript_call("socket", fd < 0 ? fd : 0);
		if (fd >= 0)
			every_call(fd);
	}
	signals();
	cancellation();
	threads();
	releases();
	children();
	unloading();
	return 0;
}
