// Every option of CAN_RAW: levels, names, lengths, values, before and after bind.
#include "can.h"

static void each_option(const char *state, int fd)
{
	static const struct {
		const char *name;
		int number;
	} options[] = {
		{"ERR_FILTER", CAN_RAW_ERR_FILTER}, {"LOOPBACK", CAN_RAW_LOOPBACK}, {"RECV_OWN_MSGS", CAN_RAW_RECV_OWN_MSGS},
		{"FD_FRAMES", CAN_RAW_FD_FRAMES}, {"JOIN_FILTERS", CAN_RAW_JOIN_FILTERS}, {"XL_FRAMES", CAN_RAW_XL_FRAMES},
	};
	unsigned char zeros[300] = {0};
	for (size_t i = 0; i < COUNT(options); i++) {
		const char *name = options[i].name;
		for (int length = 0; length <= 12; length += length < 8 ? 1 : 4)
			say_option(text("%s: get %s", state, name), fd, SOL_CAN_RAW, options[i].number, length);
		say_option(text("%s: get %s", state, name), fd, SOL_CAN_RAW, options[i].number, -1);
		for (int length = 0; length <= 8; length++)
			CALL_AS(text("%s: set %s, length %d", state, name, length), setsockopt(fd, SOL_CAN_RAW, options[i].number, zeros, length));
		CALL_AS(text("%s: set %s, length -1", state, name), setsockopt(fd, SOL_CAN_RAW, options[i].number, zeros, -1));
		CALL_AS(text("%s: set %s, length 256", state, name), setsockopt(fd, SOL_CAN_RAW, options[i].number, zeros, 256));
		CALL_AS(text("%s: set %s, no memory", state, name), setsockopt(fd, SOL_CAN_RAW, options[i].number, NOWHERE, 4));
		CALL_AS(text("%s: set %s, no memory, length 3", state, name), setsockopt(fd, SOL_CAN_RAW, options[i].number, NOWHERE, 3));
		CALL_AS(text("%s: set %s, NULL", state, name), setsockopt(fd, SOL_CAN_RAW, options[i].number, NULL, 4));
		socklen_t length = 4;
		CALL_AS(text("%s: get %s, no memory", state, name), getsockopt(fd, SOL_CAN_RAW, options[i].number, NOWHERE, &length));
		CALL_AS(text("%s: get %s, no memory for the length", state, name), getsockopt(fd, SOL_CAN_RAW, options[i].number, zeros, NOWHERE));
	}
	static const int unknown[] = {0, 9, 10, 11, 100, -1};
	for (size_t i = 0; i < COUNT(unknown); i++) {
		CALL_AS(text("%s: set SOL_CAN_RAW %d", state, unknown[i]), setsockopt(fd, SOL_CAN_RAW, unknown[i], zeros, 4));
		say_option(text("%s: get SOL_CAN_RAW %d", state, unknown[i]), fd, SOL_CAN_RAW, unknown[i], 4);
		say_option(text("%s: get SOL_CAN_RAW %d", state, unknown[i]), fd, SOL_CAN_RAW, unknown[i], -1);
	}
	static const int levels[] = {0, 2, 6, 17, SOL_CAN_BASE, SOL_CAN_BASE + CAN_BCM, SOL_CAN_BASE + CAN_ISOTP, SOL_CAN_BASE + CAN_J1939,
				     SOL_CAN_BASE + 8, 255, 263, 274, -1};
	for (size_t i = 0; i < COUNT(levels); i++) {
		CALL_AS(text("%s: set level %d, option 3", state, levels[i]), setsockopt(fd, levels[i], 3, zeros, 4));
		say_option(text("%s: get level %d, option 3", state, levels[i]), fd, levels[i], 3, 4);
		say_option(text("%s: get level %d, option 3", state, levels[i]), fd, levels[i], 3, -1);
		CALL_AS(text("%s: set level %d, option 3, length -1", state, levels[i]), setsockopt(fd, levels[i], 3, zeros, -1));
	}
}

int main(void)
{
	int fresh = unbound();
	say_option("default: FILTER", fresh, SOL_CAN_RAW, CAN_RAW_FILTER, 64);
	say_option("default: ERR_FILTER", fresh, SOL_CAN_RAW, CAN_RAW_ERR_FILTER, 64);
	for (int option = CAN_RAW_LOOPBACK; option <= CAN_RAW_XL_FRAMES; option++)
		say_option(text("default: option %d", option), fresh, SOL_CAN_RAW, option, 64);
	each_option("not bound", unbound());
	each_option("bound", raw_on("vcan0"));
	// Options outlive a bind to something else.
	int fd = raw_on("vcan0");
	struct sockaddr_can vcan1 = on("vcan1");
	set_raw(fd, CAN_RAW_RECV_OWN_MSGS, 1);
	set_raw(fd, CAN_RAW_FD_FRAMES, 1);
	SET_FILTERS(fd, {1, 2});
	MUST(bind(fd, SA(vcan1), sizeof vcan1));
	say_option("bound again: RECV_OWN_MSGS", fd, SOL_CAN_RAW, CAN_RAW_RECV_OWN_MSGS, 4);
	say_option("bound again: FD_FRAMES", fd, SOL_CAN_RAW, CAN_RAW_FD_FRAMES, 4);
	say_option("bound again: FILTER", fd, SOL_CAN_RAW, CAN_RAW_FILTER, 64);
}
