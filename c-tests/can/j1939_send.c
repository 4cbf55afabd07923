// J1939: messages of up to eight bytes, as a raw socket sees them, and who gets them.
#include "j1939.h"

int main(void)
{
	int a = j1939_at(0x20), b = j1939_at(0x30), c = j1939_at(0x40), raw = raw_on("vcan0");
	set_option(b, SOL_SOCKET, SO_BROADCAST, 0);

	for (int length = 0; length <= 8; length++) {
		send_to("a to b", a, length, 0, 0xef00, 0x30);
		say_bus("    bus", raw, 1);
		say_message("    arrives", b);
	}
	say_no_message("at c", c);
	say_no_message("at a", a);
	// Broadcasts.
	send_to("without SO_BROADCAST", a, 3, 0, 0xef00, 0xff);
	send_to("without SO_BROADCAST", a, 3, 0, 0xfeca, 0xff);
	set_option(a, SOL_SOCKET, SO_BROADCAST, 1);
	send_to("with SO_BROADCAST", a, 3, 0, 0xef00, 0xff);
	say_bus("    bus", raw, 1);
	say_message("    at b, which has no SO_BROADCAST", b);
	say_message("    at c", c);
	send_to("with SO_BROADCAST", a, 3, 0, 0xfeca, 0xff);
	say_bus("    bus", raw, 1);
	say_message("    at b", b);
	say_message("    at c", c);
	say_no_message("at a", a);
	// Numbers and addresses.
	static const struct {
		uint32_t pgn;
		int address;
	} targets[] = {{0, 0x30}, {0xea00, 0x30}, {0xea01, 0x30}, {0x1ef00, 0x30}, {0x3ef00, 0x30}, {0xf004, 0x30}, {0xf004, 0xff}, {0x3ffff, 0xff},
		       {J1939_NO_PGN, 0x30}, {0x40000, 0xff}, {0xef00, 0xfe}, {0xef00, 0x20}, {0xee00, 0xff}, {0xec00, 0x30}, {0xeb00, 0x30}};
	for (size_t i = 0; i < COUNT(targets); i++) {
		if (send_to("a", a, 4, 0, targets[i].pgn, targets[i].address) < 0)
			continue;
		say_bus("    bus", raw, 1);
	}
	MUST(close(b));
	MUST(close(c));
	b = j1939_at(0x30);
	c = j1939_at(0x40);

	// Priorities.
	for (int priority = 0; priority < 8; priority++) {
		CALL_AS(text("SEND_PRIO %d", priority), setsockopt(a, SOL_CAN_J1939, SO_J1939_SEND_PRIO, &priority, sizeof priority));
		send_to("    a to b", a, 2, 0, 0xef00, 0x30);
		say_bus("    bus", raw, 1);
		say_message("    arrives", b);
	}
	// Connected.
	struct sockaddr_can peer = j1939_address(0, 0x12300, 0x30);
	CALL_AS("connect", connect(a, SA(peer), sizeof peer));
	CALL_AS("write", write(a, message_bytes(), 5));
	say_bus("    bus", raw, 1);
	say_message("    arrives", b);
	send_to("connected, to another", a, 2, 0, 0xef00, 0x40);
	say_bus("    bus", raw, 1);
	say_message("    arrives", c);
	// A connected socket hears only its peer.
	send_to("its peer", b, 2, 0, 0xef00, 0x20);
	say_bus("    bus", raw, 1);
	say_message("    arrives", a);
	send_to("another", c, 2, 0, 0xef00, 0x20);
	say_bus("    bus", raw, 1);
	say_no_message("    the connected one", a);
	// Bound with a number, it hears that one only.
	int numbered = j1939_unbound();
	struct sockaddr_can own = j1939_address(0, 0x12300, 0x50);
	MUST(bind(numbered, SA(own), sizeof own));
	send_to("another number", b, 2, 0, 0xef00, 0x50);
	send_to("its number", b, 3, 0, 0x12300, 0x50);
	say_message("    arrives", numbered);
	say_bus("    bus", raw, 2);
	CALL_AS("bound with a number, sendto without one", ({
			struct sockaddr_can to = j1939_address(0, J1939_NO_PGN, 0x30);
			sendto(numbered, message_bytes(), 2, 0, SA(to), sizeof to);
		}));
	say_message("    arrives", b);

	// Everything, with SO_J1939_PROMISC.
	int all = j1939_unbound();
	struct sockaddr_can nobody = j1939_address(0, J1939_NO_PGN, J1939_NO_ADDR);
	MUST(bind(all, SA(nobody), sizeof nobody));
	send_to("c to b", c, 2, 0, 0xef00, 0x30);
	say_message("    at b", b);
	say_no_message("    without an address", all);
	set_option(all, SOL_CAN_J1939, SO_J1939_PROMISC, 1);
	send_to("c to b", c, 3, 0, 0xef00, 0x30);
	say_message("    with PROMISC", all);
	say_message("    at b", b);
	send_to("without an address", all, 3, 0, 0xef00, 0x30);
	send_to("with one", c, 4, 0, 0xef00, 0x30);
	say_message("    at b", b);
	// Filters.
	struct j1939_filter filter = {.addr = 0x20, .addr_mask = 0xff};
	int filtered = j1939_at(0x60);
	MUST(setsockopt(filtered, SOL_CAN_J1939, SO_J1939_FILTER, &filter, sizeof filter));
	send_to("c, filtered", c, 2, 0, 0xef00, 0x60);
	send_to("a, passes", a, 3, 0, 0xef00, 0x60);
	say_message("    arrives", filtered);
	filter = (struct j1939_filter){.pgn = 0x12300, .pgn_mask = 0x3ffff};
	MUST(setsockopt(filtered, SOL_CAN_J1939, SO_J1939_FILTER, &filter, sizeof filter));
	send_to("c, filtered", c, 2, 0, 0xef00, 0x60);
	send_to("c, passes", c, 4, 0, 0x12300, 0x60);
	say_message("    arrives", filtered);
	CALL_AS("no filters", setsockopt(filtered, SOL_CAN_J1939, SO_J1939_FILTER, NULL, 0));
	send_to("c", c, 5, 0, 0xef00, 0x60);
	say_message("    arrives", filtered);

	// A raw frame is a message: of 29 bits, not of 11.
	int writer = raw_on("vcan0");
	send_frame(writer, 0x123, 8);
	send_frame(writer, CAN_EFF_FLAG | CAN_RTR_FLAG | 0x18ef3099, 8);
	struct can_frame frame = {.can_id = CAN_EFF_FLAG | 0x18ef3099, .len = 6, .data = {0, 1, 2, 3, 4, 5}};
	MUST(write(writer, &frame, sizeof frame));
	say_message("    arrives at b", b);
	frame.can_id = CAN_EFF_FLAG | 0x0cf00499;
	MUST(write(writer, &frame, sizeof frame));
	say_message("    arrives at b, without SO_BROADCAST", b);
	set_option(b, SOL_SOCKET, SO_BROADCAST, 1);
	MUST(write(writer, &frame, sizeof frame));
	say_message("    arrives at b", b);

	// Buffers and flags.
	char bytes[100];
	struct iovec part = {bytes, 2};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	frame.can_id = CAN_EFF_FLAG | 0x18ef3099;
	MUST(write(writer, &frame, sizeof frame));
	MUST(wait_readable(b));
	CALL_AS("MSG_PEEK, 2 bytes", recv(b, bytes, 2, MSG_PEEK));
	CALL_AS("MSG_PEEK|MSG_TRUNC, 2 bytes", recv(b, bytes, 2, MSG_PEEK | MSG_TRUNC));
	CALL_AS("recvmsg, 2 bytes", recvmsg(b, &message, 0));
	printf("    %s\n", flag_names(message.msg_flags));
	say_no_message("    the rest", b);
	CALL_AS("MSG_OOB", recv(b, bytes, 2, MSG_OOB | MSG_DONTWAIT));
	CALL_AS("MSG_ERRQUEUE", recv(b, bytes, 2, MSG_ERRQUEUE | MSG_DONTWAIT));
	struct sockaddr_can to = j1939_address(0, 0xef00, 0x30);
	for (int length = 0; length <= 32; length += 4)
		CALL_AS(text("sendto, length %d", length), sendto(c, bytes, 2, 0, SA(to), length));
	to.can_family = AF_INET;
	CALL_AS("sendto, AF_INET", sendto(c, bytes, 2, 0, SA(to), sizeof to));
	to = j1939_address(0, 0xef00, 0x30);
	to.can_ifindex = index_of("vcan1");
	CALL_AS("sendto, another interface", sendto(c, bytes, 2, 0, SA(to), sizeof to));
	to.can_ifindex = 0;
	CALL_AS("sendto, no interface", sendto(c, bytes, 2, 0, SA(to), sizeof to));
	to = j1939_address(0x1122, 0xef00, J1939_NO_ADDR);
	CALL_AS("sendto, an unknown name", sendto(c, bytes, 2, 0, SA(to), sizeof to));
	CALL_AS("no memory", send(c, NOWHERE, 2, 0));
	sleep(1);
}
