// The order in which sendmsg() and recvmsg() check their header. A name that is too long is cut, not
// refused.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address;
	char large_name[200], byte = 'x';
	int receiver = udp_bound(&address), fd = MUST(socket(AF_INET, SOCK_DGRAM, 0)),
	    file = MUST(memfd_create("file", 0));
	struct iovec one = {&byte, 1}, negative = {&byte, -1};
	static struct iovec many[1025];
	memset(large_name, 0, sizeof large_name);
	memcpy(large_name, &address, sizeof address);
	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = one;

	// Bit 31 is refused before the descriptor is checked.
	CALL(sendmsg(-1, NOWHERE, (int)0x80000000));
	CALL(recvmsg(-1, NOWHERE, (int)0x80000000));
	CALL(sendmsg(-1, NOWHERE, 0));
	CALL(sendmsg(file, NOWHERE, 0));
	CALL(sendmsg(fd, NOWHERE, 0));
	struct msghdr header = {
		.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &one, .msg_iovlen = 1};
	CALL(sendmsg(fd, &header, 0));
	CALL(recv(receiver, &byte, 1, 0));
	header.msg_namelen = -1;
	CALL(sendmsg(fd, &header, 0));
	header.msg_name = large_name;
	header.msg_namelen = 1000;
	CALL(sendmsg(fd, &header, 0));
	CALL(recv(receiver, &byte, 1, 0));
	header.msg_name = NOWHERE;
	header.msg_iovlen = 1025;
	CALL(sendmsg(fd, &header, 0));
	header = (struct msghdr){
		.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = many, .msg_iovlen = 1025};
	CALL(sendmsg(fd, &header, 0));
	header.msg_iovlen = 1024;
	CALL(sendmsg(fd, &header, 0));
	static char buffer[2048];
	CALL(recv(receiver, buffer, sizeof buffer, 0));
	header.msg_iov = &negative;
	header.msg_iovlen = 1;
	CALL(sendmsg(fd, &header, 0));
	header.msg_iov = NOWHERE;
	CALL(sendmsg(fd, &header, 0));
	header = (struct msghdr){.msg_name = &address,
				 .msg_namelen = sizeof address,
				 .msg_iov = &one,
				 .msg_iovlen = 1,
				 .msg_control = NOWHERE,
				 .msg_controllen = 64};
	CALL(sendmsg(fd, &header, 0));
	header.msg_name = NULL;
	header.msg_namelen = -1;
	header.msg_controllen = 0;
	CALL(sendmsg(fd, &header, 0)); // A length without a name counts as 0.
}
