// connect() checks the address before it checks that it was given a socket, unlike bind().
#include "../transcript.h"

int main(void)
{
	int tcp = MUST(socket(AF_INET, SOCK_STREAM, 0)), file = MUST(memfd_create("file", 0));
	struct sockaddr_in good = inet4("127.0.0.1", 1), family = good, multicast = inet4("224.0.0.1", 1);
	family.sin_family = 99;
	CALL(connect(-1, NOWHERE, 129));
	CALL(connect(file, NOWHERE, 129));
	CALL(connect(file, NOWHERE, 16));
	CALL(connect(file, SA(good), sizeof good));
	CALL(connect(tcp, NOWHERE, -1));
	CALL(connect(tcp, NULL, 16));
	CALL(connect(tcp, NULL, 0));
	CALL(connect(tcp, SA(good), 1));
	CALL(connect(tcp, SA(good), 15));
	CALL(connect(tcp, SA(family), 15));
	CALL(connect(tcp, SA(family), sizeof family));
	CALL(connect(tcp, SA(multicast), sizeof multicast));

	struct sockaddr_in address;
	int listener = tcp_listener(&address, 1);
	CALL(connect(listener, SA(family), sizeof family)); // The state comes before the family.
	MUST(connect(tcp, SA(address), sizeof address));
	CALL(connect(tcp, SA(family), sizeof family));
	CALL(connect(tcp, SA(family), 1));
	CALL(connect(tcp, NOWHERE, 16));

	int packet = MUST(socket(AF_NETLINK, SOCK_RAW, 0));
	CALL(connect(packet, SA(good), sizeof good));
}
