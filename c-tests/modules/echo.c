// Sockets of a module's family come back with what was sent, whichever way that is, and wherever the descriptor goes.
// Run without arguments; with one, it is the program that such a socket is handed to by exec.
#include "../transcript.h"
#include <poll.h>
#include <sys/prctl.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>

#define AF_ECHO 62

// What a call has answered. On a line of its own, because a compiler may read errno before it makes a call of the same line.
static void say(const char *label, long ret)
{
	int failed = errno;
	printf("%s = %ld%s%s\n", label, ret, ret < 0 ? " " : "", ret < 0 ? errno_name(failed) : "");
}

static void say_echo(const char *label, int fd)
{
	char bytes[64] = {0};
	say(label, recv(fd, bytes, sizeof bytes - 1, MSG_DONTWAIT));
	printf("    '%s'\n", bytes);
}

static void say_kind(const char *label, int fd)
{
	int domain = 0, type = 0, protocol = -1;
	socklen_t len = sizeof(int);
	MUST(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len));
	MUST(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len));
	MUST(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len));
	printf("%s: family %d, type %d, protocol %d\n", label, domain, type, protocol);
}

static void send_every_way(int fd)
{
	struct iovec parts[] = {{"ab", 2}, {"cd", 2}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	struct mmsghdr messages[] = {{.msg_hdr = message}, {.msg_hdr = message}};
	char file[] = "/tmp/sockshim-echo-XXXXXX";
	int in = MUST(mkstemp(file)), pipes[2];

	say("send", send(fd, "send", 4, 0)), say_echo("send", fd);
	say("write", write(fd, "write", 5)), say_echo("write", fd);
	say("writev", writev(fd, parts, 2)), say_echo("writev", fd);
	say("sendto", sendto(fd, "sendto", 6, 0, (struct sockaddr *)&(struct sockaddr){AF_ECHO, ""}, 2)), say_echo("sendto", fd);
	say("sendmsg", sendmsg(fd, &message, 0)), say_echo("sendmsg", fd);
	say("sendmmsg", sendmmsg(fd, messages, 2, 0)), say_echo("sendmmsg", fd), say_echo("sendmmsg", fd);
	MUST(write(in, "file", 4)), MUST(lseek(in, 0, SEEK_SET));
	say("sendfile", sendfile(fd, in, NULL, 4)), say_echo("sendfile", fd);
	MUST(pipe(pipes)), MUST(write(pipes[1], "pipe", 4));
	say("splice", splice(pipes[0], NULL, fd, NULL, 4, 0)), say_echo("splice", fd);
	say("syscall", syscall(SYS_write, fd, "number", 6)), say_echo("syscall", fd);
	say("no memory", send(fd, (void *)8, 4, 0));
	unlink(file), close(in), close(pipes[0]), close(pipes[1]);
}

static void receive_every_way(int fd)
{
	char one[4] = "", two[16] = "";
	struct iovec parts[] = {{one, 2}, {two, sizeof two - 1}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	struct mmsghdr many[3] = {{.msg_hdr = message}, {.msg_hdr = message}, {.msg_hdr = message}};

	MUST(send(fd, "read", 4, 0)), say("read", read(fd, two, 15)), printf("    '%s'\n", two);
	MUST(send(fd, "readv", 5, 0)), say("readv", readv(fd, parts, 2)), printf("    '%s' '%s'\n", one, two);
	MUST(send(fd, "message", 7, 0)), say("recvmsg", recvmsg(fd, &message, 0)), printf("    '%s' '%s', flags %x\n", one, two, message.msg_flags);
	MUST(send(fd, "1", 1, 0)), MUST(send(fd, "2", 1, 0));
	say("recvmmsg", recvmmsg(fd, many, 3, MSG_WAITFORONE, NULL));
	MUST(send(fd, "long", 4, 0));
	parts[0].iov_len = 1, message.msg_iovlen = 1;
	say("short", recvmsg(fd, &message, 0)), printf("    flags %x\n", message.msg_flags);
	MUST(send(fd, "peek", 4, 0));
	say("peek", recv(fd, two, 15, MSG_PEEK)), say("read of nothing", read(fd, two, 0)), say_echo("then", fd);
	struct pollfd wanted = {fd, POLLIN, 0};
	say("poll", poll(&wanted, 1, 0)), MUST(send(fd, "x", 1, 0)), say("poll", poll(&wanted, 1, 0)), say_echo("poll", fd);
}

static void hand_over(int fd)
{
	int pair[2];
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	rights->cmsg_level = SOL_SOCKET, rights->cmsg_type = SCM_RIGHTS, rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &fd, sizeof fd);
	MUST(sendmsg(pair[0], &message, 0)), MUST(recvmsg(pair[1], &message, 0));
	int received;
	memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
	say_kind("received", received);
	MUST(send(received, "rights", 6, 0)), say_echo("by the first descriptor", fd);
	MUST(close(received)), close(pair[0]), close(pair[1]);
}

// A new program has the socket from another process, without a message.
static void take(pid_t from, int number)
{
	int pidfd = MUST(syscall(SYS_pidfd_open, from, 0));
	int fd = MUST(syscall(SYS_pidfd_getfd, pidfd, number, 0));
	say_kind("taken", fd);
	send(fd, "taken", 5, 0), say_echo("taken", fd);
}

int main(int argc, char **argv)
{
	if (argc > 2) {
		take(atoi(argv[1]), atoi(argv[2]));
		return 0;
	}
	if (argc > 1) {
		int fd = atoi(argv[1]);
		say_kind("after exec", fd);
		say_echo("sent before exec", fd);
		send(fd, "exec", 4, 0), say_echo("after exec", fd);
		return 0;
	}
	say("stream", socket(AF_ECHO, SOCK_STREAM, 0));
	say("protocol 1", socket(AF_ECHO, SOCK_DGRAM, 1));
	say("bad flags", socket(AF_ECHO, SOCK_DGRAM | 0x100, 0));
	say("another family", socket(43, SOCK_DGRAM, 0));
	int fd = MUST(socket(AF_ECHO, SOCK_DGRAM, 0));
	say_kind("made", fd);
	send_every_way(fd);
	receive_every_way(fd);
	say("listen", listen(fd, 1));
	say("accept", accept(fd, NULL, NULL));
	say("shutdown", shutdown(fd, 0));
	say("bind", bind(fd, (struct sockaddr *)&(struct sockaddr){AF_ECHO, ""}, 2));
	say("getsockname", getsockname(fd, &(struct sockaddr){0, ""}, &(socklen_t){16}));
	say("an option of its own", setsockopt(fd, 300, 1, &fd, 4));
	say("SO_RCVBUF", setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){100000}, 4));
	socklen_t instructions = 0;
	say("SO_GET_FILTER", getsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, NULL, &instructions));
	printf("    %u instructions\n", instructions);
	int other = MUST(dup(fd));
	MUST(close(fd));
	say_kind("dup", other);
	MUST(dup2(other, 100)), MUST(send(100, "dup2", 4, 0)), say_echo("dup2", other), MUST(close(100));
	MUST(fcntl(other, F_DUPFD, 200)), MUST(send(200, "fcntl", 5, 0)), say_echo("fcntl", other), MUST(close(200));
	pid_t child = MUST(fork());
	if (child == 0) {
		send(other, "child", 5, 0);
		_exit(0);
	}
	MUST(waitpid(child, NULL, 0)), say_echo("a child", other);
	// Yama lets only a parent look into a process, unless that says otherwise.
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	child = MUST(fork());
	if (child == 0) {
		int number = other;
		const char *from = text("%d", (int)getppid()), *which = text("%d", number);
		MUST(fcntl(other, F_SETFD, FD_CLOEXEC));
		execl(argv[0], argv[0], from, which, NULL);
		_exit(1);
	}
	MUST(waitpid(child, NULL, 0));
	hand_over(other);
	for (int i = 0; i < 300; i++)
		MUST(close(MUST(socket(AF_ECHO, SOCK_DGRAM, 0))));
	MUST(send(other, "before", 6, 0));
	fflush(stdout);
	execl(argv[0], argv[0], text("%d", other), NULL);
	return 1;
}
