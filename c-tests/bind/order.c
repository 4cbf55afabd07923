// Which error bind() returns when there are several: the descriptor's, then the length's, then the
// memory's, then those of the family's own bind.
#include "../transcript.h"

int main(void)
{
	int tcp = MUST(socket(AF_INET, SOCK_STREAM, 0)), file = MUST(memfd_create("file", 0));
	struct sockaddr_in good = inet4("127.0.0.1", 0), foreign = inet4("192.0.2.1", 0), family = good,
			   none = inet4("0.0.0.0", 0);
	family.sin_family = 99;
	none.sin_family = AF_UNSPEC;
	char large[200] = {AF_INET};

	CALL(bind(-1, SA(good), sizeof good));
	CALL(bind(900, NOWHERE, 129));
	CALL(bind(file, NOWHERE, 129)); // connect() checks the address first, bind() the descriptor.
	CALL(bind(tcp, NOWHERE, 129));
	CALL(bind(tcp, NOWHERE, -1));
	CALL(bind(tcp, NOWHERE, sizeof good));
	CALL(bind(tcp, NULL, 0));
	CALL(bind(tcp, SA(good), 1));
	CALL(bind(tcp, SA(good), 15));
	CALL(bind(tcp, SA(family), 15));
	CALL(bind(tcp, SA(family), sizeof family));
	CALL(bind(tcp, SA(foreign), sizeof foreign));
	// AF_INET accepts AF_UNSPEC with the address 0.0.0.0 only.
	CALL(bind(tcp, SA(none), sizeof none));
	say_name("bound", getsockname, tcp);
	CALL(bind(tcp, SA(foreign), sizeof foreign)); // The address is checked before the state.
	CALL(bind(tcp, SA(good), sizeof good));

	int udp = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	none.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CALL(bind(udp, SA(none), sizeof none));
	CALL(bind(udp, (struct sockaddr *)large, 128)); // Longer than needed is accepted, up to 128.
	CALL(bind(udp, (struct sockaddr *)large, 129));
}
