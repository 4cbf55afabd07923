// ISO-TP: every option, its lengths and values, before and after bind.
#include "isotp.h"

static const struct {
	const char *name;
	int number, size;
} options[] = {{"OPTS", CAN_ISOTP_OPTS, sizeof(struct can_isotp_options)},
	       {"RECV_FC", CAN_ISOTP_RECV_FC, sizeof(struct can_isotp_fc_options)},
	       {"TX_STMIN", CAN_ISOTP_TX_STMIN, 4},
	       {"RX_STMIN", CAN_ISOTP_RX_STMIN, 4},
	       {"LL_OPTS", CAN_ISOTP_LL_OPTS, sizeof(struct can_isotp_ll_options)}};

int main(void)
{
	unsigned char bytes[64];
	int fd = isotp_unbound();
	for (size_t i = 0; i < COUNT(options); i++) {
		for (int length = 0; length <= 16; length++)
			say_option(text("get %s", options[i].name), fd, SOL_CAN_ISOTP, options[i].number, length);
		say_option(text("get %s", options[i].name), fd, SOL_CAN_ISOTP, options[i].number, -1);
		socklen_t given = options[i].size;
		MUST(getsockopt(fd, SOL_CAN_ISOTP, options[i].number, bytes, &given));
		for (int length = 0; length <= 16; length++)
			CALL_AS(text("set %s, length %d", options[i].name, length), setsockopt(fd, SOL_CAN_ISOTP, options[i].number, bytes, length));
		CALL_AS(text("set %s, no memory", options[i].name), setsockopt(fd, SOL_CAN_ISOTP, options[i].number, NOWHERE, options[i].size));
		CALL_AS(text("set %s, no memory, length 1", options[i].name), setsockopt(fd, SOL_CAN_ISOTP, options[i].number, NOWHERE, 1));
		CALL_AS(text("get %s, no memory", options[i].name), getsockopt(fd, SOL_CAN_ISOTP, options[i].number, NOWHERE, &given));
	}
	static const int unknown[] = {0, 6, 7, 100, -1};
	for (size_t i = 0; i < COUNT(unknown); i++) {
		CALL_AS(text("set %d", unknown[i]), setsockopt(fd, SOL_CAN_ISOTP, unknown[i], bytes, 4));
		say_option(text("get %d", unknown[i]), fd, SOL_CAN_ISOTP, unknown[i], 4);
	}
	static const int levels[] = {0, SOL_CAN_BASE, SOL_CAN_RAW, SOL_CAN_BASE + CAN_J1939};
	for (size_t i = 0; i < COUNT(levels); i++) {
		CALL_AS(text("set level %d", levels[i]), setsockopt(fd, levels[i], 1, bytes, 12));
		say_option(text("get level %d", levels[i]), fd, levels[i], 1, 12);
	}
	// Flags one by one: which are kept, and which are refused.
	for (int bit = 0; bit < 32; bit++) {
		struct can_isotp_options one = {.flags = 1u << bit, .ext_address = 1, .txpad_content = 2, .rxpad_content = 3, .rx_ext_address = 4};
		CALL_AS(text("OPTS, flags %#x", one.flags), setsockopt(fd, SOL_CAN_ISOTP, CAN_ISOTP_OPTS, &one, sizeof one));
		say_option("    then", fd, SOL_CAN_ISOTP, CAN_ISOTP_OPTS, 64);
	}
	static const unsigned pairs[] = {CAN_ISOTP_LISTEN_MODE | CAN_ISOTP_WAIT_TX_DONE, CAN_ISOTP_SF_BROADCAST | CAN_ISOTP_CF_BROADCAST,
					 CAN_ISOTP_RX_EXT_ADDR | CAN_ISOTP_EXTEND_ADDR, 0xffffffff};
	for (size_t i = 0; i < COUNT(pairs); i++) {
		struct can_isotp_options one = {.flags = pairs[i]};
		CALL_AS(text("OPTS, flags %#x", one.flags), setsockopt(fd, SOL_CAN_ISOTP, CAN_ISOTP_OPTS, &one, sizeof one));
		say_option("    then", fd, SOL_CAN_ISOTP, CAN_ISOTP_OPTS, 64);
	}
	// The time of a frame: 0 keeps what it was, all bits are 0.
	static const unsigned times[] = {1000, 0, 0xffffffff, 0, 1, 4000000000};
	for (size_t i = 0; i < COUNT(times); i++) {
		struct can_isotp_options one = {.frame_txtime = times[i]};
		CALL_AS(text("OPTS, frame_txtime %u", times[i]), setsockopt(fd, SOL_CAN_ISOTP, CAN_ISOTP_OPTS, &one, sizeof one));
		say_option("    then", fd, SOL_CAN_ISOTP, CAN_ISOTP_OPTS, 64);
	}
	for (int stmin = 0; stmin < 256; stmin += 1) {
		struct can_isotp_fc_options fc = {255, stmin, 255};
		errno = UNTOUCHED;
		if (setsockopt(fd, SOL_CAN_ISOTP, CAN_ISOTP_RECV_FC, &fc, sizeof fc))
			printf("RECV_FC, stmin %#x: %s\n", stmin, errno_name(errno));
	}
	say_option("RECV_FC", fd, SOL_CAN_ISOTP, CAN_ISOTP_RECV_FC, 64);
	for (int mtu = 0; mtu < 256; mtu++)
		for (int length = 0; length < 256; length++)
			if (isotp_ll(fd, mtu, length, 0) == 0)
				printf("LL_OPTS, mtu %d, length %d: taken\n", mtu, length);
	for (int flags = 0; flags < 256; flags = flags ? flags * 2 : 1) {
		CALL_AS(text("LL_OPTS, FD, flags %#x", flags), isotp_ll(fd, CANFD_MTU, 64, flags));
		CALL_AS(text("LL_OPTS, classic, flags %#x", flags), isotp_ll(fd, CAN_MTU, 8, flags));
	}
	static const int errors[][2] = {{17, 8}, {16, 64}, {16, 9}, {72, 9}, {72, 65}, {72, 7}, {0, 8}};
	for (size_t i = 0; i < COUNT(errors); i++)
		CALL_AS(text("LL_OPTS, mtu %d, length %d", errors[i][0], errors[i][1]), isotp_ll(fd, errors[i][0], errors[i][1], 0));

	isotp_bind(fd, 0x123, 0x456);
	for (size_t i = 0; i < COUNT(options); i++) {
		socklen_t given = options[i].size;
		MUST(getsockopt(fd, SOL_CAN_ISOTP, options[i].number, bytes, &given));
		CALL_AS(text("bound: set %s", options[i].name), setsockopt(fd, SOL_CAN_ISOTP, options[i].number, bytes, given));
		CALL_AS(text("bound: set %s, length 1", options[i].name), setsockopt(fd, SOL_CAN_ISOTP, options[i].number, bytes, 1));
	}
	CALL_AS("bound: set an unknown one", setsockopt(fd, SOL_CAN_ISOTP, 100, bytes, 4));
	CALL_AS("bound: set SOL_CAN_RAW", setsockopt(fd, SOL_CAN_RAW, 1, bytes, 4));

	// FD frames on an interface that does not take them.
	int large = isotp_unbound();
	MUST(isotp_ll(large, CANFD_MTU, 64, 0));
	struct sockaddr_can cc = isotp_address("vcancc", 0x123, 0x456);
	CALL_AS("bind, FD frames on vcancc", bind(large, SA(cc), sizeof cc));
	CALL_AS("    write", write(large, bytes, 5));
	CALL_AS("    write of several frames", write(large, bytes, 64));
}
