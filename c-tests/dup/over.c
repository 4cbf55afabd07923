// dup2() over an open descriptor closes the old one: a listener is replaced by a datagram socket, a socket
// by a file, and a file by a socket.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address;
	int listener = tcp_listener(&address, 5), udp = MUST(socket(AF_INET, SOCK_DGRAM, 0)),
	    file = MUST(memfd_create("file", 0));
	int client = MUST(socket(AF_INET, SOCK_STREAM, 0)), pair[2];
	char byte;
	MUST(connect(client, SA(address), sizeof address));
	CALL(dup2(udp, listener));
	printf("SO_TYPE %d\n", int_option(listener, SOL_SOCKET, SO_TYPE));
	CALL(listen(listener, 1));
	wait_for(client, POLLIN);
	CALL(recv(client, &byte, 1, 0)); // The listener is gone, and its queue with it.
	CALL(dup3(file, udp, O_CLOEXEC));
	CALL(bind(udp, SA(address), sizeof address));
	tcp_pair(pair);
	CALL(dup2(pair[0], file));
	CALL(close(pair[0]));
	CALL(send(file, "x", 1, 0));
	CALL(recv(pair[1], &byte, 1, 0));
	CALL(dup2(listener, pair[1]));
	CALL(recv(file, &byte, 1, 0));
}
