// recvmmsg() returns the messages that are there: with MSG_WAITFORONE it waits for the first only, it
// checks the timeout between messages, and it reports a network error before anything else.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address;
	int receiver = udp_bound(&address), sender = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	static char buffers[8][4];
	struct iovec parts[8];
	struct mmsghdr messages[8] = {0};
	for (int i = 0; i < 8; i++) {
		parts[i] = (struct iovec){buffers[i], sizeof buffers[i]};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
	}
	struct timespec negative = {.tv_sec = -1}, none = {0};
	CALL(recvmmsg(-1, messages, 8, (int)0x80000000, NULL));
	CALL(recvmmsg(-1, messages, 8, 0, NOWHERE)); // The timeout is checked before the descriptor.
	CALL(recvmmsg(-1, messages, 8, 0, &negative));
	CALL(recvmmsg(-1, messages, 8, 0, NULL));
	CALL(recvmmsg(receiver, messages, 0, 0, NULL));
	CALL(recvmmsg(receiver, messages, 8, MSG_DONTWAIT, NULL));
	for (int i = 1; i <= 6; i++)
		MUST(sendto(sender, "abcdef", i, 0, SA(address), sizeof address));
	CALL(recvmmsg(receiver, messages, 4, 0, NULL));
	for (int i = 0; i < 4; i++)
		printf("message %d: %u bytes, flags %#x\n", i, messages[i].msg_len,
		       (unsigned)messages[i].msg_hdr.msg_flags);
	CALL(recvmmsg(receiver, messages, 8, MSG_WAITFORONE, NULL));
	printf("message 1: %u bytes, flags %#x\n", messages[1].msg_len,
	       (unsigned)messages[1].msg_hdr.msg_flags);
	MUST(sendto(sender, "abc", 3, 0, SA(address), sizeof address));
	CALL(recvmmsg(receiver, messages, 8, 0, &none)); // The timeout has expired after the first message.

	int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	MUST(connect(fd, SA(address), sizeof address));
	MUST(close(receiver));
	MUST(send(fd, "x", 1, 0));
	wait_for(fd, POLLERR);
	CALL(recvmmsg(fd, messages, 0, 0, NULL));
	CALL(recvmmsg(fd, messages, 0, 0, NULL));
}
