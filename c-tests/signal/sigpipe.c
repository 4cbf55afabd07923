// Writing to a connection that is gone raises SIGPIPE, in every call that writes, unless MSG_NOSIGNAL is
// set.
#include "../transcript.h"

static int raised;

static void handler(int number)
{
	(void)number;
	raised++;
}

static void say_raised(void)
{
	printf("  SIGPIPE came %d times\n", raised);
	raised = 0;
}

int main(void)
{
	int pair[2], fresh = MUST(socket(AF_INET, SOCK_STREAM, 0)), datagrams[2];
	struct iovec one = {"x", 1};
	struct msghdr header = {.msg_iov = &one, .msg_iovlen = 1};
	struct mmsghdr message = {.msg_hdr = header};
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	MUST(close(pair[1]));
	pid_t child = MUST(fork());
	if (child == 0) {
		CALL(send(pair[0], "x", 1, MSG_NOSIGNAL));
		MUST(send(pair[0], "x", 1, 0));
		return 0;
	}
	say_child("child", child);

	signal(SIGPIPE, handler);
	CALL(send(pair[0], "x", 1, 0));
	say_raised();
	CALL(send(pair[0], "x", 1, MSG_NOSIGNAL));
	say_raised();
	CALL(sendto(pair[0], "x", 1, 0, NULL, 0));
	CALL(sendmsg(pair[0], &header, 0));
	CALL(sendmmsg(pair[0], &message, 1, 0));
	CALL(write(pair[0], "x", 1));
	CALL(writev(pair[0], &one, 1));
	say_raised();
	CALL(send(fresh, "x", 1, 0)); // Never connected counts as gone.
	say_raised();
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams));
	MUST(shutdown(datagrams[0], SHUT_WR));
	CALL(send(datagrams[0], "x", 1, 0));
	say_raised();
}
