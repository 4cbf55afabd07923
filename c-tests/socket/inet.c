// AF_INET: the list of each type is searched, and the socket reports the protocol of the entry that
// matched.
#include "../transcript.h"

int main(void)
{
	static const int protocols[] = {0, 1, 6, 17, 58, 89, 115, 132, 136, 255, 256, 262, 263, -1};
	for (int type = 0; type < 10; type++)
		for (size_t i = 0; i < COUNT(protocols); i++) {
			const char *label = text("socket(AF_INET, %d, %d)", type, protocols[i]);
			int fd = CALL_AS(label, socket(AF_INET, type, protocols[i]));
			if (fd < 0)
				continue;
			printf("  SO_TYPE %d, SO_PROTOCOL %d\n", int_option(fd, SOL_SOCKET, SO_TYPE),
			       int_option(fd, SOL_SOCKET, SO_PROTOCOL));
			MUST(close(fd));
		}
}
