// shutdown() of an AF_UNIX pair acts on both ends at once.
#include "../transcript.h"

int main(void)
{
	int pair[2], fresh = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	char buffer[8];
	CALL(shutdown(fresh, SHUT_RDWR));
	CALL(shutdown(fresh, 3));
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	for (size_t i = 0; i < COUNT(types); i++) {
		printf("type %d\n", types[i]);
		MUST(socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, pair));
		CALL(write(pair[1], "queued", 6));
		CALL(shutdown(pair[0], SHUT_RD));
		CALL(send(pair[1], "x", 1, MSG_NOSIGNAL));
		CALL(recv(pair[0], buffer, sizeof buffer, 0));
		CALL(recv(pair[0], buffer, sizeof buffer, 0));
		CALL(shutdown(pair[0], SHUT_WR));
		CALL(send(pair[0], "x", 1, MSG_NOSIGNAL));
		CALL(recv(pair[1], buffer, sizeof buffer, 0));
		say_poll("this end", pair[0]);
		say_poll("the other", pair[1]);
	}
}
