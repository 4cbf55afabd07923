// J1939: the options.
#include "j1939.h"

int main(void)
{
	static const struct {
		const char *name;
		int number;
	} options[] = {{"FILTER", SO_J1939_FILTER}, {"PROMISC", SO_J1939_PROMISC}, {"SEND_PRIO", SO_J1939_SEND_PRIO}, {"ERRQUEUE", SO_J1939_ERRQUEUE}, {"0", 0}, {"5", 5}, {"100", 100}};
	int fd = j1939_unbound(), bound = j1939_at(0x20);
	for (size_t i = 0; i < COUNT(options); i++) {
		for (int length = 0; length <= 8; length++)
			say_option(text("get %s", options[i].name), fd, SOL_CAN_J1939, options[i].number, length);
		unsigned char zeros[64] = {0};
		for (int length = 0; length <= 64; length += length < 8 ? 1 : 8)
			CALL_AS(text("set %s, length %d", options[i].name, length), setsockopt(fd, SOL_CAN_J1939, options[i].number, zeros, length));
		CALL_AS(text("set %s, no memory", options[i].name), setsockopt(fd, SOL_CAN_J1939, options[i].number, NOWHERE, 4));
		CALL_AS(text("set %s, NULL", options[i].name), setsockopt(fd, SOL_CAN_J1939, options[i].number, NULL, 0));
		if (options[i].number == SO_J1939_FILTER || options[i].number > 4 || !options[i].number)
			continue;
		for (int value = -1; value <= 9; value++) {
			CALL_AS(text("set %s %d", options[i].name, value), setsockopt(bound, SOL_CAN_J1939, options[i].number, &value, sizeof value));
			say_option("    then", bound, SOL_CAN_J1939, options[i].number, 4);
		}
	}
	static struct j1939_filter filters[520];
	static const int counts[] = {1, 2, 511, 512, 513};
	for (size_t i = 0; i < COUNT(counts); i++)
		CALL_AS(text("%d filters", counts[i]), setsockopt(fd, SOL_CAN_J1939, SO_J1939_FILTER, filters, counts[i] * sizeof *filters));
	filters[0] = (struct j1939_filter){.addr = 1, .addr_mask = 0, .pgn = 0x123, .pgn_mask = 0};
	CALL_AS("a filter with bits outside of its mask", setsockopt(fd, SOL_CAN_J1939, SO_J1939_FILTER, filters, sizeof *filters));
	static const int levels[] = {0, SOL_CAN_BASE, SOL_CAN_RAW, SOL_CAN_ISOTP};
	for (size_t i = 0; i < COUNT(levels); i++) {
		CALL_AS(text("set level %d", levels[i]), setsockopt(fd, levels[i], 2, filters, 4));
		say_option(text("get level %d", levels[i]), fd, levels[i], 2, 4);
	}
}
