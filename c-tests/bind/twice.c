// A socket can be bound once, and an address by one socket only, unless both set SO_REUSEPORT.
#include "../transcript.h"

int main(void)
{
	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		struct sockaddr_in address = inet4("127.0.0.1", 0);
		socklen_t length = sizeof address;
		int fd = MUST(socket(AF_INET, type, 0)), other = MUST(socket(AF_INET, type, 0));
		CALL(bind(fd, SA(address), sizeof address));
		say_name("bound", getsockname, fd);
		CALL(bind(fd, SA(address), sizeof address));
		MUST(getsockname(fd, SA(address), &length));
		CALL(bind(other, SA(address), sizeof address));
		say_name("refused", getsockname, other);
		address.sin_port = 0;
		CALL(bind(other, SA(address), sizeof address)); // A bind can be repeated after a failure.
		MUST(close(fd));
		MUST(close(other));
	}

	int on = 1, first = MUST(socket(AF_INET, SOCK_STREAM, 0)),
	    second = MUST(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in address = inet4("127.0.0.1", 0);
	socklen_t length = sizeof address;
	CALL(setsockopt(first, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
	CALL(setsockopt(second, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
	CALL(bind(first, SA(address), sizeof address));
	MUST(getsockname(first, SA(address), &length));
	CALL(bind(second, SA(address), sizeof address));
	CALL(listen(first, 1));
	CALL(listen(second, 1));
}
