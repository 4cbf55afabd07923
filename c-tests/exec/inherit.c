// A program inherits sockets that it did not make: a listener, a connection, a datagram socket. Those with
// FD_CLOEXEC are closed.
#include "../transcript.h"

enum { LISTENER = 50, CONNECTED, PEER, DATAGRAM, CLOSED };

static void after_exec(void)
{
	char buffer[8] = "";
	struct sockaddr_in address;
	socklen_t length = sizeof address;
	CALL(listen(CLOSED, 1));
	printf("SO_ACCEPTCONN %d\n", int_option(LISTENER, SOL_SOCKET, SO_ACCEPTCONN));
	MUST(getsockname(LISTENER, SA(address), &length));
	int client = CALL(socket(AF_INET, SOCK_STREAM, 0));
	CALL(connect(client, SA(address), sizeof address));
	CALL(accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC));
	CALL(send(CONNECTED, "hello", 5, 0));
	CALL(recv(PEER, buffer, sizeof buffer, 0));
	CALL(shutdown(CONNECTED, SHUT_WR));
	CALL(recv(PEER, buffer, sizeof buffer, 0));
	CALL(bind(LISTENER, SA(address), sizeof address));
	CALL(listen(DATAGRAM, 1));
	CALL(dup2(DATAGRAM, LISTENER));
	CALL(accept(LISTENER, NULL, NULL));
	CALL(close(PEER));
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		after_exec();
		return 0;
	}
	struct sockaddr_in address;
	int listener = tcp_listener(&address, 5), udp = udp_bound(&address), pair[2];
	tcp_pair(pair);
	MUST(dup2(listener, LISTENER));
	MUST(dup2(pair[0], CONNECTED));
	MUST(dup2(pair[1], PEER));
	MUST(dup2(udp, DATAGRAM));
	MUST(dup3(udp, CLOSED, O_CLOEXEC));
	closefrom(CLOSED + 1);
	CALL(execl("/missing/program", "missing", NULL)); // A failed exec changes nothing.
	CALL(listen(LISTENER, 5));
	char *const arguments[] = {argv[0], "again", NULL};
	extern char **environ;
	execve("/proc/self/exe", arguments, environ);
	return SETUP_STATUS;
}
