// A connection that its peer has reset while it was queued is still accepted, with its address. Only later
// calls report the reset.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address;
	struct sockaddr_storage peer;
	socklen_t length = sizeof peer;
	int listener = tcp_listener(&address, 5), client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(connect(client, SA(address), sizeof address));
	struct linger linger = {.l_onoff = 1, .l_linger = 0};
	MUST(setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
	MUST(close(client));
	int accepted = CALL(accept(listener, SA(peer), &length));
	say_address("peer", &peer, length);
	wait_for(accepted, POLLIN);
	say_poll("accepted", accepted);
	say_name("getpeername", getpeername, accepted);
	char byte;
	CALL(recv(accepted, &byte, 1, 0));
	CALL(recv(accepted, &byte, 1, 0));
	CALL(send(accepted, "x", 1, MSG_NOSIGNAL));
}
