// Without CAP_NET_RAW: a protocol that does not exist and one that is not permitted give different errors,
// and packet and xdp sockets are refused before anything else is checked.
#include "../transcript.h"

int main(void)
{
	MUST(close(MUST(socket(AF_INET, SOCK_STREAM, 0))));
	if (geteuid() == 0) // Other users do not have the capability.
		MUST(setresuid(65534, 65534, 65534));
	CALL(socket(AF_INET, SOCK_RAW, 0));
	CALL(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	CALL(socket(AF_INET, SOCK_RAW, 262));
	CALL(socket(AF_INET, SOCK_RAW, 263));
	CALL(socket(AF_INET6, SOCK_RAW, 0));
	CALL(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
	CALL(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
	CALL(socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6));
	CALL(socket(AF_PACKET, 4, 0));
	CALL(socket(AF_INET, SOCK_PACKET, 0));
	CALL(socket(AF_XDP, SOCK_STREAM, 99));
	CALL(socket(AF_INET, SOCK_STREAM, 0));

	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in privileged = inet4("127.0.0.1", 1), foreign = inet4("192.0.2.1", 1);
	CALL(bind(fd, SA(privileged), sizeof privileged));
	CALL(bind(fd, SA(foreign), sizeof foreign)); // A foreign address is reported before the port is checked.
}
