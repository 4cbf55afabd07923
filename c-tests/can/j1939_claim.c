// J1939: names, and the addresses that are claimed for them.
#include "j1939.h"

static const uint64_t NAME_A = 0x0102030405060708, NAME_B = 0x1102030405060708;

static int raw;

static void claim(const char *label, int fd, uint64_t name)
{
	struct sockaddr_can to = j1939_address(J1939_NO_NAME, J1939_PGN_ADDRESS_CLAIMED, J1939_NO_ADDR);
	CALL_AS(label, sendto(fd, &name, sizeof name, 0, SA(to), sizeof to));
}

static void wait_claim(void) { usleep(400000); }

int main(void)
{
	raw = raw_on("vcan0");
	int a = j1939_unbound(), b = j1939_unbound(), static_one = j1939_broadcaster(0x40);
	struct sockaddr_can name_a = j1939_address(NAME_A, J1939_NO_PGN, 0x80), name_b = j1939_address(NAME_B, J1939_NO_PGN, 0x80);
	CALL_AS("bind a name with an address", bind(a, SA(name_a), sizeof name_a));
	say_j1939_name("getsockname", getsockname, a);
	send_to("not claimed", a, 3, 0, 0xef00, 0x40);
	claim("claim, without SO_BROADCAST", a, NAME_A);
	set_option(a, SOL_SOCKET, SO_BROADCAST, 1);
	uint64_t wrong = NAME_B;
	claim("claim another name", a, wrong);
	struct sockaddr_can to = j1939_address(J1939_NO_NAME, J1939_PGN_ADDRESS_CLAIMED, J1939_NO_ADDR);
	CALL_AS("claim with 7 bytes", sendto(a, &name_a.can_addr.j1939.name, 7, 0, SA(to), sizeof to));
	claim("claim", a, NAME_A);
	say_bus("    bus", raw, 1);
	say_message("    at another", static_one);
	send_to("at once", a, 3, 0, 0xef00, 0x40);
	wait_claim();
	send_to("after a while", a, 3, 0, 0xef00, 0x40);
	say_bus("    bus", raw, 1);
	say_message("    arrives", static_one);
	send_to("to it", static_one, 4, 0, 0xef00, 0x80);
	say_bus("    bus", raw, 1);
	say_message("    arrives", a);
	send_to("to its name", static_one, 5, NAME_A, 0xef00, J1939_NO_ADDR);
	say_bus("    bus", raw, 1);
	say_message("    arrives", a);

	// Another with the same address: the lower name has it.
	set_option(b, SOL_SOCKET, SO_BROADCAST, 1);
	CALL_AS("bind another name with this address", bind(b, SA(name_b), sizeof name_b));
	claim("claim", b, NAME_B);
	say_bus("    bus", raw, 1);
	say_message("    at the other", a);
	wait_claim();
	send_to("the higher name", b, 3, 0, 0xef00, 0x40);
	send_to("the lower name", a, 3, 0, 0xef00, 0x40);
	say_bus("    bus", raw, 1);
	say_message("    at the one with an address", static_one);
	say_message("    at the one with an address", static_one);
	// It takes another address.
	struct sockaddr_can other = j1939_address(NAME_B, J1939_NO_PGN, 0x81);
	CALL_AS("bind another address", bind(b, SA(other), sizeof other));
	claim("claim", b, NAME_B);
	say_bus("    bus", raw, 1);
	wait_claim();
	send_to("the higher name", b, 4, NAME_A, 0xef00, J1939_NO_ADDR);
	say_bus("    bus", raw, 1);
	// Between two names.
	int got = 0;
	for (int i = 0; i < 4 && !got; i++) {
		struct sockaddr_can from;
		socklen_t length = sizeof from;
		unsigned char bytes[20];
		MUST(wait_readable(a));
		long size = MUST(recvfrom(a, bytes, sizeof bytes, 0, SA(from), &length));
		printf("    at the lower name: %ld bytes from %s\n", size, j1939_text(&from));
		got = size == 4;
	}
	say_j1939_name("getsockname", getsockname, b);
	// By a raw socket: a claim is a frame like others.
	int peer = raw_on("vcan0");
	uint64_t name = 0x55;
	struct can_frame frame = {.can_id = CAN_EFF_FLAG | 0x18eeff90, .len = 8};
	memcpy(frame.data, &name, 8);
	MUST(write(peer, &frame, sizeof frame));
	say_bus("a claim by a raw socket", raw, 1);
	wait_claim();
	send_to("to that name", static_one, 6, 0x55, 0xef00, J1939_NO_ADDR);
	say_bus("    bus", raw, 1);
	// A request for claims is nobody's but the program's.
	struct sockaddr_can all = j1939_address(J1939_NO_NAME, J1939_PGN_REQUEST, J1939_NO_ADDR);
	unsigned char request[3] = {0x00, 0xee, 0x00};
	CALL_AS("a request for claims", sendto(static_one, request, 3, 0, SA(all), sizeof all));
	say_bus("    bus", raw, 1);
	send_frame(peer, MARK, 0);
	say_bus("    bus", raw, 1);
	// To have no address.
	struct sockaddr_can idle = j1939_address(NAME_B, J1939_NO_PGN, J1939_IDLE_ADDR);
	CALL_AS("bind the idle address", bind(b, SA(idle), sizeof idle));
	claim("claim", b, NAME_B);
	say_bus("    bus", raw, 1);
	wait_claim();
	send_to("without an address", b, 3, 0, 0xef00, 0x40);
	send_to("to a name without an address", a, 3, NAME_B, 0xef00, J1939_NO_ADDR);
}
