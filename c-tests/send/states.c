// send() before, during and after a connection, with and without space in the buffer.
#include "../transcript.h"

int main(void)
{
	int fresh = MUST(socket(AF_INET, SOCK_STREAM, 0)), pair[2];
	char byte, buffer[65536] = "";
	CALL(send(fresh, "x", 1, MSG_NOSIGNAL));
	CALL(send(fresh, "", 0, MSG_NOSIGNAL));
	tcp_pair(pair);
	CALL(send(pair[0], "hello", 5, 0));
	CALL(send(pair[0], "more", 4, MSG_MORE));
	CALL(send(pair[0], "", 0, 0));
	CALL(send(pair[0], "!", 1, MSG_OOB));
	CALL(send(pair[0], "x", 1, 0x800000)); // Unknown flags are ignored.
	CALL(send(pair[0], "x", 1, (int)0x80000000));
	CALL(recv(pair[1], buffer, 9, MSG_WAITALL));
	printf("received %.9s\n", buffer);

	int count = 0;
	while (send(pair[0], buffer, sizeof buffer, MSG_DONTWAIT) > 0)
		count++;
	printf("full: %s, after a few: %d\n", errno_name(errno), count > 0);
	set_timeout(pair[0], SO_SNDTIMEO, 30);
	CALL(send(pair[0], buffer, sizeof buffer, 0));

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CALL(shutdown(pair[0], SHUT_WR));
	CALL(send(pair[0], "x", 1, MSG_NOSIGNAL));
	CALL(recv(pair[1], &byte, 1, 0));
	MUST(close(pair[0]));
	CALL(send(pair[1], "x", 1, MSG_NOSIGNAL));
}
