// The same link-local address on two interfaces is two different addresses, and so is one with another flow
// label. An address of 24 bytes has no scope id.
#include "../transcript.h"

int main(void)
{
	static const struct {
		unsigned scope, flow;
		socklen_t length;
	} cases[] = {{0, 0, 28}, {1, 0, 28}, {9999, 0, 28}, {9998, 0, 28}, {9999, 0x12345, 28}, {9999, 0, 24}};

	for (unsigned i = 0; i < COUNT(cases); i++) {
		int fd = NEEDS(socket(AF_INET6, SOCK_DGRAM, 0));
		struct sockaddr_in6 address = inet6("fe80::1", 9);
		address.sin6_scope_id = cases[i].scope;
		address.sin6_flowinfo = htonl(cases[i].flow);
		printf("scope %u, flow %#x, length %u\n", cases[i].scope, cases[i].flow, cases[i].length);
		CALL(connect(fd, SA(address), cases[i].length));
		MUST(close(fd));
	}
}
