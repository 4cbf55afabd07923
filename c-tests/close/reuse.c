// close() frees a number at once, and the next socket gets the lowest free one, even if it is of another
// kind. What was known of the number is then wrong.
#include "../transcript.h"

int main(void)
{
	int first = CALL(socket(AF_INET, SOCK_STREAM, 0)), second = CALL(socket(AF_INET, SOCK_DGRAM, 0));
	CALL(close(first));
	CALL(close(first));
	CALL(bind(first, NOWHERE, 16));
	CALL(socket(AF_UNIX, SOCK_DGRAM, 0));
	printf("SO_DOMAIN %d, SO_TYPE %d\n", int_option(first, SOL_SOCKET, SO_DOMAIN),
	       int_option(first, SOL_SOCKET, SO_TYPE));
	CALL(listen(first, 1));
	CALL(close(first));
	CALL(memfd_create("file", 0));
	CALL(listen(first, 1));
	CALL(setsockopt(first, SOL_SOCKET, SO_REUSEADDR, NOWHERE, 4));
	CALL(close(first));
	CALL(close(second));
	CALL(close(-1));
	CALL(close(INT32_MAX));

	int pair[2];
	char byte;
	tcp_pair(pair);
	int copy = CALL(dup(pair[0]));
	CALL(close(pair[0]));
	CALL(send(pair[1], "x", 1, 0)); // The connection lives as long as one copy is open.
	CALL(recv(copy, &byte, 1, 0));
	CALL(close(copy));
	CALL(recv(pair[1], &byte, 1, 0));
}
