// A blocking connect(): refused, then accepted, then refused because the socket is connected. A socket
// whose connect was refused can be used again.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address, taken;
	int listener = tcp_listener(&address, 5), client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	socklen_t length = sizeof taken;
	// Bound but not listening, so that nobody else can listen on the port.
	int bound = MUST(socket(AF_INET, SOCK_STREAM, 0));
	taken = inet4("127.0.0.1", 0);
	MUST(bind(bound, SA(taken), sizeof taken));
	MUST(getsockname(bound, SA(taken), &length));

	say_poll("fresh", client);
	CALL(connect(client, SA(taken), sizeof taken));
	printf("SO_ERROR %d\n", int_option(client, SOL_SOCKET, SO_ERROR));
	say_poll("refused", client);
	CALL(connect(client, SA(address), sizeof address));
	say_poll("connected", client);
	say_name("getsockname", getsockname, client);
	say_name("getpeername", getpeername, client);
	CALL(connect(client, SA(address), sizeof address));
	CALL(connect(client, SA(taken), sizeof taken));
	CALL(bind(client, SA(taken), sizeof taken));
	CALL(accept(listener, NULL, NULL));
	CALL(connect(bound, SA(address), sizeof address)); // Bound first, connected after.
}
