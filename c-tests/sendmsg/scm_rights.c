// A descriptor that is sent to another socket refers to the same open socket there, with its own descriptor
// flags.
#include "../transcript.h"

static void pass(int channel, int fd)
{
	char byte = 'x';
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec one = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &one, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	memset(&control, 0, sizeof control);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	CALL(sendmsg(channel, &message, 0));
}

static int take(int channel, int flags, size_t room)
{
	char byte = 0;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec one = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &one, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = room};
	int fd = -1;
	memset(&control, 0, sizeof control);
	CALL(recvmsg(channel, &message, flags));
	printf("control: %zu bytes, MSG_CTRUNC %d, MSG_CMSG_CLOEXEC %d\n", (size_t)message.msg_controllen,
	       !!(message.msg_flags & MSG_CTRUNC), !!(message.msg_flags & MSG_CMSG_CLOEXEC));
	if (message.msg_controllen >= CMSG_LEN(sizeof fd))
		memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
	return fd;
}

int main(void)
{
	int channel[2], pair[2];
	char buffer[8] = "";
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, channel));
	tcp_pair(pair);
	pass(channel[0], pair[0]);
	pass(channel[0], -1);
	MUST(close(pair[0])); // It stays open while it is in the queue.
	int taken = take(channel[1], MSG_CMSG_CLOEXEC, CMSG_SPACE(sizeof taken));
	printf("taken %d\n", taken);
	say_flags("taken", taken);
	CALL(write(pair[1], "hello", 5));
	CALL(read(taken, buffer, sizeof buffer));
	say_name("taken", getpeername, taken);
	pass(channel[0], taken);
	take(channel[1], 0, 0); // No space for it: the descriptor is closed.
	pass(channel[0], channel[1]);
	int itself = take(channel[1], 0, CMSG_SPACE(sizeof itself));
	printf("taken %d\n", itself);
	CALL(close(taken));
	CALL(read(pair[1], buffer, sizeof buffer));
	CALL(close(itself));
	CALL(write(channel[0], "x", 1));
	CALL(read(channel[1], buffer, 1));
}
