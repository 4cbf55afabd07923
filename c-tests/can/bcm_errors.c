// The errors of the broadcast manager's calls: connect, sizes, opcodes, what it does not do.
#include "bcm.h"

int main(void)
{
	struct sockaddr_can vcan0 = on("vcan0"), vcan1 = on("vcan1"), all = on(NULL), lo = on("lo"), other;
	struct bcm_message send = bcm(TX_SEND, 0, 0x100, 1), message;
	char bytes[8000] = {0};
	int fd = bcm_unconnected();
	printf("the head is %zu bytes\n", sizeof send.head);

	CALL_AS("not connected: write", write(fd, &send, bcm_size(&send)));
	CALL_AS("not connected: sendto", sendto(fd, &send, bcm_size(&send), 0, SA(vcan0), sizeof vcan0));
	CALL_AS("not connected: write nothing", write(fd, bytes, 0));
	CALL_AS("not connected: write a bad size", write(fd, bytes, 57));
	CALL_AS("not connected: recv", recv(fd, bytes, sizeof bytes, MSG_DONTWAIT));
	CALL_AS("bind", bind(fd, SA(vcan0), sizeof vcan0));
	say_can_name("getsockname", getsockname, fd);
	say_can_name("getpeername", getpeername, fd);
	CALL_AS("setsockopt", setsockopt(fd, SOL_CAN_BASE + CAN_BCM, 1, &(int){1}, 4));
	say_option("getsockopt", fd, SOL_CAN_BASE + CAN_BCM, 1, 4);
	CALL_AS("setsockopt SOL_CAN_RAW", setsockopt(fd, SOL_CAN_RAW, CAN_RAW_LOOPBACK, &(int){1}, 4));
	say_option("getsockopt SOL_CAN_RAW", fd, SOL_CAN_RAW, CAN_RAW_LOOPBACK, 4);

	for (int length = 0; length < 8; length++)
		CALL_AS(text("connect, length %d", length), connect(fd, SA(vcan0), length));
	// Each with a socket of its own, since what succeeds cannot be done again.
	static const int families[] = {AF_CAN, AF_INET, AF_UNSPEC}, indexes[] = {987654, -1, 0};
	for (size_t i = 0; i < COUNT(families); i++) {
		int another = bcm_unconnected();
		other = vcan0;
		other.can_family = families[i];
		CALL_AS(text("connect, family %d", families[i]), connect(another, SA(other), sizeof other));
		CALL_AS("    TX_SEND", write(another, &send, bcm_size(&send)));
		MUST(close(another));
	}
	for (size_t i = 0; i < COUNT(indexes); i++) {
		int another = bcm_unconnected();
		other = vcan0;
		other.can_ifindex = indexes[i];
		CALL_AS(text("connect, index %d", indexes[i]), connect(another, SA(other), sizeof other));
		CALL_AS("    TX_SEND", write(another, &send, bcm_size(&send)));
		MUST(close(another));
	}
	CALL_AS("connect, lo", connect(fd, SA(lo), sizeof lo));
	CALL_AS("connect, NULL", connect(fd, NULL, sizeof lo));
	CALL_AS("connect, length 8", connect(fd, SA(vcan0), 8));
	CALL_AS("connect again", connect(fd, SA(vcan0), sizeof vcan0));
	CALL_AS("connect another", connect(fd, SA(vcan1), sizeof vcan1));
	CALL_AS("connect, length 4", connect(fd, SA(vcan1), 4));
	CALL_AS("bind", bind(fd, SA(vcan0), sizeof vcan0));
	say_can_name("getsockname", getsockname, fd);
	say_can_name("getpeername", getpeername, fd);
	say_poll("connected", fd);

	// Sizes.
	send = bcm(TX_SEND, 0, 0x100, 1);
	memcpy(bytes, &send, sizeof send.head + CAN_MTU);
	for (int size = 0; size <= 140; size++) {
		errno = UNTOUCHED;
		long result = write(fd, bytes, size);
		if (result >= 0 || errno != EINVAL)
			printf("TX_SEND of %d bytes = %ld %s\n", size, result, result < 0 ? errno_name(errno) : "");
	}
	((struct bcm_msg_head *)bytes)->flags = CAN_FD_FRAME;
	for (int size = 0; size <= 220; size++) {
		errno = UNTOUCHED;
		long result = write(fd, bytes, size);
		if (result >= 0 || errno != EINVAL)
			printf("TX_SEND of %d bytes, CAN_FD_FRAME = %ld %s\n", size, result, result < 0 ? errno_name(errno) : "");
	}
	CALL_AS("no memory", write(fd, NOWHERE, bcm_size(&send)));
	CALL_AS("no memory, a bad size", write(fd, NOWHERE, 57));

	// Opcodes, each without frames, with one, and with a number of frames that is not that of the message.
	for (unsigned opcode = 0; opcode <= 14; opcode++) {
		message = bcm(opcode, 0, 0x200, 0);
		tell(text("%s, no frame", opcode_name(opcode)), fd, &message);
		message = bcm(opcode, 0, 0x200, 1);
		tell(text("%s, a frame", opcode_name(opcode)), fd, &message);
		message.head.nframes = 2;
		CALL_AS(text("%s, says 2, has 1", opcode_name(opcode)), write(fd, &message, sizeof message.head + CAN_MTU));
		message.head.nframes = 0;
		CALL_AS(text("%s, says 0, has 1", opcode_name(opcode)), write(fd, &message, sizeof message.head + CAN_MTU));
		message = bcm(opcode, 0, 0x200, 2);
		message.head.nframes = 1;
		CALL_AS(text("%s, says 1, has 2", opcode_name(opcode)), write(fd, &message, sizeof message.head + 2 * CAN_MTU));
		message.head.opcode = TX_DELETE;
		write(fd, &message, sizeof message.head);
		message.head.opcode = RX_DELETE;
		write(fd, &message, sizeof message.head);
	}
	message = bcm(-1, 0, 0x200, 1);
	tell("opcode -1", fd, &message);
	static const int opcodes[] = {TX_SETUP, RX_SETUP};
	static const int counts[] = {255, 256, 257, 258};
	for (int i = 0; i < 2; i++)
		for (int n = 0; n < 4; n++) {
			message = bcm(opcodes[i], 0, 0x300 + n, counts[n]);
			tell(text("%s, %d frames", opcode_name(opcodes[i]), counts[n]), fd, &message);
		}
	// What a frame may not have.
	message = bcm(TX_SETUP, 0, 0x310, 1);
	message.frames[0].len = 9;
	tell("TX_SETUP, length 9", fd, &message);
	message = bcm(TX_SEND, 0, 0x310, 1);
	message.frames[0].len = 9;
	tell("TX_SEND, length 9", fd, &message);
	message = bcm(TX_SETUP, CAN_FD_FRAME, 0x311, 1);
	message.fd[0].len = 65;
	tell("TX_SETUP, FD, length 65", fd, &message);
	// Times.
	static const struct bcm_timeval times[] = {{0, -1}, {-1, 0}, {0, 1000000}, {0, 999999}, {400L * 24 * 3600, 0}, {400L * 24 * 3600 + 1, 0}, {1L << 40, 0}};
	for (size_t i = 0; i < COUNT(times); i++) {
		for (int which = 0; which < 2; which++) {
			message = bcm(TX_SETUP, SETTIMER, 0x320, 1);
			*(which ? &message.head.ival2 : &message.head.ival1) = times[i];
			tell(text("TX_SETUP, time %d is %ld s %ld us", which + 1, (long)times[i].tv_sec, (long)times[i].tv_usec), fd, &message);
			message.head.opcode = RX_SETUP;
			tell(text("RX_SETUP, time %d is %ld s %ld us", which + 1, (long)times[i].tv_sec, (long)times[i].tv_usec), fd, &message);
		}
	}
	message = bcm(RX_SETUP, RX_RTR_FRAME, 0x330, 0);
	tell("RX_RTR_FRAME without a frame", fd, &message);
	message = bcm(RX_SETUP, RX_RTR_FRAME, 0x330, 1);
	tell("RX_RTR_FRAME with a frame, no RTR", fd, &message);
	message = bcm(RX_SETUP, RX_RTR_FRAME, CAN_RTR_FLAG | 0x330, 1);
	tell("RX_RTR_FRAME with a frame", fd, &message);
	message = bcm(RX_SETUP, RX_RTR_FRAME, CAN_RTR_FLAG | 0x331, 2);
	tell("RX_RTR_FRAME with two frames", fd, &message);

	// Addresses.
	send = bcm(TX_SEND, 0, 0x100, 1);
	for (int length = 0; length <= 16; length += 4)
		CALL_AS(text("sendto vcan1, length %d", length), sendto(fd, &send, bcm_size(&send), 0, SA(vcan1), length));
	CALL_AS("sendto all", sendto(fd, &send, bcm_size(&send), 0, SA(all), sizeof all));
	int any = bcm_on(NULL);
	CALL_AS("connected to all: TX_SEND", write(any, &send, bcm_size(&send)));
	CALL_AS("connected to all: TX_SEND to vcan1", sendto(any, &send, bcm_size(&send), 0, SA(vcan1), sizeof vcan1));
	CALL_AS("connected to all: TX_SEND to lo", sendto(any, &send, bcm_size(&send), 0, SA(lo), sizeof lo));
	other = vcan0;
	other.can_ifindex = 987654;
	CALL_AS("connected to all: TX_SEND to an unknown index", sendto(any, &send, bcm_size(&send), 0, SA(other), sizeof other));
	other = vcan0;
	other.can_family = AF_INET;
	CALL_AS("connected to all: TX_SEND, AF_INET", sendto(any, &send, bcm_size(&send), 0, SA(other), sizeof other));
	CALL_AS("connected to all: TX_SEND to all", sendto(any, &send, bcm_size(&send), 0, SA(all), sizeof all));
	for (int length = 0; length <= 12; length += 4)
		CALL_AS(text("connected to all: TX_SEND to vcan1, length %d", length), sendto(any, &send, bcm_size(&send), 0, SA(vcan1), length));
	message = bcm(TX_SETUP, 0, 0x400, 1);
	tell("connected to all: TX_SETUP", any, &message);
	message = bcm(TX_READ, 0, 0x400, 0);
	tell("connected to all: TX_READ", any, &message);
	CALL_AS("connected to all: TX_READ, of vcan1", sendto(any, &message, bcm_size(&message), 0, SA(vcan1), sizeof vcan1));
	message = bcm(RX_SETUP, RX_FILTER_ID, 0x400, 0);
	tell("connected to all: RX_SETUP", any, &message);
	CALL_AS("FD frames to vcancc", ({
			struct sockaddr_can cc = on("vcancc");
			struct bcm_message fd_frame = bcm(TX_SEND, CAN_FD_FRAME, 0x401, 1);
			sendto(any, &fd_frame, bcm_size(&fd_frame), 0, SA(cc), sizeof cc);
		}));
}
