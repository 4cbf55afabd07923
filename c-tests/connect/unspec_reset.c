// connect() to AF_UNSPEC returns a socket to its initial state, whatever its state.
#include "../transcript.h"

int main(void)
{
	struct sockaddr unspecified = {.sa_family = AF_UNSPEC};
	struct sockaddr_in address, udp_address;
	char byte;
	int listener = tcp_listener(&address, 5), client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	CALL(connect(client, &unspecified, sizeof unspecified));
	MUST(connect(client, SA(address), sizeof address));
	int accepted = MUST(accept(listener, NULL, NULL));
	CALL(connect(client, &unspecified, 1));
	CALL(connect(client, &unspecified, 2));
	say_name("getpeername", getpeername, client);
	say_name("getsockname", getsockname, client);
	wait_for(accepted, POLLIN);
	CALL(recv(accepted, &byte, 1, 0)); // The peer was reset.
	CALL(connect(client, SA(address), sizeof address));
	CALL(connect(listener, &unspecified, sizeof unspecified));
	CALL(accept(listener, NULL, NULL));
	printf("SO_ACCEPTCONN %d\n", int_option(listener, SOL_SOCKET, SO_ACCEPTCONN));

	int pair[2];
	tcp_pair(pair);
	MUST(close(pair[1]));
	wait_for(pair[0], POLLIN);
	MUST(shutdown(pair[0], SHUT_WR));
	CALL(recv(pair[0], &byte, 1, 0));
	CALL(connect(pair[0], &unspecified, sizeof unspecified));
	CALL(listen(pair[0], 1));

	int receiver = udp_bound(&udp_address), udp = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	CALL(connect(udp, SA(udp_address), sizeof udp_address));
	CALL(send(udp, "x", 1, 0));
	CALL(connect(udp, &unspecified, sizeof unspecified));
	CALL(send(udp, "x", 1, 0));
	CALL(recv(receiver, &byte, 1, 0));

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CALL(connect(pair[0], &unspecified, sizeof unspecified)); // AF_UNIX streams cannot go back,
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	CALL(connect(pair[0], &unspecified, sizeof unspecified)); // but datagram sockets can.
	CALL(send(pair[0], "x", 1, 0));
}
