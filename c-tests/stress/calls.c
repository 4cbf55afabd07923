// Makes every hooked call, with success and with failure, and prints the result, errno (which was set to
// 77, and which a success leaves unchanged), which descriptors are open, and how many bytes are queued at
// the peer. A call that is made twice, partly or not at all shows a difference.
#include "stress.h"
#include <linux/close_range.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static int pair[2]; // A connected pair: the data calls use the first, the second is the peer.

static unsigned long open_descriptors(void)
{
	unsigned long open = 0;

	for (int fd = 0; fd < 64; fd++)
		open |= RAW2(SYS_fcntl, fd, F_GETFD) >= 0 ? 1ul << fd : 0;
	return open;
}

static int queued(int fd)
{
	int bytes = -1;

	RAW3(SYS_ioctl, fd, FIONREAD, &bytes);
	return bytes;
}

static long said(const char *call, long result, int error)
{
	printf("%-40s = %ld %s, open %lx", call, result, error == 77 ? "-" : strerrorname_np(error), open_descriptors());
	if (pair[1] != 0)
		printf(", queued %d and %d", queued(pair[0]), queued(pair[1]));
	printf("\n");
	return result;
}

static long asked(const char *text, long result)
{
	return said(text, result, errno);
}

#define SAY(call) (errno = 77, asked(#call, (long)(call)))

// Queues bytes for the call under test to receive.
static void queue(const char *bytes)
{
	RAW3(SYS_write, pair[1], bytes, strlen(bytes));
}

// connect() may return before the listener has the connection.
static void await_connection(int listener)
{
	struct pollfd wanted = {.fd = listener, .events = POLLIN};

	RAW5(SYS_ppoll, &wanted, 1, NULL, NULL, 8);
}

