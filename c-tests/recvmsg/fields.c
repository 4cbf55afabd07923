// What recvmsg() writes into its header: the lengths of the name and of the control messages, and flags.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address;
	struct sockaddr_storage from;
	int receiver = udp_bound(&address), sender = MUST(socket(AF_INET, SOCK_DGRAM, 0)), on = 1;
	char first[3], second[4], control[128];
	struct iovec parts[] = {{first, sizeof first}, {second, sizeof second}};
	struct msghdr header = {.msg_name = &from,
				.msg_namelen = sizeof from,
				.msg_iov = parts,
				.msg_iovlen = 2,
				.msg_control = control,
				.msg_controllen = sizeof control,
				.msg_flags = -1};
	MUST(setsockopt(receiver, IPPROTO_IP, IP_RECVTTL, &on, sizeof on));
	MUST(sendto(sender, "hello world", 11, 0, SA(address), sizeof address));
	CALL(recvmsg(receiver, &header, 0));
	printf("%.3s %.4s, name %d bytes, control %zu bytes, flags %#x\n", first, second,
	       (int)header.msg_namelen, (size_t)header.msg_controllen, (unsigned)header.msg_flags);
	struct cmsghdr *ttl = CMSG_FIRSTHDR(&header);
	printf("control level %d, type %d\n", ttl->cmsg_level, ttl->cmsg_type);

	MUST(sendto(sender, "hi", 2, 0, SA(address), sizeof address));
	header.msg_name = NULL;
	header.msg_namelen = -1;
	header.msg_controllen = 1;
	CALL(recvmsg(receiver, &header, MSG_TRUNC));
	printf("control %zu bytes, flags %#x\n", (size_t)header.msg_controllen, (unsigned)header.msg_flags);
	header.msg_controllen = 0;
	CALL(recvmsg(receiver, &header, MSG_DONTWAIT));
	header.msg_name = &from;
	CALL(recvmsg(receiver, &header, MSG_DONTWAIT));
	header.msg_namelen = 0;
	header.msg_iovlen = 1025;
	CALL(recvmsg(receiver, &header, MSG_DONTWAIT));
	header.msg_iovlen = 0;
	MUST(sendto(sender, "hi", 2, 0, SA(address), sizeof address));
	CALL(recvmsg(receiver, &header, 0));
	printf("flags %#x\n", (unsigned)header.msg_flags);
}
