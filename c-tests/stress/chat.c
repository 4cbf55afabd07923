// A client and a server in one process that talk in rounds, over TCP and over a pair; then a child sends a
// last message. Prints what arrived and exits with 7. It works with any of the descriptors 0, 1 and 2
// closed at the start: then its sockets get these numbers, and whatever else is written there arrives in
// the conversation.
//
//   chat ROUNDS
#include "stress.h"

static void expect(int fd, const char *text)
{
	char got[128] = "";
	size_t have = 0, want = strlen(text);

	while (have < want) {
		ssize_t count = CHECK(recv(fd, got + have, want - have, 0));
		if (count == 0)
			break;
		have += count;
	}
	if (have != want || memcmp(got, text, want) != 0) {
		printf("expected %s, got %.*s\n", text, (int)have, got);
		exit(1);
	}
}

static void say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
		die("send");
}

int main(int argc, char **argv)
{
	struct sockaddr_in address;
	int listener = tcp_listener(5, &address), client = make(TCP), pair[2], status;
	int rounds = argc > 1 ? atoi(argv[1]) : 1;
	char rest[64];

	CHECK(connect(client, ADDRESS(address)));
	int server = CHECK(accept(listener, NULL, NULL));
	CHECK(close(listener));
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	for (int i = 0; i < rounds; i++) {
		char text[64];
		snprintf(text, sizeof(text), "round %d of the conversation", i);
		say(client, text);
		expect(server, text);
		say(server, text);
		expect(client, text);
		say(pair[0], text);
		expect(pair[1], text);
	}

	pid_t child = CHECK(fork());
	if (child == 0) {
		say(client, "last word");
		_exit(5);
	}
	CHECK(waitpid(child, &status, 0));
	printf("child %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	expect(server, "last word");
	CHECK(shutdown(client, SHUT_WR));
	printf("%d rounds, then %zd bytes\n", rounds, recv(server, rest, sizeof(rest), 0));
	return 7;
}
