// Raw sockets have addresses but no ports, whatever protocol they carry.
#include "../transcript.h"

int main(void)
{
	static const int protocols[] = {IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP};
	for (size_t i = 0; i < COUNT(protocols); i++) {
		for (int round = 0; round < 2; round++) {
			struct sockaddr_in address = inet4("127.0.0.1", round * 80);
			int fd = NEEDS(socket(AF_INET, SOCK_RAW, protocols[i]));
			CALL(bind(fd, SA(address), sizeof address));
			CALL(bind(fd, SA(address), sizeof address));
			CALL(connect(fd, SA(address), sizeof address));
			CALL(bind(fd, SA(address), sizeof address));
			MUST(close(fd));
		}
	}
}
