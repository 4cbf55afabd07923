// Which sockets have a peer, and in which states.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address;
	socklen_t length = sizeof address;
	int pair[2], fresh = MUST(socket(AF_INET, SOCK_STREAM, 0)), listener = tcp_listener(&address, 1);
	int netlink = MUST(socket(AF_NETLINK, SOCK_RAW, 0)), file = MUST(memfd_create("file", 0));
	char byte;
	CALL(getpeername(file, NOWHERE, NOWHERE));
	CALL(getpeername(fresh, NOWHERE, NOWHERE)); // ENOTCONN is reported before EFAULT.
	say_name("listener", getpeername, listener);
	say_name("netlink", getpeername, netlink);
	tcp_pair(pair);
	say_name("client", getpeername, pair[0]);
	say_name("accepted", getpeername, pair[1]);
	CALL(getpeername(pair[0], NOWHERE, &length));
	CALL(getpeername(pair[0], SA(address), NOWHERE));
	MUST(shutdown(pair[0], SHUT_WR));
	say_name("half closed", getpeername, pair[0]);
	CALL(recv(pair[1], &byte, 1, 0));
	MUST(close(pair[1]));
	CALL(recv(pair[0], &byte, 1, 0));

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	MUST(close(pair[1]));
	say_name("AF_UNIX after the peer has closed", getpeername, pair[0]);
	say_name("AF_UNIX fresh", getpeername, MUST(socket(AF_UNIX, SOCK_STREAM, 0)));
}
