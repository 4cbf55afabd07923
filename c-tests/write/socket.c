// write() and its relatives on sockets. A write of 0 bytes reaches the socket: a datagram without bytes is
// sent.
#include "../transcript.h"

static volatile int minus_one = -1; // Volatile, so that the compiler does not warn of it.

int main(void)
{
	struct sockaddr_in address;
	int fresh = MUST(socket(AF_INET, SOCK_STREAM, 0)), receiver = udp_bound(&address);
	int udp = MUST(socket(AF_INET, SOCK_DGRAM, 0)), pair[2];
	char buffer[16] = "";
	struct iovec parts[] = {{"hello", 5}, {" world", 6}}, many[1025] = {0};
	signal(SIGPIPE, SIG_IGN);
	CALL(write(fresh, "", 0));
	CALL(write(udp, "", 0));
	MUST(connect(udp, SA(address), sizeof address));
	CALL(write(udp, "", 0));
	CALL(recv(receiver, buffer, sizeof buffer, 0));
	CALL(writev(udp, parts, 2)); // One datagram.
	CALL(recv(receiver, buffer, sizeof buffer, 0));
	printf("%.11s\n", buffer);
	CALL(writev(udp, parts, minus_one));
	CALL(writev(udp, many, COUNT(many)));
	CALL(writev(udp, NOWHERE, 1));
	CALL(write(udp, NOWHERE, 1));
	CALL(pwrite(udp, "x", 1, 0));
	CALL(pwritev(udp, parts, 1, 0));
	CALL(pwritev2(udp, parts, 1, -1, 0));
	CALL(recv(receiver, buffer, sizeof buffer, 0));

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	CALL(write(pair[0], "one", 3));
	CALL(write(pair[0], "two", 3));
	CALL(read(pair[1], buffer, sizeof buffer)); // The message boundaries are kept.
	CALL(read(pair[1], buffer, sizeof buffer));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CALL(write(pair[0], "one", 3));
	CALL(write(pair[0], "two", 3));
	CALL(read(pair[1], buffer, sizeof buffer));
}
