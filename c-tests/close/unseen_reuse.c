// cflags: -pthread
// A socket is closed in a way that no hook sees, and its number is used in every way that a number can be: by calls that
// end or replace it, by calls to which the kernel gives it anew, and by calls that change nothing.
#include "../transcript.h"
#include <pthread.h>
#include <sys/epoll.h>

static int other; // A socket that stays.
static int null;

static long closed_unseen(int fd)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "0"(SYS_close), "D"(fd) : "rcx", "r11", "memory");
	return ret;
}

// A number that was a socket's and is free.
static int stale_number(void)
{
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
	if (closed_unseen(fd) != 0)
		exit(SETUP_STATUS);
	return fd;
}

// A number that was a socket's and is a file's.
static int stale_file(void)
{
	int fd = stale_number();
	if (MUST(open("/dev/null", O_RDWR)) != fd)
		exit(SETUP_STATUS);
	return fd;
}

// The kernel gives the lowest free number.
static void is_given(int number, int fd)
{
	if (number != fd)
		exit(SETUP_STATUS);
	MUST(close(fd));
}

static void replace(void)
{
	int fd = stale_file();
	CALL(dup2(null, fd) == fd);
	CALL(close(fd));
	fd = stale_file();
	CALL(dup3(other, fd, 0) == fd);
	CALL(close(fd));
	fd = stale_file();
	CALL(dup2(-1, fd));
	CALL(close(fd));
	fd = stale_file();
	CALL(close_range(fd, fd, 0));
	fd = stale_file();
	CALL(close_range(fd, fd, CLOSE_RANGE_CLOEXEC));
	CALL(close(fd));
	closefrom(stale_file());
}

static int accept_one(int listener)
{
	struct sockaddr_in address;
	socklen_t len = sizeof(address);
	int client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	int fd;

	MUST(getsockname(listener, (struct sockaddr *)&address, &len));
	MUST(connect(client, (struct sockaddr *)&address, len));
	fd = stale_number();
	is_given(fd, MUST(accept(listener, NULL, NULL)));
	return client;
}

static void receive_one(void)
{
	char byte = 'x', control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&msg);
	int pair[2], fd;

	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	*rights = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(rights), &other, sizeof(other));
	MUST(sendmsg(pair[0], &msg, 0));
	fd = stale_number();
	MUST(recvmsg(pair[1], &msg, 0));
	memcpy(&pair[0], CMSG_DATA(rights), sizeof(int));
	is_given(fd, pair[0]);
	MUST(close(pair[1]));
	MUST(close(fd - 2));
}

static void give_anew(void)
{
	int listener = MUST(socket(AF_INET, SOCK_STREAM, 0)), fd, pair[2];

	fd = stale_number();
	is_given(fd, MUST(socket(AF_UNIX, SOCK_DGRAM, 0)));
	fd = stale_number();
	is_given(fd, MUST(dup(other)));
	fd = stale_number();
	is_given(fd, MUST(dup(null)));
	fd = stale_number();
	is_given(fd, MUST(fcntl(other, F_DUPFD, 0)));
	fd = stale_number();
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	is_given(fd, pair[0]);
	MUST(close(pair[1]));
	fd = stale_number();
	is_given(fd, MUST(epoll_create1(0)));
	MUST(listen(listener, 1));
	MUST(close(accept_one(listener)));
	receive_one();
	MUST(close(listener));
}

// Nothing here is about a socket.
static void ask(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = MUST(epoll_create1(0)), fd, count = 0;

	fd = stale_file();
	CALL(fcntl(fd, F_GETFL) & O_ACCMODE);
	CALL(fcntl(fd, F_GETFD));
	CALL(close(fd));
	fd = stale_file();
	CALL(ioctl(fd, FIONREAD, &count));
	CALL(close(fd));
	fd = stale_file();
	CALL(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	CALL(close(fd));
	fd = stale_file();
	CALL(sockatmark(fd));
	CALL(close(fd));
	CALL(close(epoll));
}

static void *wait_for_ever(void *argument)
{
	for (;;)
		pause();
	return argument;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	null = MUST(open("/dev/null", O_RDWR));
	other = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	if (argc > 1 && strcmp(argv[1], "threads") == 0 && pthread_create(&thread, NULL, wait_for_ever, NULL) != 0)
		exit(SETUP_STATUS);
	puts("replaced or ended");
	replace();
	puts("given anew");
	give_anew();
	puts("asked");
	ask();
}
