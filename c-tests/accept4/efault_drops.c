// When the address cannot be written, the connection that was just accepted is closed.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address;
	socklen_t length = sizeof address, negative = -1;
	int listener = tcp_listener(&address, 5), client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(fcntl(listener, F_SETFL, O_NONBLOCK));
	MUST(connect(client, SA(address), sizeof address));
	wait_for(listener, POLLIN);
	CALL(accept4(listener, NOWHERE, &length, 0));
	printf("length %d\n", (int)length);
	CALL(accept4(listener, NOWHERE, &length, 0));
	char byte;
	wait_for(client, POLLIN);
	CALL(read(client, &byte, 1));

	struct sockaddr_in peer;
	int second = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(connect(second, SA(address), sizeof address));
	wait_for(listener, POLLIN);
	CALL(accept4(listener, SA(peer), &negative, 0));
	printf("length %d\n", (int)negative);
	CALL(accept4(listener, SA(peer), &length, 0));
	CALL(socket(AF_INET, SOCK_STREAM, 0)); // No descriptor leaked.
}
