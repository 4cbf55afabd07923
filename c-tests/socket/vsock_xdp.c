// AF_VSOCK checks the protocol before the type, and AF_XDP the capability, then the type, then the
// protocol.
#include "../transcript.h"

int main(void)
{
	static const int protocols[] = {0, 1, AF_VSOCK, -1};
	for (int type = 0; type <= SOCK_PACKET; type++)
		for (size_t i = 0; i < COUNT(protocols); i++) {
			int vsock = CALL_AS(text("socket(AF_VSOCK, %d, %d)", type, protocols[i]),
					    socket(AF_VSOCK, type, protocols[i]));
			int xdp = CALL_AS(text("socket(AF_XDP, %d, %d)", type, protocols[i]),
					  socket(AF_XDP, type, protocols[i]));
			if (vsock >= 0)
				MUST(close(vsock));
			if (xdp >= 0)
				MUST(close(xdp));
		}
}
