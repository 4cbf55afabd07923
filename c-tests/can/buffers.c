// SO_RCVBUF and SO_SNDBUF: what is answered, and what a queue of a given size takes (SO_RXQ_OVFL).
#include "can.h"

static int received_until(int fd, canid_t last, int *lost)
{
	int count = 0;
	*lost = 0;
	for (;;) {
		struct can_frame frame;
		char control[256];
		struct iovec part = {&frame, sizeof frame};
		struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
		if (!wait_readable(fd) || recvmsg(fd, &message, MSG_DONTWAIT) < 0)
			return -1;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
			if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
				memcpy(lost, CMSG_DATA(c), 4);
		if (frame.can_id == last)
			return count;
		count++;
	}
}

int main(void)
{
	static const int sizes[] = {0, 1, 100, 1151, 1152, 1153, 2304, 4096, 10000, 106496, 212992, 300000, INT32_MAX, -1};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		int fd = unbound();
		CALL_AS(text("SO_RCVBUF %d", sizes[i]), setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &sizes[i], 4));
		CALL_AS(text("SO_SNDBUF %d", sizes[i]), setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sizes[i], 4));
		printf("    then %d and %d\n", int_option(fd, SOL_SOCKET, SO_RCVBUF), int_option(fd, SOL_SOCKET, SO_SNDBUF));
		CALL_AS("SO_RCVBUFFORCE", setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &sizes[i], 4));
		MUST(close(fd));
	}
	int fd = unbound();
	printf("new: %d and %d\n", int_option(fd, SOL_SOCKET, SO_RCVBUF), int_option(fd, SOL_SOCKET, SO_SNDBUF));

	// How many frames a queue takes is the kernel's matter; that it loses the later ones and counts them is not.
	int writer = raw_on("vcan0"), reader = raw_on("vcan0"), lost, on = 1, size = 4096;
	MUST(setsockopt(reader, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on));
	MUST(setsockopt(reader, SOL_SOCKET, SO_RCVBUF, &size, sizeof size));
	send_frame(writer, 0x100, 0);
	send_frame(writer, 0x101, 0);
	int count = received_until(reader, 0x101, &lost);
	printf("nothing lost: %d before the last one, SO_RXQ_OVFL %d\n", count, lost);
	int sent = 0;
	for (; sent < 1000; sent++) {
		struct can_frame frame = classic(0x200 + sent, 0);
		if (write(writer, &frame, sizeof frame) != sizeof frame)
			break;
	}
	printf("written without an error: %d\n", sent);
	int first = 0, ordered = 1;
	struct can_frame frame;
	while (recv(reader, &frame, sizeof frame, MSG_DONTWAIT) == sizeof frame)
		ordered &= frame.can_id == 0x200u + first++;
	printf("the first ones arrived, in order: %d, some but not all: %d\n", ordered, first > 0 && first < 1000);
	send_frame(writer, 0x123, 0);
	count = received_until(reader, 0x123, &lost);
	printf("afterwards: %d before it, SO_RXQ_OVFL is what was lost: %d\n", count, lost == 1000 - first);
	send_frame(writer, 0x124, 0);
	count = received_until(reader, 0x124, &lost);
	printf("and again, for it is counted in all: %d\n", lost == 1000 - first);
	int off = 0;
	MUST(setsockopt(reader, SOL_SOCKET, SO_RXQ_OVFL, &off, sizeof off));
	send_frame(writer, 0x125, 0);
	count = received_until(reader, 0x125, &lost);
	printf("switched off: %d\n", lost);

	// The default queue takes at least as many as candump expects.
	int normal = raw_on("vcan0");
	for (int i = 0; i < 200; i++)
		send_frame(writer, 0x300, 8);
	send_mark(writer);
	count = received_until(normal, MARK, &lost);
	printf("of 200 at once %d arrive\n", count);
	// A reader that does not read does not hold up others.
	for (int i = 0; i < 2000; i++)
		send_frame(writer, 0x301, 8);
	int fresh = raw_on("vcan0");
	send_mark(writer);
	say_until_mark("a new one", fresh);
}
