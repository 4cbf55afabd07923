// Only AF_UNIX makes pairs. The array is written in any case, with the two numbers that were reserved for
// the pair.
#include "../transcript.h"

static void probe(int family, int type, int protocol)
{
	int pair[2] = {-7, -7};
	const char *label = text("socketpair(%d, %d, %d)", family, type, protocol);
	long result = CALL_AS(label, socketpair(family, type, protocol, pair));
	printf("  array: %d, %d\n", pair[0], pair[1]);
	if (result < 0)
		return;
	char buffer[8] = "";
	CALL(write(pair[0], "ping", 4));
	CALL(read(pair[1], buffer, sizeof buffer));
	say_name("getsockname", getsockname, pair[0]);
	say_name("getpeername", getpeername, pair[0]);
	printf("SO_TYPE %d\n", int_option(pair[0], SOL_SOCKET, SO_TYPE));
	say_flags("the first", pair[0]);
	say_flags("the second", pair[1]);
	MUST(close(pair[0]));
	MUST(close(pair[1]));
}

int main(void)
{
	probe(AF_UNIX, SOCK_STREAM, 0);
	probe(AF_UNIX, SOCK_DGRAM, 0);
	probe(AF_UNIX, SOCK_RAW, 0);
	probe(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 1);
	probe(AF_INET, SOCK_STREAM, 0);
	probe(AF_INET, SOCK_DGRAM, 0);
	probe(AF_INET6, SOCK_STREAM, 0);
	probe(AF_NETLINK, SOCK_RAW, 0);
	probe(AF_PACKET, SOCK_RAW, 0);
	probe(AF_VSOCK, SOCK_STREAM, 0);
	probe(AF_UNIX, SOCK_RDM, 0);
	probe(AF_UNIX, SOCK_STREAM, 2);
	probe(AF_UNSPEC, SOCK_STREAM, 0);
	probe(99, SOCK_STREAM, 0);
	probe(AF_UNIX, SOCK_STREAM | 0x10, 0);
}
