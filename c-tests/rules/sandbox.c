// A program that may make a few calls only, and is killed for any other.
//
//     sandbox        prints what came of its calls

#include "address.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/uio.h>

static const int PERMITTED[] = {SYS_socket, SYS_connect, SYS_bind,  SYS_listen, SYS_accept, SYS_sendto,     SYS_recvfrom, SYS_sendmsg,
				SYS_recvmsg, SYS_write,  SYS_close, SYS_setsockopt, SYS_shutdown, SYS_exit_group,
				SYS_getsockname, SYS_getpeername, SYS_getsockopt};
enum { COUNT_OF_CALLS = sizeof(PERMITTED) / sizeof(*PERMITTED) };

static void enter(void)
{
	struct sock_filter filter[COUNT_OF_CALLS + 3];
	struct sock_fprog program = {.len = COUNT_OF_CALLS + 3, .filter = filter};

	filter[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (int i = 0; i < COUNT_OF_CALLS; i++)
		filter[i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PERMITTED[i], COUNT_OF_CALLS - i, 0);
	filter[COUNT_OF_CALLS + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	filter[COUNT_OF_CALLS + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(99);
}

// Without anything that may allocate or write in the background.
static void say(const char *call, long result)
{
	char line[100];
	const char *answer = result < 0 ? strerrorname_np(errno) : result == 0 ? "0" : "positive";
	char *end = stpcpy(stpcpy(stpcpy(stpcpy(line, call), ": "), answer), "\n");

	if (write(1, line, end - line) < 0)
		_exit(98);
}

int main(void)
{
	struct address to = address_of("127.0.0.1:7001"), un = address_of("nowhere"), any = address_of("127.0.0.1:0");
	char bytes[8] = "x";
	struct iovec part = {bytes, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	int pair[2], tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0), on = 1, fd;

	alarm(20);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		MUST_RAW(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
	// Names and errors that rules have had to do with before.
	int named = socket(AF_INET, SOCK_DGRAM, 0), late = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct address port = address_of("127.0.0.1:80"), far = address_of("10.1.2.3:5432"), closed = address_of("127.0.0.1:82");
	bind(named, &port.any, port.length);
	connect(named, &far.any, far.length);
	connect(late, &closed.any, closed.length);
	int error;
	socklen_t length = sizeof(error);
	// Known before, and not.
	send(pair[0], bytes, 1, 0);
	recv(pair[1], bytes, 1, 0);
	enter();
	told_name(named, 0);
	told_name(named, 1);
	say("getsockopt", getsockopt(late, SOL_SOCKET, SO_ERROR, &error, &length));
	say("connect", connect(tcp, &to.any, to.length));
	say("connect datagrams", connect(udp, &to.any, to.length));
	say("bind", bind(tcp, &any.any, any.length));
	say("listen", listen(tcp, 1));
	say("send", send(pair[0], bytes, 1, 0));
	say("sendmsg", sendmsg(pair[0], &message, 0));
	say("sendto", sendto(udp, bytes, 1, 0, &to.any, to.length));
	say("recv", recv(pair[1], bytes, 1, 0));
	say("recvmsg", recvmsg(pair[1], &message, 0));
	say("setsockopt", setsockopt(tcp, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)));
	say("shutdown", shutdown(pair[0], SHUT_WR));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	say("socket", fd);
	say("connect to a path", connect(fd, &un.any, un.length));
	say("close", close(fd));
	_exit(0);
}
