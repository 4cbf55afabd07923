// sendto() on a connection: TCP ignores the address, AF_UNIX refuses it, SEQPACKET ignores it.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_un name = unix_file("somewhere.sock");
	int pair[2], fresh = MUST(socket(AF_UNIX, SOCK_STREAM, 0)),
		     packets = MUST(socket(AF_UNIX, SOCK_SEQPACKET, 0));
	char buffer[8];
	tcp_pair(pair);
	CALL(sendto(pair[0], "x", 1, 0, SA(name), 50));
	CALL(sendto(pair[0], "x", 1, 0, NOWHERE, 16));
	CALL(sendto(pair[0], "x", 1, 0, SA(name), 129));
	CALL(recv(pair[1], buffer, sizeof buffer, 0));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CALL(sendto(pair[0], "x", 1, 0, SA(name), sizeof name));
	CALL(sendto(fresh, "x", 1, 0, SA(name), sizeof name));
	CALL(sendto(fresh, "x", 1, 0, NULL, 0));
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	CALL(sendto(pair[0], "x", 1, 0, SA(name), sizeof name));
	CALL(sendto(packets, "x", 1, 0, SA(name), sizeof name));
	CALL(recv(packets, buffer, 1, 0));
	CALL(recv(fresh, buffer, 1, 0));
}
