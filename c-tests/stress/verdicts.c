// Makes one call of a given form under a verdict that the library's test build is told to give, and prints
// the result. A shutdown call on descriptor -1 before and after it marks its place in the log.
//
//     verdicts FORM VERDICT [interrupt|cancel]    VERDICT is what SOCKSHIM_VERDICT says while the call is made, such as "fail:ECONNREFUSED"
//     verdicts list           prints the forms, each with its class
//
// With a VERDICT of "-" the call is made as it is.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>
#include "../glibc_names.h"

enum { LENGTH = 8 };

static char data[64] = "abcdefgh", received[64];
static struct iovec parts[] = {{data, 3}, {data + 3, 5}}, rooms[] = {{received, 3}, {received + 3, 5}};
static struct sockaddr_in address, from;
static socklen_t length = sizeof(from);
static struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2}, reply = {.msg_iov = rooms, .msg_iovlen = 2};
static struct mmsghdr messages[2], replies[2];
static struct pollfd entry;
static fd_set set;
static struct epoll_event event = {.events = EPOLLOUT};
static struct timespec soon;
static int value, pair[2], epfd, listener, fresh, datagram, file, pipes[2];

// The class of a form says what the call is made on: `out` and `in` on a connected stream, `to` on a
// datagram socket with an address, `ctl` on whatever the form needs.
#define FORMS(_)                                                                                             \
	_(ctl, socket, socket(AF_INET, SOCK_STREAM, 0))                                                      \
	_(ctl, socketpair, socketpair(AF_UNIX, SOCK_STREAM, 0, pair))                                        \
	_(ctl, accept, accept(listener, (struct sockaddr *)&from, &length))                                  \
	_(ctl, accept4, accept4(listener, (struct sockaddr *)&from, &length, SOCK_CLOEXEC))                  \
	_(ctl, bind, bind(fresh, (struct sockaddr *)&address, sizeof(address)))                              \
	_(ctl, listen, listen(fresh, 5))                                                                     \
	_(ctl, connect, connect(fresh, (struct sockaddr *)&address, sizeof(address)))                        \
	_(ctl, __connect, __connect(fresh, (struct sockaddr *)&address, sizeof(address)))                    \
	_(ctl, getsockname, getsockname(fd, (struct sockaddr *)&from, &length))                              \
	_(ctl, getpeername, getpeername(fd, (struct sockaddr *)&from, &length))                              \
	_(ctl, shutdown, shutdown(fd, SHUT_WR))                                                              \
	_(ctl, setsockopt, setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value)))                  \
	_(ctl, getsockopt, getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length))                             \
	_(ctl, ioctl, ioctl(fd, FIONREAD, &value))                                                           \
	_(ctl, sockatmark, sockatmark(fd))                                                                   \
	_(ctl, epoll_ctl, epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event))                                        \
	_(ctl, close, close(fresh))                                                                          \
	_(ctl, __close, __close(fresh))                                                                      \
	_(ctl, dup, dup(fd))                                                                                 \
	_(ctl, dup2, dup2(fd, 40))                                                                           \
	_(ctl, __dup2, __dup2(fd, 40))                                                                       \
	_(ctl, dup3, dup3(fd, 40, 0))                                                                        \
	_(ctl, fcntl, fcntl(fd, F_DUPFD, 40))                                                                \
	_(ctl, fcntl64, fcntl64(fd, F_GETFL))                                                                \
	_(ctl, __fcntl, __fcntl(fd, F_GETFL))                                                                \
	_(out, send, send(fd, data, LENGTH, 0))                                                              \
	_(out, __send, __send(fd, data, LENGTH, 0))                                                          \
	_(to, sendto, sendto(datagram, data, LENGTH, 0, (struct sockaddr *)&address, sizeof(address)))       \
	_(to, sendmsg, sendmsg(datagram, &message, 0))                                                       \
	_(to, sendmmsg, sendmmsg(datagram, messages, 2, 0))                                                  \
	_(out, write, write(fd, data, LENGTH))                                                               \
	_(out, __write, __write(fd, data, LENGTH))                                                           \
	_(out, writev, writev(fd, parts, 2))                                                                 \
	_(out, pwritev2, pwritev2(fd, parts, 2, -1, 0))                                                      \
	_(out, pwritev64v2, pwritev64v2(fd, parts, 2, -1, 0))                                                \
	_(out, sendfile, sendfile(fd, file, NULL, LENGTH))                                                   \
	_(out, sendfile64, sendfile64(fd, file, NULL, LENGTH))                                               \
	_(in, recv, recv(fd, received, LENGTH, 0))                                                           \
	_(in, __recv_chk, __recv_chk(fd, received, LENGTH, sizeof(received), 0))                             \
	_(in, recvfrom, recvfrom(fd, received, LENGTH, 0, (struct sockaddr *)&from, &length))                \
	_(in, __recvfrom_chk, __recvfrom_chk(fd, received, LENGTH, sizeof(received), 0, NULL, NULL))         \
	_(in, recvmsg, recvmsg(fd, &reply, 0))                                                               \
	_(in, recvmmsg, recvmmsg(fd, replies, 2, MSG_WAITFORONE, NULL))                                      \
	_(in, read, read(fd, received, LENGTH))                                                              \
	_(in, __read, __read(fd, received, LENGTH))                                                          \
	_(in, __read_chk, __read_chk(fd, received, LENGTH, sizeof(received)))                                \
	_(in, readv, readv(fd, rooms, 2))                                                                    \
	_(in, preadv2, preadv2(fd, rooms, 2, -1, 0))                                                         \
	_(in, preadv64v2, preadv64v2(fd, rooms, 2, -1, 0))                                                   \
	_(in, splice, splice(fd, NULL, pipes[1], NULL, LENGTH, 0))                                           \
	_(ready, poll, poll(&entry, 1, 0))                                                                   \
	_(ready, __poll, __poll(&entry, 1, 0))                                                               \
	_(ready, __poll_chk, __poll_chk(&entry, 1, 0, sizeof(entry)))                                        \
	_(ready, ppoll, ppoll(&entry, 1, &soon, NULL))                                                       \
	_(ready, __ppoll_chk, __ppoll_chk(&entry, 1, &soon, NULL, sizeof(entry)))                            \
	_(ready, select, select(fd + 1, NULL, &set, NULL, NULL))                                             \
	_(ready, __select, __select(fd + 1, NULL, &set, NULL, NULL))                                         \
	_(ready, pselect, pselect(fd + 1, NULL, &set, NULL, &soon, NULL))                                    \
	_(ready, epoll_wait, epoll_wait(epfd, &event, 1, 0))                                                 \
	_(ready, epoll_pwait, epoll_pwait(epfd, &event, 1, 0, NULL))                                         \
	_(ready, epoll_pwait2, epoll_pwait2(epfd, &event, 1, &soon, NULL))                                   \
	_(ctl, syscall_socket, syscall(SYS_socket, AF_INET, SOCK_STREAM, 0))                                 \
	_(ctl, syscall_bind, syscall(SYS_bind, fresh, &address, sizeof(address)))                            \
	_(ctl, syscall_connect, syscall(SYS_connect, fresh, &address, sizeof(address)))                      \
	_(to, syscall_sendto, syscall(SYS_sendto, datagram, data, LENGTH, 0, &address, sizeof(address)))     \
	_(out, syscall_write, syscall(SYS_write, fd, data, LENGTH))                                          \
	_(in, syscall_read, syscall(SYS_read, fd, received, LENGTH))

