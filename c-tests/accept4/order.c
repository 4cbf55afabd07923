// accept4() checks the flags and reserves a descriptor before it checks that it was given a socket.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address;
	int listener = tcp_listener(&address, 5), udp = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	int file = MUST(memfd_create("file", 0));
	CALL(accept4(-1, NULL, NULL, 1));
	CALL(accept4(file, NULL, NULL, 1));
	CALL(accept4(file, NULL, NULL, 0));
	CALL(accept4(udp, NULL, NULL, SOCK_STREAM));
	CALL(accept4(listener, NULL, NULL, SOCK_NONBLOCK | 0x10));
	CALL(accept4(listener, NULL, NULL, -1));
	use_up_descriptors();
	CALL(accept4(-1, NULL, NULL, 0));
	CALL(accept4(file, NULL, NULL, 1));
	CALL(accept4(file, NULL, NULL, 0));
	CALL(accept4(udp, NULL, NULL, 0));
	int client = -1;
	free_descriptors();
	client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(connect(client, SA(address), sizeof address));
	use_up_descriptors();
	CALL(accept4(listener, NULL, NULL, 0)); // The connection stays in the queue.
	free_descriptors();
	CALL(accept4(listener, NULL, NULL, 0));
}
