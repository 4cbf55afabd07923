// Receiving by the broadcast manager: filters by identifier and content, changes, timeouts, answers to RTR frames.
#include "bcm.h"

static int fd, writer;

static void send_data(canid_t id, int length, int first, int second)
{
	struct can_frame frame = {.can_id = id, .len = length, .data = {first, second}};
	MUST(write(writer, &frame, sizeof frame));
}

// A message about another identifier shows that nothing more was said about those before.
static void say_until_marked(const char *label)
{
	send_data(MARK, 0, 0, 0);
	for (;;) {
		struct bcm_message message;
		if (!wait_readable(fd)) {
			printf("%s: no marker\n", label);
			return;
		}
		long size = MUST(read(fd, &message, sizeof message));
		if (message.head.can_id == MARK) {
			printf("%s: nothing more\n", label);
			return;
		}
		printf("%s: %ld bytes, %s %X, flags %#x, count %u, %u frames", label, size, opcode_name(message.head.opcode), message.head.can_id, message.head.flags,
		       message.head.count, message.head.nframes);
		if (message.head.nframes)
			printf(", %s", message.head.flags & CAN_FD_FRAME ? frame_text(&message.fd[0], CANFD_MTU) : frame_text(&message.frames[0], CAN_MTU));
		printf("\n");
	}
}

static void setup(const char *label, int flags, canid_t id, int frames, const unsigned char (*masks)[2])
{
	struct bcm_message message = bcm(RX_SETUP, flags, id, frames);
	for (int i = 0; i < frames; i++) {
		message.frames[i] = (struct can_frame){.can_id = id, .len = 8};
		message.frames[i].data[0] = masks[i][0];
		message.frames[i].data[1] = masks[i][1];
	}
	tell(label, fd, &message);
}

static void delete(canid_t id)
{
	struct bcm_message message = bcm(RX_DELETE, 0, id, 0);
	tell("RX_DELETE", fd, &message);
}

