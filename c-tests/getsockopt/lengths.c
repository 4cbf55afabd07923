// getsockopt() returns as many bytes as the buffer holds, possibly none, and their number.
#include "../transcript.h"

int main(void)
{
	int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0)), file = MUST(memfd_create("file", 0));
	static const int lengths[] = {0, 1, 2, 3, 4, 5, 100, -1};
	for (size_t i = 0; i < COUNT(lengths); i++) {
		unsigned char bytes[8];
		socklen_t length = lengths[i];
		memset(bytes, 0xaa, sizeof bytes);
		CALL_AS(text("SO_TYPE with room for %d", lengths[i]),
			getsockopt(fd, SOL_SOCKET, SO_TYPE, bytes, &length));
		printf("  length %d, bytes %02x %02x %02x %02x %02x\n", (int)length, bytes[0], bytes[1],
		       bytes[2], bytes[3], bytes[4]);
	}
	socklen_t length = 4;
	CALL(getsockopt(-1, SOL_SOCKET, SO_TYPE, NOWHERE, NOWHERE));
	CALL(getsockopt(file, SOL_SOCKET, SO_TYPE, NOWHERE, NOWHERE));
	CALL(getsockopt(fd, SOL_SOCKET, 999, NOWHERE, NOWHERE));
	CALL(getsockopt(fd, SOL_SOCKET, 999, NOWHERE, &length));
	CALL(getsockopt(fd, SOL_SOCKET, SO_TYPE, NOWHERE, &length));
	length = 0;
	CALL(getsockopt(fd, SOL_SOCKET, SO_TYPE, NULL, &length));
	CALL(getsockopt(fd, SOL_SOCKET, SO_TYPE, NULL, NULL));
	char device[16];
	length = sizeof device;
	CALL(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &length));
	printf("length %d\n", (int)length);
	length = 4;
	CALL(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &length));
	struct linger linger = {-1, -1};
	length = 4;
	CALL(getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length));
	printf("length %d, l_onoff %d, l_linger %d\n", (int)length, linger.l_onoff, linger.l_linger);
}
