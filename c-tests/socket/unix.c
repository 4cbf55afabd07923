// AF_UNIX: protocol 1 is accepted and ignored, and SOCK_RAW becomes SOCK_DGRAM.
#include "../transcript.h"

int main(void)
{
	static const int protocols[] = {0, 1, 2, -1};
	for (int type = 0; type < 11; type++)
		for (size_t i = 0; i < COUNT(protocols); i++) {
			int fd = CALL_AS(text("socket(AF_UNIX, %d, %d)", type, protocols[i]),
					 socket(AF_UNIX, type, protocols[i]));
			if (fd < 0)
				continue;
			printf("  SO_TYPE %d, SO_PROTOCOL %d\n", int_option(fd, SOL_SOCKET, SO_TYPE),
			       int_option(fd, SOL_SOCKET, SO_PROTOCOL));
			MUST(close(fd));
		}
}
