// accept() refuses a socket that is not a listener, and checks the address last.
#include "../transcript.h"

int main(void)
{
	int tcp = MUST(socket(AF_INET, SOCK_STREAM, 0)), udp = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	int file = MUST(memfd_create("file", 0)), pipe_ends[2];
	int unix_stream = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), path = MUST(open(".", O_PATH));
	MUST(pipe(pipe_ends));
	CALL(accept(-1, NULL, NULL));
	CALL(accept(900, NULL, NULL));
	CALL(accept(path, NULL, NULL));
	CALL(accept(file, NULL, NULL));
	CALL(accept(pipe_ends[0], NULL, NULL));
	CALL(accept(tcp, NULL, NULL));
	CALL(accept(udp, NULL, NULL));
	CALL(accept(unix_stream, NULL, NULL));
	CALL(accept(tcp, NOWHERE, NOWHERE));

	struct sockaddr_in address, peer;
	int listener = tcp_listener(&address, 5);
	socklen_t lengths[] = {0, 1, 4, 16, 100};
	for (size_t i = 0; i < COUNT(lengths); i++) {
		int client = MUST(socket(AF_INET, SOCK_STREAM, 0));
		MUST(connect(client, SA(address), sizeof address));
		memset(&peer, 0xff, sizeof peer);
		MUST(close(CALL(accept(listener, SA(peer), &lengths[i]))));
		printf("length %d, family %#x, zero bytes %d\n", (int)lengths[i], peer.sin_family,
		       peer.sin_zero[7]);
		MUST(close(client));
	}
	int client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(connect(client, SA(address), sizeof address));
	CALL(accept(listener, NULL, NOWHERE)); // Without an address the length is not checked.
}
