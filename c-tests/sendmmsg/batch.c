// sendmmsg() sends at most 1024 messages at a time, stores the length of each, and does not report an error
// that follows a success.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address;
	int receiver = udp_bound(&address), fd = MUST(socket(AF_INET, SOCK_DGRAM, 0)), size = 4 << 20;
	static struct mmsghdr messages[1100];
	static struct iovec parts[1100];
	setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	for (size_t i = 0; i < COUNT(messages); i++) {
		parts[i] = (struct iovec){"abc", i % 4};
		messages[i].msg_hdr = (struct msghdr){.msg_name = &address,
						      .msg_namelen = sizeof address,
						      .msg_iov = &parts[i],
						      .msg_iovlen = 1};
	}
	CALL(sendmmsg(-1, messages, 1, (int)0x80000000));
	CALL(sendmmsg(-1, messages, 1, 0));
	CALL(sendmmsg(fd, messages, 0, 0));
	CALL(sendmmsg(fd, NOWHERE, 1, 0));
	CALL(sendmmsg(fd, messages, 5, 0));
	for (int i = 0; i < 5; i++)
		printf("message %d: %u bytes\n", i, messages[i].msg_len);
	char buffer[8];
	for (int i = 0; i < 5; i++)
		CALL(recv(receiver, buffer, sizeof buffer, 0));

	messages[2].msg_hdr.msg_namelen = 1;
	CALL(sendmmsg(fd, messages, 5, 0));     // Stops at the bad one,
	CALL(sendmmsg(fd, messages + 2, 3, 0)); // which is an error when it is the first.
	messages[2].msg_hdr.msg_namelen = sizeof address;
	CALL(sendmmsg(fd, messages, COUNT(messages), 0));
}
