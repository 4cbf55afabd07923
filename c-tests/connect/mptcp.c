// Multipath TCP is another entry in the list of stream protocols, with the same calls and fewer options.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address = inet4("127.0.0.1", 0);
	socklen_t length = sizeof address;
	int listener = NEEDS(socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP)), on = 1;
	CALL(bind(listener, SA(address), sizeof address));
	CALL(listen(listener, 5));
	MUST(getsockname(listener, SA(address), &length));
	static const int protocols[] = {IPPROTO_MPTCP, IPPROTO_TCP};
	for (size_t i = 0; i < COUNT(protocols); i++) {
		char buffer[8] = "";
		int client = MUST(socket(AF_INET, SOCK_STREAM, protocols[i]));
		CALL(connect(client, SA(address), sizeof address));
		int accepted = CALL(accept(listener, NULL, NULL));
		printf("asked for %d: client %d, accepted %d\n", protocols[i],
		       int_option(client, SOL_SOCKET, SO_PROTOCOL),
		       // When the client uses plain TCP, the accepted socket is plain TCP too.
		       int_option(accepted, SOL_SOCKET, SO_PROTOCOL));
		CALL(send(client, "hello", 5, 0));
		CALL(recv(accepted, buffer, sizeof buffer, 0));
		CALL(close(client));
		CALL(recv(accepted, buffer, sizeof buffer, 0));
		MUST(close(accepted));
	}
	CALL(setsockopt(listener, SOL_SOCKET, 999, &on, sizeof on));
	CALL(setsockopt(listener, SOL_SOCKET, SO_TYPE, &on, sizeof on));
	CALL(setsockopt(listener, SOL_SOCKET, SO_PEEK_OFF, &on, sizeof on));
	CALL(connect(listener, SA(address), sizeof address));
	CALL(close(listener));
}
