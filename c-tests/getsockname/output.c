// How an address is returned: the length is returned too, and stored before the address. A buffer that is
// too short cuts the address without an error.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address;
	int fd = tcp_listener(&address, 1), file = MUST(memfd_create("file", 0));
	static const socklen_t lengths[] = {0, 1, 8, 16, 17, 128, 100000};
	for (size_t i = 0; i < COUNT(lengths); i++) {
		unsigned char bytes[32];
		socklen_t length = lengths[i];
		memset(bytes, 0xaa, sizeof bytes);
		CALL_AS(text("getsockname with room for %d", (int)lengths[i]),
			getsockname(fd, (struct sockaddr *)bytes, &length));
		printf("  length %d, byte 0 %s, byte 15 %s, byte 16 %s\n", (int)length,
		       bytes[0] != 0xaa ? "written" : "kept", bytes[15] != 0xaa ? "written" : "kept",
		       bytes[16] != 0xaa ? "written" : "kept");
	}
	socklen_t length = -1;
	CALL(getsockname(fd, SA(address), &length));
	printf("length %d\n", (int)length);
	length = 16;
	CALL(getsockname(fd, NOWHERE, &length));
	length = 100;
	CALL(getsockname(fd, NOWHERE, &length));
	printf("length %d\n", (int)length);
	length = 0;
	CALL(getsockname(fd, NULL, &length));
	printf("length %d\n", (int)length);
	CALL(getsockname(fd, SA(address), NULL));
	CALL(getsockname(fd, SA(address), NOWHERE));
	CALL(getsockname(-1, NOWHERE, NOWHERE));
	CALL(getsockname(file, NOWHERE, NOWHERE));
}
