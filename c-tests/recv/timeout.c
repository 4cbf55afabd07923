// SO_RCVTIMEO ends a wait with EAGAIN, in every call that receives.
#include "../transcript.h"

int main(void)
{
	int pairs[2][2];
	tcp_pair(pairs[0]);
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pairs[1]));
	for (int i = 0; i < 2; i++) {
		char buffer[8];
		int fd = pairs[i][1];
		struct iovec one = {buffer, sizeof buffer};
		struct msghdr header = {.msg_iov = &one, .msg_iovlen = 1};
		struct mmsghdr message = {.msg_hdr = header};
		set_timeout(fd, SO_RCVTIMEO, 20);
		CALL(recv(fd, buffer, sizeof buffer, 0));
		CALL(recvfrom(fd, buffer, sizeof buffer, 0, NULL, NULL));
		CALL(recvmsg(fd, &header, 0));
		CALL(recvmmsg(fd, &message, 1, 0, NULL));
		CALL(read(fd, buffer, sizeof buffer));
		CALL(readv(fd, &one, 1));
		MUST(write(pairs[i][0], "hello", 5));
		CALL(recv(fd, buffer, sizeof buffer, 0));
	}
	MUST(write(pairs[0][0], "abc", 3));
	char buffer[8];
	CALL(recv(pairs[0][1], buffer, sizeof buffer, MSG_WAITALL)); // Returns what has arrived when the time is up.
}
