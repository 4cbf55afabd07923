// A packet socket is bound to a protocol on an interface: another protocol on the same interface is another
// address. A SOCK_PACKET socket is bound to the interface's name.
#include "../transcript.h"
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>

int main(void)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = NEEDS(if_nametoindex("lo"))};
	struct sockaddr name = {.sa_family = AF_PACKET, .sa_data = "lo"};
	int fd = NEEDS(socket(AF_PACKET, SOCK_DGRAM, 0)), old = NEEDS(socket(AF_PACKET, SOCK_PACKET, 0));
	socklen_t length = sizeof address;
	address.sll_protocol = htons(ETH_P_ARP);
	CALL(bind(fd, SA(address), sizeof address));
	address.sll_protocol = htons(ETH_P_LOOPBACK);
	CALL(bind(fd, SA(address), sizeof address));
	CALL(getsockname(fd, SA(address), &length));
	printf("length %u, protocol %#x, halen %d\n", length, ntohs(address.sll_protocol), address.sll_halen);
	CALL(bind(old, &name, sizeof name));
}