int main(void)
{
	struct bcm_message message;
	fd = bcm_on("vcan0");
	writer = raw_on("vcan0");
	message = bcm(RX_SETUP, RX_FILTER_ID, MARK, 0);
	tell("the marker", fd, &message);

	message = bcm(RX_SETUP, RX_FILTER_ID, 0x100, 0);
	tell("RX_FILTER_ID", fd, &message);
	send_data(0x100, 2, 1, 2);
	say_told("    told", fd);
	send_data(0x100, 2, 1, 2);
	send_data(0x101, 2, 1, 2);
	send_data(CAN_EFF_FLAG | 0x100, 2, 1, 2);
	send_data(CAN_RTR_FLAG | 0x100, 2, 1, 2);
	send_data(0x100, 0, 1, 2);
	say_until_marked("    told");
	message = bcm(RX_READ, 0, 0x100, 0);
	tell("RX_READ", fd, &message);
	say_told("    answer", fd);
	message = bcm(RX_READ, 0, 0x108, 0);
	tell("RX_READ of another", fd, &message);
	delete(0x100);
	delete(0x100);
	send_data(0x100, 2, 1, 2);
	say_until_marked("deleted");

	// Without RX_FILTER_ID and without frames.
	message = bcm(RX_SETUP, 0, 0x110, 0);
	tell("no frames", fd, &message);
	send_data(0x110, 1, 1, 0);
	send_data(0x110, 1, 1, 0);
	send_data(0x110, 2, 1, 0);
	say_until_marked("    told");
	delete(0x110);

	// Changes below a mask.
	setup("mask ff 00", 0, 0x120, 1, (unsigned char[][2]){{0xff, 0}});
	send_data(0x120, 2, 1, 1);
	send_data(0x120, 2, 1, 2);
	send_data(0x120, 2, 2, 2);
	send_data(0x120, 2, 2, 2);
	send_data(0x120, 1, 2, 2);
	send_data(0x120, 2, 1, 2);
	say_until_marked("    told");
	message = bcm(RX_READ, 0, 0x120, 0);
	tell("RX_READ", fd, &message);
	say_told("    answer", fd);
	delete(0x120);
	setup("mask 00 00", 0, 0x121, 1, (unsigned char[][2]){{0, 0}});
	send_data(0x121, 2, 1, 1);
	send_data(0x121, 2, 1, 2);
	say_until_marked("    told");
	delete(0x121);
	setup("mask ff 00, RX_CHECK_DLC", RX_CHECK_DLC, 0x122, 1, (unsigned char[][2]){{0xff, 0}});
	send_data(0x122, 2, 1, 1);
	send_data(0x122, 3, 1, 2);
	send_data(0x122, 3, 1, 2);
	say_until_marked("    told");
	delete(0x122);
	message = bcm(RX_SETUP, RX_CHECK_DLC, 0x123, 0);
	tell("RX_CHECK_DLC, no frames", fd, &message);
	send_data(0x123, 2, 1, 1);
	send_data(0x123, 3, 1, 1);
	say_until_marked("    told");
	delete(0x123);

	// The first frame of several is the mask of the multiplexor.
	setup("multiplexed", 0, 0x130, 3, (unsigned char[][2]){{0xff, 0}, {1, 0xff}, {2, 0xf0}});
	send_data(0x130, 2, 1, 0x10);
	send_data(0x130, 2, 1, 0x10);
	send_data(0x130, 2, 1, 0x11);
	send_data(0x130, 2, 2, 0x11);
	send_data(0x130, 2, 2, 0x12);
	send_data(0x130, 2, 2, 0x22);
	send_data(0x130, 2, 3, 0x22);
	send_data(0x130, 2, 1, 0x11);
	say_until_marked("    told");
	message = bcm(RX_READ, 0, 0x130, 0);
	tell("RX_READ", fd, &message);
	say_told("    answer", fd);
	setup("fewer", 0, 0x130, 1, (unsigned char[][2]){{0xff, 0}});
	setup("more", 0, 0x130, 4, (unsigned char[][2]){{0xff, 0}, {1, 1}, {2, 2}, {3, 3}});
	delete(0x130);

	// Timeouts: told once, and again after a frame has come.
	message = bcm(RX_SETUP, RX_FILTER_ID | SETTIMER, 0x140, 0);
	set_times(&message, 0, 20, 0);
	tell("a timeout, without STARTTIMER", fd, &message);
	send_data(0x140, 1, 1, 0);
	say_told("    told", fd);
	say_told("    told", fd);
	usleep(60000);
	say_until_marked("    told");
	send_data(0x140, 1, 1, 0);
	say_told("    told", fd);
	say_told("    told", fd);
	delete(0x140);
	message = bcm(RX_SETUP, RX_FILTER_ID | SETTIMER | STARTTIMER, 0x141, 0);
	set_times(&message, 0, 20, 0);
	tell("a timeout, STARTTIMER", fd, &message);
	say_told("    told", fd);
	delete(0x141);
	setup("a mask", 0, 0x142, 1, (unsigned char[][2]){{0xff, 0xff}});
	message = bcm(RX_SETUP, SETTIMER | STARTTIMER | RX_ANNOUNCE_RESUME, 0x142, 1);
	memset(message.frames[0].data, 0xff, 8);
	set_times(&message, 0, 20, 0);
	tell("a timeout, RX_ANNOUNCE_RESUME", fd, &message);
	say_told("    told", fd);
	send_data(0x142, 2, 1, 1);
	say_told("    told", fd);
	say_told("    told", fd);
	send_data(0x142, 2, 1, 1);
	say_told("    the same data again: told", fd);
	say_told("    told", fd);
	delete(0x142);
	message = bcm(RX_SETUP, SETTIMER | STARTTIMER, 0x143, 1);
	memset(message.frames[0].data, 0xff, 8);
	set_times(&message, 0, 20, 0);
	tell("a timeout, without RX_ANNOUNCE_RESUME", fd, &message);
	say_told("    told", fd);
	send_data(0x143, 2, 1, 1);
	say_told("    told", fd);
	say_told("    told", fd);
	send_data(0x143, 2, 1, 1);
	say_told("    the same data again: told", fd);
	delete(0x143);
	message = bcm(RX_SETUP, SETTIMER | RX_NO_AUTOTIMER | RX_FILTER_ID, 0x144, 0);
	set_times(&message, 0, 20, 0);
	tell("RX_NO_AUTOTIMER", fd, &message);
	send_data(0x144, 1, 1, 0);
	say_told("    told", fd);
	usleep(60000);
	say_until_marked("    told");
	delete(0x144);

	// Throttled: the last of several within the time, which is long enough to send them all.
	message = bcm(RX_SETUP, SETTIMER, 0x150, 1);
	memset(message.frames[0].data, 0xff, 8);
	set_times(&message, 0, 0, 500);
	tell("throttled", fd, &message);
	for (int i = 1; i < 6; i++)
		send_data(0x150, 2, i, i);
	say_told("    told at once", fd);
	say_told("    told later", fd);
	say_until_marked("    told");
	delete(0x150);

	// An answer to an RTR frame.
	int raw = raw_on("vcan0");
	message = bcm(RX_SETUP, RX_RTR_FRAME, CAN_RTR_FLAG | 0x160, 1);
	message.frames[0] = classic(0x160, 3);
	tell("RX_RTR_FRAME", fd, &message);
	send_frame(writer, CAN_RTR_FLAG | 0x160, 0);
	say_next("    the question", raw);
	say_next("    the answer", raw);
	send_frame(writer, 0x160, 1);
	say_next("    a data frame", raw);
	send_mark(writer);
	say_until_mark("    nothing else", raw);
	message = bcm(RX_SETUP, RX_RTR_FRAME, CAN_RTR_FLAG | 0x161, 1);
	message.frames[0] = classic(CAN_RTR_FLAG | 0x161, 3);
	tell("RX_RTR_FRAME, the answer is an RTR frame", fd, &message);
	send_frame(writer, CAN_RTR_FLAG | 0x161, 0);
	say_next("    the question", raw);
	say_next("    the answer", raw);
	delete(CAN_RTR_FLAG | 0x161);
	delete(CAN_RTR_FLAG | 0x160);
	MUST(close(raw));
	say_told("the marker was sent", fd);

	// FD frames: of one identifier, both kinds of operations.
	set_raw(writer, CAN_RAW_FD_FRAMES, 1);
	message = bcm(RX_SETUP, RX_FILTER_ID | CAN_FD_FRAME, 0x170, 0);
	tell("RX_FILTER_ID, FD", fd, &message);
	struct canfd_frame frame = flexible(0x170, 12);
	MUST(write(writer, &frame, sizeof frame));
	say_told("    told", fd);
	send_data(0x170, 1, 1, 1);
	say_until_marked("    a classic frame");
	message = bcm(RX_SETUP, RX_FILTER_ID, 0x171, 0);
	tell("RX_FILTER_ID", fd, &message);
	frame.can_id = 0x171;
	MUST(write(writer, &frame, sizeof frame));
	say_until_marked("    an FD frame");

	// From every interface.
	int any = bcm_on(NULL), at1 = raw_on("vcan1");
	message = bcm(RX_SETUP, RX_FILTER_ID, 0x180, 0);
	tell("connected to all: RX_SETUP", any, &message);
	send_frame(at1, 0x180, 1);
	say_told("    from vcan1", any);
	send_frame(writer, 0x180, 1);
	say_told("    from vcan0", any);
	struct sockaddr_can vcan1 = on("vcan1");
	message.head.can_id = 0x181;
	CALL_AS("connected to all: RX_SETUP of vcan1", sendto(any, &message, bcm_size(&message), 0, SA(vcan1), sizeof vcan1));
	send_frame(writer, 0x181, 1);
	send_frame(at1, 0x181, 1);
	say_told("    told", any);

	// Buffers that are too short, and flags.
	message = bcm(RX_SETUP, RX_FILTER_ID, 0x190, 0);
	tell("RX_SETUP", fd, &message);
	static const int sizes[] = {0, 8, 56, 71, 72, 100};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		char bytes[200];
		struct iovec part = {bytes, sizes[i]};
		struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
		send_data(0x190, 1, 1, 1);
		MUST(wait_readable(fd));
		CALL_AS(text("recvmsg, %d bytes", sizes[i]), recvmsg(fd, &header, 0));
		printf("    %s\n", flag_names(header.msg_flags));
	}
	send_data(0x190, 1, 1, 1);
	MUST(wait_readable(fd));
	char bytes[200];
	CALL_AS("MSG_PEEK", recv(fd, bytes, sizeof bytes, MSG_PEEK));
	CALL_AS("MSG_PEEK|MSG_TRUNC, 8 bytes", recv(fd, bytes, 8, MSG_PEEK | MSG_TRUNC));
	CALL_AS("MSG_TRUNC, 8 bytes", recv(fd, bytes, 8, MSG_TRUNC));
	CALL_AS("MSG_DONTWAIT", recv(fd, bytes, 8, MSG_DONTWAIT));
	CALL_AS("MSG_ERRQUEUE", recv(fd, bytes, 8, MSG_ERRQUEUE | MSG_DONTWAIT));
	int on = 1;
	MUST(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on));
	send_data(0x190, 1, 1, 1);
	char control[128];
	struct iovec part = {bytes, sizeof bytes};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	MUST(wait_readable(fd));
	CALL_AS("SO_TIMESTAMP", recvmsg(fd, &header, 0));
	printf("    %zu bytes of control messages\n", header.msg_controllen);
}
