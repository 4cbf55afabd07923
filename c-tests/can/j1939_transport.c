// J1939: messages of more than eight bytes, to one and to all, as a raw socket sees them; and transfers that fail.
#include "j1939.h"

static int raw;

// The frames of one transfer: until the acknowledgement of the whole, or a number of them. Of many, the first ones are printed.
static void say_transfer(int frames, int most)
{
	int count = 0;
	for (int last = 0; !last && wait_readable(raw);) {
		struct can_frame frame;
		MUST(read(raw, &frame, sizeof frame));
		if (++count <= most)
			printf("    bus: %s\n", frame_text(&frame, sizeof frame));
		int control = (frame.can_id >> 16 & 0xff) == 0xec || (frame.can_id >> 16 & 0xff) == 0xc8;
		last = frames ? count == frames : control && (frame.data[0] == 19 || frame.data[0] == 23);
	}
	printf("    bus: %d frames\n", count);
}

int main(void)
{
	int a = j1939_broadcaster(0x20), b = j1939_broadcaster(0x30);
	raw = raw_on("vcan0");
	// It has to hold a whole transfer.
	set_option(raw, SOL_SOCKET, SO_RCVBUF, 212992);
	static const int sizes[] = {9, 14, 15, 50, 100};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		send_to("to one", a, sizes[i], 0, 0xef00, 0x30);
		say_message("    arrives", b);
		say_transfer(0, 20);
	}
	for (size_t i = 0; i < COUNT(sizes); i++) {
		send_to("to all", a, sizes[i], 0, 0xfeca, 0xff);
		say_message("    arrives", b);
		say_transfer(1 + (sizes[i] + 6) / 7, 20);
	}
	send_to("back", b, 30, 0, 0x12300, 0x20);
	say_message("    arrives", a);
	say_transfer(0, 20);
	send_to("to one", a, 1785, 0, 0xef00, 0x30);
	say_message("    arrives", b);
	say_transfer(0, 5);
	send_to("the extended protocol", a, 1786, 0, 0xef00, 0x30);
	say_message("    arrives", b);
	say_transfer(0, 8);
	send_to("to all, too much", a, 1786, 0, 0xfeca, 0xff);
	CALL_AS("far too much", ({
			struct sockaddr_can to = j1939_address(0, 0xef00, 0x30);
			static char large[1];
			sendto(a, large, 117440513, 0, SA(to), sizeof to);
		}));
	// Two at once to one receiver wait for each other; a message of a frame does not.
	send_to("the first", a, 20, 0, 0xef00, 0x30);
	send_to("the second", a, 21, 0, 0xef00, 0x30);
	send_to("a short one", a, 4, 0, 0xef00, 0x30);
	for (int i = 0; i < 3; i++)
		say_message("    arrives", b);
	MUST(close(raw));
	raw = raw_on("vcan0");

	// Nobody is there.
	send_to("nobody there", a, 20, 0, 0xef00, 0x77);
	say_bus("    bus", raw, 1);
	say_bus("    bus, later", raw, 1);
	struct pollfd wanted = {.fd = a, .events = 0};
	printf("    poll %d", poll(&wanted, 1, PATIENCE));
	printf(": %s, SO_ERROR %s\n", poll_names(wanted.revents), errno_name(int_option(a, SOL_SOCKET, SO_ERROR)));
	// The same with an error queue.
	set_option(a, SOL_CAN_J1939, SO_J1939_ERRQUEUE, 1);
	int flags = (1 << 4) | (1 << 7) | (1 << 8) | (1 << 9) | (1 << 11) | (1 << 12); // SOFTWARE, OPT_ID, TX_SCHED, TX_ACK, OPT_TSONLY, OPT_STATS.
	CALL_AS("SO_TIMESTAMPING", setsockopt(a, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags));
	MUST(close(raw));
	raw = raw_on("vcan0");
	send_to("nobody there", a, 20, 0, 0xef00, 0x77);
	say_bus("    bus", raw, 2);
	for (int i = 0; i < 2; i++)
		say_error_queue("    the error queue", a);
	printf("    SO_ERROR %s\n", errno_name(int_option(a, SOL_SOCKET, SO_ERROR)));
	send_to("somebody there", a, 20, 0, 0xef00, 0x30);
	say_message("    arrives", b);
	for (int i = 0; i < 2; i++)
		say_error_queue("    the error queue", a);
	// Sessions outlive their sockets: what follows on this bus should not see them.
	sleep(3);
}
