// sendto() of a datagram: which addresses and which messages are valid.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address, zero = inet4("127.0.0.1", 0), family;
	int receiver = udp_bound(&address), fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	static char large[65536];
	char buffer[16];
	family = address;
	CALL(sendto(fd, "x", 1, 0, NULL, 0));
	CALL(sendto(fd, "x", 1, 0, NULL, -1)); // Without an address the length is not checked.
	CALL(sendto(fd, "hello", 5, 0, SA(address), sizeof address));
	say_name("autobound", getsockname, fd);
	CALL(recv(receiver, buffer, sizeof buffer, 0));
	CALL(sendto(fd, "x", 1, 0, SA(address), 15));
	CALL(sendto(fd, "x", 1, 0, SA(address), 129));
	CALL(sendto(fd, "x", 1, 0, SA(address), -1));
	CALL(sendto(fd, "x", 1, 0, NOWHERE, sizeof address));
	CALL(sendto(fd, "x", 1, 0, SA(zero), sizeof zero));
	family.sin_family = 99;
	CALL(sendto(fd, "x", 1, 0, SA(family), sizeof family));
	family.sin_family = AF_UNSPEC; // Accepted as AF_INET.
	CALL(sendto(fd, "x", 1, 0, SA(family), sizeof family));
	CALL(recv(receiver, buffer, sizeof buffer, 0));
	CALL(sendto(fd, large, 65508, 0, SA(address), sizeof address));
	CALL(sendto(fd, large, 65536, 0, SA(address), sizeof address));
	CALL(sendto(fd, "x", 1, MSG_OOB, SA(address), sizeof address));
	CALL(sendto(fd, "", 0, 0, SA(address), sizeof address));
	CALL(recv(receiver, buffer, sizeof buffer, 0)); // An empty datagram is received too.
}
