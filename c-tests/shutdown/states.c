// shutdown() in each state. On a socket that is not connected it fails, but takes effect all the same.
#include "../transcript.h"

int main(void)
{
	int tcp = MUST(socket(AF_INET, SOCK_STREAM, 0)), udp = MUST(socket(AF_INET, SOCK_DGRAM, 0)), pair[2];
	int netlink = MUST(socket(AF_NETLINK, SOCK_RAW, 0)), file = MUST(memfd_create("file", 0));
	char buffer[8];
	CALL(shutdown(-1, 99));
	CALL(shutdown(file, 99));
	CALL(shutdown(tcp, 99));
	CALL(shutdown(tcp, -1));
	CALL(shutdown(netlink, 99));
	say_poll("fresh TCP", tcp);
	CALL(shutdown(tcp, SHUT_RD));
	say_poll("after SHUT_RD", tcp);
	CALL(recv(tcp, buffer, 1, 0));
	CALL(shutdown(udp, SHUT_RD));
	say_poll("UDP after SHUT_RD", udp);
	CALL(recv(udp, buffer, 1, 0));
	CALL(shutdown(udp, SHUT_RDWR));
	say_poll("UDP after SHUT_RDWR", udp);

	tcp_pair(pair);
	CALL(write(pair[0], "hello", 5));
	CALL(shutdown(pair[0], SHUT_WR));
	CALL(shutdown(pair[0], SHUT_WR));
	CALL(send(pair[0], "x", 1, MSG_NOSIGNAL));
	CALL(recv(pair[1], buffer, 5, MSG_WAITALL));
	CALL(recv(pair[1], buffer, 1, 0));
	wait_for(pair[1], POLLRDHUP);
	say_poll("the peer", pair[1]);
	CALL(send(pair[1], "still open", 5, 0));
	CALL(recv(pair[0], buffer, 5, MSG_WAITALL));
	CALL(shutdown(pair[1], SHUT_RD));
	CALL(shutdown(pair[1], SHUT_WR));
	wait_for(pair[0], POLLHUP);
	say_poll("closed in both directions", pair[0]);
	CALL(shutdown(pair[0], SHUT_RDWR));
	CALL(recv(pair[0], buffer, 1, 0));
}
