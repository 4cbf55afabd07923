// CAN_RAW_LOOPBACK and CAN_RAW_RECV_OWN_MSGS: who gets a frame, with which flags, in which order.
#include "can.h"

static void say_both(const char *label, int first, int second)
{
	say_until_mark(text("%s, the sender", label), first);
	say_until_mark(text("%s, the other", label), second);
}

int main(void)
{
	int a = raw_on("vcan0"), b = raw_on("vcan0"), all = raw_on(NULL);
	int sender = raw_on("vcan0");
	for (int loopback = 0; loopback < 2; loopback++)
		for (int own = 0; own < 2; own++) {
			set_raw(a, CAN_RAW_LOOPBACK, loopback);
			set_raw(a, CAN_RAW_RECV_OWN_MSGS, own);
			send_frame(a, 0x100 + 2 * loopback + own, 1);
			send_mark(sender);
			say_both(text("LOOPBACK %d, RECV_OWN_MSGS %d", loopback, own), a, b);
		}
	say_until_mark("bound to all", all);
	for (int i = 0; i < 3; i++)
		say_until_mark("bound to all", all);

	// Other values than 0 and 1.
	set_raw(a, CAN_RAW_LOOPBACK, 2);
	set_raw(a, CAN_RAW_RECV_OWN_MSGS, -1);
	say_option("LOOPBACK 2", a, SOL_CAN_RAW, CAN_RAW_LOOPBACK, 4);
	say_option("RECV_OWN_MSGS -1", a, SOL_CAN_RAW, CAN_RAW_RECV_OWN_MSGS, 4);
	send_frame(a, 0x110, 1);
	send_mark(sender);
	say_both("2 and -1", a, b);
	set_raw(a, CAN_RAW_LOOPBACK, 256);
	set_raw(a, CAN_RAW_RECV_OWN_MSGS, 256);
	say_option("LOOPBACK 256", a, SOL_CAN_RAW, CAN_RAW_LOOPBACK, 4);
	say_option("RECV_OWN_MSGS 256", a, SOL_CAN_RAW, CAN_RAW_RECV_OWN_MSGS, 4);
	send_frame(a, 0x111, 1);
	send_mark(sender);
	say_both("256", a, b);
	set_raw(a, CAN_RAW_LOOPBACK, 1);
	set_raw(a, CAN_RAW_RECV_OWN_MSGS, 1);

	// The flags, and the order between own frames and others'.
	send_frame(a, 0x120, 1);
	send_frame(b, 0x121, 1);
	send_frame(a, 0x122, 1);
	for (int i = 0; i < 3; i++)
		say_next("at a", a);
	for (int i = 0; i < 2; i++)
		say_next("at b", b);
	for (int i = 0; i < 3; i++)
		say_next("at the one for all", all);

	// Own frames pass the own filters.
	SET_FILTERS(a, {0x130, 0x7ff}, MARK_FILTER);
	send_frame(a, 0x130, 0);
	send_frame(a, 0x131, 0);
	send_mark(a);
	say_until_mark("own frames and a filter", a);
	MUST(setsockopt(a, SOL_CAN_RAW, CAN_RAW_FILTER, NULL, 0));
	send_frame(a, 0x130, 0);
	say_nothing_more("own frames and no filter", a);
	SET_FILTERS(a, {0, 0});

	// A copy of the descriptor is the same socket, another process' too.
	int copy = MUST(dup(a));
	set_raw(a, CAN_RAW_RECV_OWN_MSGS, 0);
	send_frame(copy, 0x140, 0);
	send_mark(sender);
	say_until_mark("sent through a copy", a);
	pid_t child = MUST(fork());
	if (child == 0) {
		send_frame(a, 0x141, 0);
		_exit(0);
	}
	say_child("child", child);
	send_mark(sender);
	say_until_mark("sent by a child", a);

	// Bound to all, with sendto: its own frames come with the interface that they went to.
	struct sockaddr_can vcan1 = on("vcan1");
	struct can_frame frame = classic(0x150, 1);
	int other = raw_on(NULL);
	set_raw(other, CAN_RAW_RECV_OWN_MSGS, 1);
	MUST(sendto(other, &frame, sizeof frame, 0, SA(vcan1), sizeof vcan1));
	say_next("bound to all, sent to vcan1", other);
	// Bound to vcan0, sent to vcan1: the frame does not come back.
	set_raw(a, CAN_RAW_RECV_OWN_MSGS, 1);
	frame.can_id = 0x151;
	MUST(sendto(a, &frame, sizeof frame, 0, SA(vcan1), sizeof vcan1));
	send_mark(sender);
	say_until_mark("bound to vcan0, sent to vcan1", a);
	// Not bound, with RECV_OWN_MSGS: nothing.
	int none = unbound();
	set_raw(none, CAN_RAW_RECV_OWN_MSGS, 1);
	MUST(sendto(none, &frame, sizeof frame, 0, SA(vcan1), sizeof vcan1));
	say_nothing_more("not bound", none);

	// FD frames as well.
	set_raw(a, CAN_RAW_FD_FRAMES, 1);
	struct canfd_frame fd = flexible(0x160, 9);
	MUST(write(a, &fd, sizeof fd));
	say_next("an FD frame of its own", a);
	// The sender's option is that of the moment of sending.
	send_frame(a, 0x170, 0);
	set_raw(a, CAN_RAW_RECV_OWN_MSGS, 0);
	say_next("switched off later", a);
}
