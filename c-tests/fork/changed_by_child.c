// A child changes sockets that it shares with its parent: it makes one listen, and connects another. The parent sees it.
#include "../transcript.h"

static void in_a_child(void (*change)(int, struct sockaddr_in *), int fd, struct sockaddr_in *address)
{
	pid_t child = MUST(fork());
	if (child == 0) {
		change(fd, address);
		_exit(0);
	}
	MUST(waitpid(child, NULL, 0));
}

static void listens(int fd, struct sockaddr_in *address)
{
	(void)address;
	MUST(listen(fd, 5));
}

static void connects(int fd, struct sockaddr_in *address) { MUST(connect(fd, (struct sockaddr *)address, sizeof *address)); }

int main(void)
{
	struct sockaddr_in address = inet4("127.0.0.1", 0);
	socklen_t length = sizeof address;
	int listener = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(bind(listener, SA(address), length));
	MUST(getsockname(listener, SA(address), &length));
	in_a_child(listens, listener, &address);
	for (int round = 0; round < 3; round++) {
		int client = MUST(socket(AF_INET, SOCK_STREAM, 0));
		MUST(connect(client, SA(address), sizeof address));
		int accepted = accept(listener, NULL, NULL);
		printf("accepted %d\n", accepted >= 0);
		CALL(shutdown(client, SHUT_WR));
		MUST(close(accepted));
		MUST(close(client));
	}
	int client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	in_a_child(connects, client, &address);
	CALL(shutdown(client, SHUT_WR));
	CALL(getpeername(client, SA(address), &length));
	CALL(connect(client, SA(address), sizeof address));
}
