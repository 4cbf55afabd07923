// accept() on AF_UNIX: the address of an unnamed client has two bytes, that of a named one contains its
// name.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_un name = unix_file("accept.sock"), own = unix_file("client.sock");
	struct sockaddr_storage peer;
	int listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(listener, SA(name), sizeof name));
	MUST(listen(listener, 5));
	for (int named = 0; named <= 1; named++) {
		int client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
		if (named)
			MUST(bind(client, SA(own), sizeof own));
		CALL(connect(client, SA(name), sizeof name));
		socklen_t length = sizeof peer;
		int accepted = CALL(accept(listener, SA(peer), &length));
		say_address("peer", &peer, length);
		say_name("own name", getsockname, accepted);
		struct ucred credentials;
		length = sizeof credentials;
		CALL(getsockopt(accepted, SOL_SOCKET, SO_PEERCRED, &credentials, &length));
		printf("the peer is this process: %d\n", credentials.pid == getpid());
		MUST(close(client));
		char byte;
		CALL(read(accepted, &byte, 1));
		MUST(close(accepted));
	}
	MUST(unlink("accept.sock"));
	MUST(unlink("client.sock"));
}
