// accept() makes a connected socket of the listener's kind. It does not inherit the listener's file flags.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address, peer, client_name;
	socklen_t length = sizeof peer, client_length = sizeof client_name;
	int listener = tcp_listener(&address, 5), client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	int option = 1;
	MUST(setsockopt(listener, SOL_SOCKET, SO_KEEPALIVE, &option, sizeof option));
	MUST(fcntl(listener, F_SETFL, O_NONBLOCK));
	MUST(fcntl(listener, F_SETFD, FD_CLOEXEC));
	say_poll("idle listener", listener);
	CALL(accept(listener, NULL, NULL));
	CALL(connect(client, SA(address), sizeof address));
	wait_for(listener, POLLIN);
	say_poll("listener", listener);
	int accepted = CALL(accept(listener, SA(peer), &length));
	say_address("peer", (struct sockaddr_storage *)&peer, length);
	MUST(getsockname(client, SA(client_name), &client_length));
	printf("the address is the client's: %d\n", peer.sin_port == client_name.sin_port);
	say_flags("listener", listener);
	say_flags("accepted", accepted);
	printf("SO_KEEPALIVE %d, SO_ACCEPTCONN %d, SO_TYPE %d, SO_PROTOCOL %d\n",
	       int_option(accepted, SOL_SOCKET, SO_KEEPALIVE),
	       int_option(accepted, SOL_SOCKET, SO_ACCEPTCONN), int_option(accepted, SOL_SOCKET, SO_TYPE),
	       int_option(accepted, SOL_SOCKET, SO_PROTOCOL));
	say_poll("accepted", accepted);
	char buffer[8] = "";
	CALL(write(client, "hello", 5));
	CALL(read(accepted, buffer, sizeof buffer));
	printf("read: %s\n", buffer);
	CALL(accept(listener, NULL, NULL));
}
