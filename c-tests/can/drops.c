// SO_RXQ_OVFL counts frames that had no room, and not those that a filter has kept away.
#include "can.h"

static long counted(int fd)
{
	struct can_frame frame;
	char control[256];
	struct iovec part = {&frame, sizeof frame};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	if (!wait_readable(fd) || recvmsg(fd, &message, MSG_DONTWAIT) < 0)
		return -2;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
			unsigned count;
			memcpy(&count, CMSG_DATA(c), 4);
			return count;
		}
	return -1;
}

static void say(const char *label, int fd)
{
	long count = counted(fd);
	if (count < 0)
		printf("%s: %s\n", label, count == -1 ? "no message" : "no frame");
	else
		printf("%s: %ld\n", label, count);
}

int main(void)
{
	int writer = raw_on("vcan0"), reader = raw_on("vcan0"), other = raw_on("vcan1"), on = 1, size = 1;
	struct can_filter filter = {0x100, CAN_SFF_MASK};
	struct can_frame frame;

	MUST(setsockopt(reader, SOL_CAN_RAW, CAN_RAW_FILTER, &filter, sizeof filter));
	MUST(setsockopt(reader, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on));
	send_frame(writer, 0x100, 0);
	say("nothing before", reader);
	for (int i = 0; i < 20; i++)
		send_frame(writer, 0x200, 8), send_frame(other, 0x100, 8);
	send_frame(writer, 0x100, 0);
	say("20 that do not match, and 20 elsewhere", reader);

	MUST(setsockopt(reader, SOL_SOCKET, SO_RCVBUF, &(int){30000}, sizeof size));
	for (int i = 0; i < 1000; i++)
		send_frame(writer, 0x100, 8);
	int arrived = 0;
	while (recv(reader, &frame, sizeof frame, MSG_DONTWAIT) == sizeof frame)
		arrived++;
	for (int i = 0; i < 20; i++)
		send_frame(writer, 0x200, 8);
	send_frame(writer, 0x100, 0);
	long lost = counted(reader);
	printf("some of 1000 were lost, and are counted: %d\n", arrived < 1000 && lost == 1000 - arrived);
	for (int i = 0; i < 20; i++)
		send_frame(writer, 0x200, 8);
	send_frame(writer, 0x100, 0);
	printf("and still are: %d\n", counted(reader) == lost);
}
