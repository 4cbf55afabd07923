// While the handshake is in progress, further calls report that. A listener whose queue is full does not
// answer, so the handshake takes long.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address;
	struct sockaddr_storage peer;
	socklen_t length = sizeof peer;
	char byte;
	int listener = tcp_listener(&address, 0), first = MUST(socket(AF_INET, SOCK_STREAM, 0));
	int fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	MUST(connect(first, SA(address), sizeof address));
	wait_for(listener, POLLIN);

	CALL(connect(fd, SA(address), sizeof address));
	CALL(connect(fd, SA(address), sizeof address));
	say_poll("in progress", fd);
	printf("SO_ERROR %d\n", int_option(fd, SOL_SOCKET, SO_ERROR));
	CALL(getpeername(fd, SA(peer), &length));
	CALL(send(fd, "x", 1, 0));
	CALL(recv(fd, &byte, 1, 0));
	CALL(listen(fd, 1));
	MUST(fcntl(fd, F_SETFL, 0));
	set_timeout(fd, SO_SNDTIMEO, 30);
	CALL(connect(fd, SA(address), sizeof address)); // Blocks until SO_SNDTIMEO expires.
	CALL(shutdown(fd, SHUT_WR));                    // Gives up.
	CALL(connect(first, SA(address), sizeof address));
}