#define FUNCTION(class, name, call)                                                                          \
	static long make_##name(int fd)                                                                      \
	{                                                                                                    \
		(void)fd;                                                                                    \
		return call;                                                                                 \
	}
FORMS(FUNCTION)

static const struct form {
	const char *class, *name;
	long (*make)(int fd);
} forms[] = {
#define ROW(class, name, call) {#class, #name, make_##name},
	FORMS(ROW)};

static struct sockaddr_in bound(int fd)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(name);

	if (bind(fd, (struct sockaddr *)&name, size) < 0 || getsockname(fd, (struct sockaddr *)&name, &size) < 0)
		exit(90);
	return name;
}

static void handler(int signal)
{
	(void)signal;
}

static const struct form *form;
static const char *verdict;
static int fd, peer;

// A repeating signal, because the first may come before the wait.
static void interrupt_soon(void)
{
	struct itimerval often = {{0, 20000}, {0, 20000}};
	struct sigaction act = {.sa_handler = handler};

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void arm(bool on)
{
	const char *name = strncmp(form->name, "syscall_", 8) == 0 ? form->name + 8 : form->name;
	char text[256];

	snprintf(text, sizeof(text), "%s=%s", name, verdict);
	if (on && strcmp(verdict, "-") != 0)
		setenv("SOCKSHIM_VERDICT", text, 1);
	else
		unsetenv("SOCKSHIM_VERDICT");
}

static void *cancelled(void *unused)
{
	(void)unused;
	form->make(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in server, sink_name, other_name, other_listener_name;
	int sink, other, other_listener, error;
	bool interrupts = argc > 3 && strcmp(argv[3], "interrupt") == 0;
	bool cancels = argc > 3 && strcmp(argv[3], "cancel") == 0;
	long ret;

	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
			printf("%s %s\n", forms[i].class, forms[i].name);
		return 0;
	}
	for (size_t i = 0; argc > 2 && i < sizeof(forms) / sizeof(*forms); i++)
		form = strcmp(forms[i].name, argv[1]) == 0 ? &forms[i] : form;
	if (form == NULL)
		return 2;
	verdict = argv[2];

	// A server with a connected client and one that waits to be accepted; a second server; two datagram
	// sockets to send to.
	listener = socket(AF_INET, SOCK_STREAM, 0);
	server = bound(listener);
	listen(listener, 5);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	connect(fd, (struct sockaddr *)&server, sizeof(server));
	peer = accept(listener, NULL, NULL);
	connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&server, sizeof(server));
	other_listener = socket(AF_INET, SOCK_STREAM, 0);
	other_listener_name = bound(other_listener);
	listen(other_listener, 5);
	sink = socket(AF_INET, SOCK_DGRAM, 0);
	sink_name = bound(sink);
	other = socket(AF_INET, SOCK_DGRAM, 0);
	other_name = bound(other);
	datagram = socket(AF_INET, SOCK_DGRAM, 0);
	fresh = socket(AF_INET, SOCK_STREAM, 0);
	epfd = epoll_create1(0);
	file = open("/dev/zero", O_RDONLY);
	if (pipe(pipes) < 0)
		return 91;

	address = strcmp(form->class, "to") == 0 ? sink_name : server;
	if (strstr(form->name, "bind") != NULL)
		address.sin_port = 0;
	if (strcmp(form->class, "to") == 0) {
		message.msg_name = &address;
		message.msg_namelen = sizeof(address);
	}
	messages[0].msg_hdr = messages[1].msg_hdr = message;
	replies[0].msg_hdr = replies[1].msg_hdr = reply;
	entry = (struct pollfd){.fd = fd, .events = POLLOUT};
	FD_SET(fd, &set);
	if (strcmp(form->class, "in") == 0)
		write(peer, data, LENGTH);
	if (strncmp(form->name, "epoll_", 6) == 0 && strcmp(form->name, "epoll_ctl") != 0)
		epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);

	// "other" in a verdict is replaced by the port of the second server or datagram socket.
	static char text[128];
	if (strstr(verdict, "address:other") != NULL) {
		int port = ntohs(strcmp(form->class, "to") == 0 ? other_name.sin_port : other_listener_name.sin_port);
		if (strstr(form->name, "bind") != NULL)
			port = 0;
		snprintf(text, sizeof(text), "address:%d", port);
		verdict = text;
	}

	shutdown(-1, 100);
	if (cancels) {
		pthread_t thread;
		void *result;

		arm(true);
		pthread_create(&thread, NULL, cancelled, NULL);
		pthread_cancel(thread);
		pthread_join(thread, &result);
		arm(false);
		printf("%s\n", result == PTHREAD_CANCELED ? "cancelled" : "came back");
		shutdown(-1, 101);
		return 0;
	}
	arm(true);
	if (interrupts)
		interrupt_soon();
	errno = 0;
	ret = form->make(fd);
	error = errno;
	arm(false);
	shutdown(-1, 101);
	printf("ret %ld errno %s\n", ret, error == 0 ? "0" : strerrorname_np(error));

	// What the kernel has done: bytes that arrived, connections that were made, options that were set.
	int queued = 0, bytes = 0, connections[2] = {0, 0};
	struct pollfd servers[] = {{listener, POLLIN, 0}, {other_listener, POLLIN, 0}};
	for (int i = 0; i < 2; i++)
		while (poll(&servers[i], 1, 0) > 0 && accept(servers[i].fd, NULL, NULL) >= 0)
			connections[i]++;
	ioctl(peer, FIONREAD, &queued);
	ioctl(fd, FIONREAD, &bytes);
	printf("peer has %d, own has %d, connections %d and %d,", queued, bytes, connections[0], connections[1]);
	ioctl(sink, FIONREAD, &queued);
	ioctl(other, FIONREAD, &bytes);
	printf(" sinks have %d and %d, received \"%s\"\n", queued, bytes, received);
	// A call on the form's socket: its event shows what the library knows of the socket.
	shutdown(-1, 102);
	getpeername(strcmp(form->class, "ctl") == 0 ? fresh : fd, (struct sockaddr *)&from, &length);
	return 0;
}
