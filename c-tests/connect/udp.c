// connect() of a datagram socket only stores an address, can be repeated, and makes network errors visible.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in first_address, second_address, address = inet4("127.0.0.1", 0);
	int first = udp_bound(&first_address), second = udp_bound(&second_address);
	int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	char byte;
	CALL(send(fd, "x", 1, 0));
	CALL(connect(fd, SA(first_address), sizeof first_address));
	say_name("getsockname", getsockname, fd);
	say_name("getpeername", getpeername, fd);
	CALL(send(fd, "x", 1, 0));
	CALL(recv(first, &byte, 1, 0));
	CALL(connect(fd, SA(second_address), sizeof second_address));
	CALL(send(fd, "x", 1, 0));
	CALL(recv(second, &byte, 1, 0));
	// The message's own address overrides the connected one.
	CALL(sendto(fd, "x", 1, 0, SA(first_address), sizeof first_address));
	CALL(recv(first, &byte, 1, 0));

	MUST(close(second));
	CALL(send(fd, "x", 1, 0)); // Nobody listens any more, which the next call reports,
	wait_for(fd, POLLERR);
	say_poll("refused", fd);
	CALL(send(fd, "x", 1, 0));
	wait_for(fd, POLLOUT);
	CALL(send(fd, "x", 1, 0)); // once.
	wait_for(fd, POLLERR);
	printf("SO_ERROR %s\n", errno_name(int_option(fd, SOL_SOCKET, SO_ERROR)));

	CALL(connect(fd, SA(address), sizeof address)); // Port 0 is accepted here,
	say_name("getpeername", getpeername, fd);
	CALL(sendto(fd, "x", 1, 0, SA(address), sizeof address)); // but not here.
	struct sockaddr_in broadcast = inet4("255.255.255.255", 9);
	CALL(connect(fd, SA(broadcast), sizeof broadcast));
	CALL(connect(fd, SA(first_address), 15));
	CALL(listen(fd, 1));
}
