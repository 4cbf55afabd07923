// Sending by the broadcast manager, as a raw socket sees it. Cycles are counted, never timed.
#include "bcm.h"

static int fd, raw;

static void frames(const char *label, int count)
{
	for (int i = 0; i < count; i++)
		say_next(label, raw);
}

// Reads until none has come for many cycles. One that never ends is ended by the program's alarm.
static void until_quiet(int socket)
{
	struct pollfd polled = {socket, POLLIN, 0};
	struct canfd_frame frame;
	while (MUST(poll(&polled, 1, 300)) > 0)
		MUST(read(socket, &frame, sizeof frame));
}

static void end_of(canid_t id)
{
	struct bcm_message message = bcm(TX_DELETE, 0, id, 0);
	tell("TX_DELETE", fd, &message);
}

int main(void)
{
	struct bcm_message message;
	int writer = raw_on("vcan0");
	fd = bcm_on("vcan0");
	raw = raw_on("vcan0");
	set_raw(raw, CAN_RAW_FD_FRAMES, 1);

	message = bcm(TX_SEND, 0, 0x100, 1);
	tell("TX_SEND", fd, &message);
	frames("    arrives", 1);
	message.frames[0].can_id = 0x101;
	tell("TX_SEND, another id in the frame than in the head", fd, &message);
	frames("    arrives", 1);
	message = bcm(TX_SEND, CAN_FD_FRAME, 0x102, 1);
	tell("TX_SEND, FD", fd, &message);
	frames("    arrives", 1);
	message = bcm(TX_SEND, TX_CP_CAN_ID, 0x103, 1);
	message.frames[0].can_id = 0x777;
	tell("TX_SEND, TX_CP_CAN_ID", fd, &message);
	frames("    arrives", 1);

	// Without timers nothing is sent, but with TX_ANNOUNCE.
	message = bcm(TX_SETUP, 0, 0x110, 1);
	tell("TX_SETUP", fd, &message);
	send_mark(writer);
	say_until_mark("    arrives", raw);
	message = bcm(TX_SETUP, TX_ANNOUNCE, 0x110, 1);
	tell("TX_SETUP, TX_ANNOUNCE", fd, &message);
	frames("    arrives", 1);
	message = bcm(TX_READ, 0, 0x110, 0);
	tell("TX_READ", fd, &message);
	say_told("    answer", fd);
	message = bcm(TX_READ, 0, 0x110, 1);
	tell("TX_READ with a frame", fd, &message);
	say_told("    answer", fd);
	message = bcm(TX_READ, CAN_FD_FRAME, 0x110, 0);
	tell("TX_READ, FD", fd, &message);
	message = bcm(TX_READ, 0, 0x111, 0);
	tell("TX_READ of another", fd, &message);
	end_of(0x110);
	end_of(0x110);
	message = bcm(TX_READ, 0, 0x110, 0);
	tell("TX_READ", fd, &message);

	// A count of frames, then the end.
	message = bcm(TX_SETUP, SETTIMER | STARTTIMER, 0x120, 1);
	set_times(&message, 3, 5, 0);
	tell("three times", fd, &message);
	frames("    arrives", 3);
	usleep(50000);
	send_mark(writer);
	say_until_mark("    and then", raw);
	message.head.flags |= TX_COUNTEVT;
	tell("three times, TX_COUNTEVT", fd, &message);
	frames("    arrives", 3);
	say_told("    told", fd);
	say_untold("    and then", fd);
	message.head.flags |= TX_ANNOUNCE;
	tell("three times, TX_COUNTEVT, TX_ANNOUNCE", fd, &message);
	frames("    arrives", 3);
	say_told("    told", fd);
	send_mark(writer);
	say_until_mark("    and then", raw);
	message = bcm(TX_READ, 0, 0x120, 0);
	tell("TX_READ", fd, &message);
	say_told("    answer", fd);
	end_of(0x120);

	// Several frames in turn, a count and then for ever.
	message = bcm(TX_SETUP, SETTIMER | STARTTIMER | TX_COUNTEVT, 0x130, 3);
	set_times(&message, 2, 5, 10);
	tell("three frames in turn, without an end", fd, &message);
	frames("    arrives", 2);
	say_told("    told", fd);
	frames("    arrives", 5);
	end_of(0x130);
	// One may be under way when it is deleted.
	until_quiet(raw);
	send_mark(writer);
	say_until_mark("deleted", raw);

	// Changing what is sent.
	message = bcm(TX_SETUP, SETTIMER | STARTTIMER, 0x140, 2);
	set_times(&message, 0, 0, 0);
	tell("no times", fd, &message);
	send_mark(writer);
	say_until_mark("    arrives", raw);
	message = bcm(TX_SETUP, TX_ANNOUNCE, 0x140, 2);
	message.frames[0].data[0] = 0xaa;
	message.frames[1].data[0] = 0xbb;
	tell("other data", fd, &message);
	frames("    arrives", 1);
	tell("once more", fd, &message);
	frames("    arrives", 1);
	tell("once more", fd, &message);
	frames("    arrives", 1);
	message.head.flags |= TX_RESET_MULTI_IDX;
	tell("TX_RESET_MULTI_IDX", fd, &message);
	frames("    arrives", 1);
	tell("TX_RESET_MULTI_IDX", fd, &message);
	frames("    arrives", 1);
	message = bcm(TX_SETUP, TX_ANNOUNCE, 0x140, 1);
	tell("fewer frames", fd, &message);
	frames("    arrives", 1);
	message = bcm(TX_READ, 0, 0x140, 0);
	tell("TX_READ", fd, &message);
	say_told("    answer", fd);
	message = bcm(TX_SETUP, TX_ANNOUNCE, 0x140, 2);
	tell("as many as at first", fd, &message);
	message = bcm(TX_SETUP, TX_ANNOUNCE, 0x140, 3);
	tell("more frames", fd, &message);
	message = bcm(TX_SETUP, TX_ANNOUNCE, 0x140, 0);
	tell("no frames", fd, &message);
	send_mark(writer);
	while (wait_readable(raw)) {
		struct can_frame frame;
		MUST(read(raw, &frame, sizeof frame));
		if (frame.can_id == MARK)
			break;
		printf("    arrived: %s\n", frame_text(&frame, sizeof frame));
	}
	end_of(0x140);
	message = bcm(TX_SETUP, TX_ANNOUNCE | TX_CP_CAN_ID, 0x150, 2);
	message.frames[0].can_id = 0x1;
	tell("TX_CP_CAN_ID", fd, &message);
	frames("    arrives", 1);
	end_of(0x150);

	// FD and classic frames of one identifier are two operations.
	message = bcm(TX_SETUP, TX_ANNOUNCE, 0x160, 1);
	tell("classic", fd, &message);
	frames("    arrives", 1);
	message = bcm(TX_SETUP, TX_ANNOUNCE | CAN_FD_FRAME, 0x160, 1);
	tell("FD", fd, &message);
	frames("    arrives", 1);
	message = bcm(TX_READ, 0, 0x160, 0);
	tell("TX_READ", fd, &message);
	say_told("    answer", fd);
	message = bcm(TX_READ, CAN_FD_FRAME, 0x160, 0);
	tell("TX_READ, FD", fd, &message);
	say_told("    answer", fd);
	end_of(0x160);
	end_of(0x160);
	message = bcm(TX_DELETE, CAN_FD_FRAME, 0x160, 0);
	tell("TX_DELETE, FD", fd, &message);
	tell("TX_DELETE, FD", fd, &message);

	// The identifier with its flags; another socket's operations are its own.
	message = bcm(TX_SETUP, TX_ANNOUNCE, CAN_EFF_FLAG | 0x170, 1);
	tell("EFF", fd, &message);
	frames("    arrives", 1);
	message = bcm(TX_READ, 0, 0x170, 0);
	tell("TX_READ without EFF", fd, &message);
	int other = bcm_on("vcan0");
	message = bcm(TX_READ, 0, CAN_EFF_FLAG | 0x170, 0);
	tell("TX_READ by another socket", other, &message);
	tell("TX_READ", fd, &message);
	say_told("    answer", fd);

	// Frames of its own come back to it, as to others.
	message = bcm(RX_SETUP, RX_FILTER_ID, 0x180, 0);
	tell("RX_SETUP", fd, &message);
	tell("RX_SETUP by another", other, &message);
	message = bcm(TX_SEND, 0, 0x180, 1);
	tell("TX_SEND", fd, &message);
	say_told("    told the other", other);
	say_told("    told the sender", fd);

	// It goes on in a child, and until the last copy is closed.
	message = bcm(TX_SETUP, SETTIMER | STARTTIMER, 0x190, 1);
	set_times(&message, 0, 0, 5);
	frames("    arrives", 1);
	tell("for ever", other, &message);
	pid_t child = MUST(fork());
	if (child == 0) {
		MUST(close(other));
		_exit(0);
	}
	say_child("a child that closes its copy", child);
	frames("    arrives", 3);
	MUST(close(other));
	until_quiet(raw);
	send_mark(writer);
	say_until_mark("closed", raw);
}
