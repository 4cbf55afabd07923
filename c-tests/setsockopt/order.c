// Which error setsockopt() returns first: the descriptor's, the length's, the memory's, and last the
// option's.
#include "../transcript.h"

int main(void)
{
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0)), file = MUST(memfd_create("file", 0)), value = 1;
	CALL(setsockopt(-1, SOL_SOCKET, SO_REUSEADDR, NOWHERE, -1));
	CALL(setsockopt(file, SOL_SOCKET, SO_REUSEADDR, NOWHERE, -1));
	CALL(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, NOWHERE, -1));
	CALL(setsockopt(fd, 9999, 9999, NOWHERE, -1));
	CALL(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, NOWHERE, 3));
	CALL(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, NULL, 4));
	CALL(setsockopt(fd, SOL_SOCKET, 999, NULL, 4));
	CALL(setsockopt(fd, SOL_SOCKET, 999, &value, 3));
	CALL(setsockopt(fd, SOL_SOCKET, SO_TYPE, &value, sizeof value));
	CALL(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2)); // A string may be shorter than an int.
	CALL(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "no-such-device", 14));
	struct timeval invalid = {.tv_usec = 1000000};
	CALL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &invalid, sizeof invalid));
	CALL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &invalid, 4));
	value = 7;
	CALL(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, 100));
	printf("SO_REUSEADDR %d\n", int_option(fd, SOL_SOCKET, SO_REUSEADDR)); // Any value but 0 counts as 1.
	value = 10000;
	CALL(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, sizeof value));
	// The kernel doubles the requested value.
	printf("SO_SNDBUF %d\n", int_option(fd, SOL_SOCKET, SO_SNDBUF));
}
