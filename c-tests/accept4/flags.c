// accept4() gives the new socket the flags of its argument, whatever flags the listener has.
#include "../transcript.h"

int main(void)
{
	static const int flags[] = {0, SOCK_NONBLOCK, SOCK_CLOEXEC, SOCK_NONBLOCK | SOCK_CLOEXEC};
	struct sockaddr_in address, peer;
	int listener = tcp_listener(&address, 5);
	for (size_t i = 0; i < COUNT(flags); i++) {
		int client = MUST(socket(AF_INET, SOCK_STREAM, 0));
		MUST(connect(client, SA(address), sizeof address));
		socklen_t length = sizeof peer;
		int accepted = CALL_AS(text("accept4 with flags %zu", i),
				       accept4(listener, SA(peer), &length, flags[i]));
		say_flags("accepted", accepted);
		say_address("peer", (struct sockaddr_storage *)&peer, length);
		MUST(close(accepted));
		MUST(close(client));
	}
}
