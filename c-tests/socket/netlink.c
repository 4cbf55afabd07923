// AF_NETLINK checks the type first, then the range of the protocol, then whether the protocol is
// registered.
#include "../transcript.h"

int main(void)
{
	for (int protocol = -1; protocol <= 33; protocol++)
		for (int type = SOCK_DGRAM; type <= SOCK_RDM; type++) {
			int fd = CALL_AS(text("socket(AF_NETLINK, %d, %d)", type, protocol),
					 socket(AF_NETLINK, type, protocol));
			if (fd >= 0)
				MUST(close(fd));
		}
}
