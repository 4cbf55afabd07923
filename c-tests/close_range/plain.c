// close_range() closes the open descriptors in the range; closed ones are no error.
#include "../transcript.h"

int main(void)
{
	int sockets[5], pair[2];
	char byte;
	for (size_t i = 0; i < COUNT(sockets); i++)
		sockets[i] = MUST(socket(AF_INET, SOCK_STREAM, 0));
	tcp_pair(pair);
	CALL(close_range(sockets[1], sockets[3], 0));
	for (size_t i = 0; i < COUNT(sockets); i++)
		CALL(listen(sockets[i], 1));
	CALL(close_range(sockets[1], sockets[3], 0));
	CALL(close_range(5, 4, 0));
	CALL(close_range(3, 4, 8));
	CALL(socket(AF_UNIX, SOCK_DGRAM, 0)); // The lowest number again.
	CALL(close_range(pair[1], pair[1], 0));
	CALL(read(pair[0], &byte, 1));
	CALL(close_range(3, ~0u, 0));
	CALL(listen(sockets[0], 1));
	CALL(read(pair[0], &byte, 1));
	CALL(socket(AF_INET, SOCK_STREAM, 0));
}
