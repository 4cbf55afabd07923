// Which sockets can listen: stream sockets that are not connected. AF_UNIX needs a name first; for AF_INET
// the kernel chooses one.
#include "../transcript.h"

int main(void)
{
	int udp = MUST(socket(AF_INET, SOCK_DGRAM, 0)), file = MUST(memfd_create("file", 0)), pair[2];
	CALL(listen(-1, 1));
	CALL(listen(file, 1));
	CALL(listen(udp, 1));

	tcp_pair(pair);
	CALL(listen(pair[0], 1));
	CALL(listen(pair[1], 1));

	struct sockaddr_in address;
	int fd = tcp_listener(&address, 1);
	char byte = 'x';
	CALL(bind(fd, SA(address), sizeof address));
	CALL(connect(fd, SA(address), sizeof address));
	CALL(send(fd, &byte, 1, MSG_NOSIGNAL));
	CALL(recv(fd, &byte, 1, 0));
	CALL(shutdown(fd, SHUT_WR)); // A listener has nothing to shut down there,
	printf("SO_ACCEPTCONN %d\n", int_option(fd, SOL_SOCKET, SO_ACCEPTCONN));
	CALL(shutdown(fd, SHUT_RD)); // but this ends it.
	printf("SO_ACCEPTCONN %d\n", int_option(fd, SOL_SOCKET, SO_ACCEPTCONN));
	CALL(accept(fd, NULL, NULL));
	CALL(listen(fd, 1));
	printf("SO_ACCEPTCONN %d\n", int_option(fd, SOL_SOCKET, SO_ACCEPTCONN));

	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int stream = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), dgram = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
	CALL(listen(stream, 1));
	CALL(listen(dgram, 1));
	CALL(bind(stream, SA(name), sizeof name.sun_family));
	CALL(listen(stream, 1));
	CALL(listen(stream, 5));
	CALL(connect(stream, SA(name), sizeof name.sun_family));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CALL(listen(pair[0], 1));
}
