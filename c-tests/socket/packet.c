// AF_PACKET accepts any protocol, and (AF_INET, SOCK_PACKET) is an old name for it.
#include "../transcript.h"

static void probe(int family, int type, int protocol)
{
	const char *label = text("socket(%d, %d, %d)", family, type, protocol);
	int fd = CALL_AS(label, socket(family, type, protocol));
	if (fd < 0)
		return;
	printf("  SO_DOMAIN %d, SO_TYPE %d, SO_PROTOCOL %d\n", int_option(fd, SOL_SOCKET, SO_DOMAIN),
	       int_option(fd, SOL_SOCKET, SO_TYPE), int_option(fd, SOL_SOCKET, SO_PROTOCOL));
	MUST(close(fd));
}

int main(void)
{
	static const int protocols[] = {0, 3, 0x0300, 65536, -1};
	for (size_t i = 0; i < COUNT(protocols); i++) {
		for (int type = 0; type <= SOCK_PACKET; type++)
			probe(AF_PACKET, type, protocols[i]);
		probe(AF_INET, SOCK_PACKET, protocols[i]);
		probe(AF_INET6, SOCK_PACKET, protocols[i]);
	}
}