static void create_and_name(void)
{
	struct sockaddr_in address = loopback(0), name;
	struct sockaddr_storage peer;
	socklen_t length = sizeof(name), four = sizeof(int);
	int on = 1, value = 0;

	SAY(socket(-1, SOCK_STREAM, 0));
	SAY(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	int listener = SAY(socket(AF_INET, SOCK_STREAM, 0));
	SAY(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
	SAY(setsockopt(listener, IPPROTO_TCP, 9999, &on, sizeof(on)));
	SAY(getsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &value, &four));
	printf("the option is %d\n", value);
	SAY(getsockopt(listener, SOL_SOCKET, 9999, &value, &four));
	SAY(bind(listener, ADDRESS(address)));
	SAY(bind(listener, ADDRESS(address)));
	SAY(accept(listener, NULL, NULL));
	SAY(listen(listener, 5));
	SAY(getsockname(listener, (struct sockaddr *)&name, &length));
	SAY(getpeername(listener, (struct sockaddr *)&peer, &length));
	SAY(fcntl(listener, F_SETFL, O_NONBLOCK));
	SAY(accept4(listener, NULL, NULL, 0));
	int client = SAY(socket(AF_INET, SOCK_STREAM, 0)), other = SAY(socket(AF_INET, SOCK_STREAM, 0));
	SAY(connect(client, ADDRESS(name)));
	SAY(connect(client, ADDRESS(name)));
	SAY(connect(other, ADDRESS(name)));
	await_connection(listener);
	int server = SAY(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	await_connection(listener);
	int second = SAY(accept(listener, NULL, NULL));
	SAY(accept4(listener, NULL, NULL, 0));
	length = sizeof(peer);
	SAY(getpeername(server, (struct sockaddr *)&peer, &length));
	SAY(shutdown(client, SHUT_WR));
	SAY(recv(server, &value, 1, 0));
	SAY(shutdown(listener, 7));
	for (int fd = listener; fd <= second; fd++)
		SAY(close(fd));
	SAY(close(listener));
}

static void move_data(void)
{
	char bytes[16] = "";
	struct iovec vector[2] = {{bytes, 1}, {bytes + 1, 1}};
	struct msghdr message = {.msg_iov = vector, .msg_iovlen = 2};
	struct mmsghdr messages[2] = {{.msg_hdr = message}, {.msg_hdr = message}};
	off_t start = 0;

	SAY(socketpair(AF_INET, SOCK_STREAM, 0, pair));
	SAY(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	int fd = pair[0], file = memfd_create("data", 0);
	CHECK(write(file, "data", 4));
	SAY(send(fd, "ab", 2, 0));
	SAY(sendto(fd, "abc", 3, 0, NULL, 0));
	SAY(sendmsg(fd, &message, 0));
	SAY(sendmmsg(fd, messages, 2, 0));
	SAY(write(fd, "abcd", 4));
	SAY(writev(fd, vector, 2));
	SAY(sendfile(fd, file, &start, 3));
	SAY(send(fd, "ab", 2, MSG_OOB | MSG_DONTROUTE | MSG_ERRQUEUE));
	SAY(recv(fd, bytes, 1, MSG_DONTWAIT));
	queue("0123456789abcdefghij");
	SAY(recv(fd, bytes, 1, 0));
	SAY(recvfrom(fd, bytes + 1, 2, 0, NULL, NULL));
	SAY(read(fd, bytes + 3, 3));
	printf("received %.6s\n", bytes);
	SAY(readv(fd, vector, 2));
	printf("received %.2s\n", bytes);
	SAY(recvmsg(fd, &message, 0));
	printf("received %.2s\n", bytes);
	SAY(recvmmsg(fd, messages, 2, 0, NULL));
	printf("received %.2s\n", bytes);
	SAY(recvmsg(file, &message, 0));
	SAY(send(99, "ab", 2, 0));
	SAY(read(99, bytes, 1));
	SAY(close(file));
}

static void wait_for_readiness(void)
{
	struct pollfd wanted = {.fd = pair[0], .events = POLLIN};
	struct epoll_event event = {.events = EPOLLIN};
	struct timespec now = {0, 0};
	struct timeval soon = {0, 0};
	volatile nfds_t too_many = -1;
	fd_set set;

	SAY(poll(&wanted, 1, 0));
	SAY(ppoll(&wanted, 1, &now, NULL));
	SAY(poll(&wanted, too_many, 0));
	FD_ZERO(&set);
	FD_SET(pair[0], &set);
	SAY(select(pair[0] + 1, &set, NULL, NULL, &soon));
	SAY(pselect(pair[0] + 1, &set, NULL, NULL, &now, NULL));
	SAY(select(-1, NULL, NULL, NULL, &soon));
	int epoll = SAY(epoll_create1(EPOLL_CLOEXEC)), old = SAY(epoll_create(1));
	SAY(epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &event));
	SAY(epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &event));
	SAY(epoll_wait(epoll, &event, 1, 0));
	SAY(epoll_pwait(epoll, &event, 1, 0, NULL));
	SAY(epoll_wait(pair[0], &event, 1, 0));
	SAY(close(old));
	SAY(close(epoll));
}

static void copy_descriptors(void)
{
	int bytes = 0, fd = pair[0];

	SAY(ioctl(fd, FIONREAD, &bytes));
	SAY(ioctl(fd, 0xdead, &bytes));
	SAY(dup(fd));
	SAY(dup2(fd, 20));
	SAY(dup2(fd, fd));
	SAY(dup3(fd, 21, O_CLOEXEC));
	SAY(dup3(fd, fd, 0));
	SAY(fcntl(fd, F_DUPFD, 30));
	SAY(fcntl(fd, F_DUPFD_CLOEXEC, 30));
	SAY(fcntl(fd, F_GETFL));
	SAY(fcntl(99, F_GETFD));
	SAY(dup(99));
	SAY(close(20));
	SAY(close_range(30, 30, 0));
	SAY(close_range(21, 31, CLOSE_RANGE_CLOEXEC));
	SAY(close_range(2, 1, 0));
	SAY(syscall(SYS_dup2, fd, 40));
	SAY(syscall(SYS_close, 40));
	SAY(syscall(99999));
}

// The child identifies itself through the pair, so that a second child would be noticed.
static void make_processes(char *program)
{
	char *arguments[] = {program, "executed", NULL}, *nothing[] = {NULL};
	pid_t child;
	int status = 0;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		RAW3(SYS_write, pair[1], "fork", 4);
		_exit(9);
	}
	waitpid(child, &status, 0);
	said("fork", WEXITSTATUS(status), 77);
	child = vfork();
	if (child == 0) {
		RAW3(SYS_write, pair[1], "vfork", 5);
		_exit(8);
	}
	waitpid(child, &status, 0);
	said("vfork", WEXITSTATUS(status), 77);
	SAY(posix_spawn(&child, "/nonexistent/program", NULL, NULL, nothing, nothing));
	SAY(posix_spawn(&child, "/bin/true", NULL, NULL, arguments, nothing));
	waitpid(child, &status, 0);
	SAY(execve("/nonexistent/program", arguments, nothing));
	SAY(execv("/nonexistent/program", arguments));
	closefrom(32);
	fflush(stdout);
	execv(program, arguments);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		printf("%s, open %lx\n", argv[1], open_descriptors());
		return 3;
	}
	RAW3(SYS_close_range, 3, ~0U, 0);
	create_and_name();
	move_data();
	wait_for_readiness();
	copy_descriptors();
	make_processes(argv[0]);
	return 1;
}
