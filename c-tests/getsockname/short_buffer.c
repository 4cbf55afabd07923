// An address is cut to the caller's buffer, and the returned length is that of the whole address.
#include "../transcript.h"

int main(void)
{
	static const socklen_t rooms[] = {28, 24, 8, 2, 0};
	struct sockaddr_in6 address = inet6("::1", 0);
	struct sockaddr_un file = unix_file("short-buffer"), none = {.sun_family = AF_UNIX};
	int inet = NEEDS(socket(AF_INET6, SOCK_STREAM, 0));
	int named = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), unnamed = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	NEEDS(bind(inet, SA(address), sizeof address));
	MUST(bind(named, SA(file), sizeof file));

	for (unsigned i = 0; i < COUNT(rooms); i++) {
		socklen_t length = rooms[i];
		CALL(getsockname(inet, SA(address), &length));
		printf("room %u, length %u\n", rooms[i], length);
		length = rooms[i];
		CALL(getsockname(named, SA(file), &length));
		printf("room %u, length %u\n", rooms[i], length);
	}
	socklen_t length = sizeof none;
	CALL(getsockname(unnamed, SA(none), &length));
	printf("unnamed, length %u\n", length);
	MUST(unlink("short-buffer"));
}
