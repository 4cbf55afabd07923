// Which frames pass which filters: each list of filters is tried with every identifier below. A frame that does not pass never
// makes the descriptor readable: the marker, which passes, is the first thing to arrive.
#include "can.h"

#define EFF CAN_EFF_FLAG
#define RTR CAN_RTR_FLAG
#define INV CAN_INV_FILTER
#define SFFM CAN_SFF_MASK
#define EFFM CAN_EFF_MASK

static int writer, reader;

static void send_all(void)
{
	static const canid_t ids[] = {0,         1,         0x123,           0x124,           0x7fe,     EFF | 0,
				      EFF | 0x123, EFF | 0x7fe, EFF | 0x12345678, EFF | 0x1fffffff, RTR | 0x123, RTR | EFF | 0x123};
	for (size_t i = 0; i < COUNT(ids); i++)
		send_frame(writer, ids[i], 1);
	send_mark(writer);
}

static void try_filters(const char *label, const struct can_filter *filters, int count)
{
	// The marker passes by a filter of its own, so that it is the same with and without JOIN_FILTERS off.
	struct can_filter all[20];
	memcpy(all, filters, count * sizeof *filters);
	all[count] = (struct can_filter)MARK_FILTER;
	MUST(setsockopt(reader, SOL_CAN_RAW, CAN_RAW_FILTER, all, (count + 1) * sizeof *all));
	send_all();
	say_until_mark(label, reader);
}

#define TRY(...)                                                                                                       \
	do {                                                                                                           \
		struct can_filter list[] = {__VA_ARGS__};                                                              \
		try_filters(#__VA_ARGS__, list, COUNT(list));                                                          \
	} while (0)

int main(void)
{
	writer = raw_on("vcan0");
	reader = raw_on("vcan0");
	send_all();
	say_until_mark("as it is at first", reader);
	TRY({0, 0});
	TRY({0x123, SFFM});
	TRY({0x123, EFFM});
	TRY({0x123, 0xffffffff & ~CAN_ERR_FLAG});
	TRY({0x123, SFFM | EFF});
	TRY({0x123, SFFM | RTR});
	TRY({0x123, SFFM | EFF | RTR});
	TRY({0x123, EFFM | EFF});
	TRY({0x123, EFFM | EFF | RTR});
	TRY({EFF | 0x123, SFFM});
	TRY({EFF | 0x123, EFFM});
	TRY({EFF | 0x123, EFFM | EFF});
	TRY({EFF | 0x123, SFFM | EFF});
	TRY({EFF | 0x123, EFFM | EFF | RTR});
	TRY({EFF | RTR | 0x123, EFFM | EFF | RTR});
	TRY({RTR | 0x123, SFFM | RTR});
	TRY({RTR | 0x123, SFFM | EFF | RTR});
	TRY({RTR, RTR});
	TRY({0, RTR});
	TRY({EFF, EFF});
	TRY({0, EFF});
	TRY({0x12345678, EFFM | EFF});
	TRY({EFF | 0x12345678, EFFM | EFF});
	TRY({EFF | 0x12345678, 0xffff0000});
	TRY({0x12345678, SFFM | EFF});
	TRY({0x120, 0x7f0});
	TRY({0, 1});
	TRY({1, 1});
	TRY({0xffffffff & ~INV, 0});
	TRY({INV | 0x123, SFFM});
	TRY({INV | 0x123, SFFM | EFF | RTR});
	TRY({INV | EFF | 0x123, EFFM | EFF | RTR});
	TRY({INV | EFF, EFF});
	TRY({INV, 0});
	TRY({INV | 0x123, 0xffffffff & ~CAN_ERR_FLAG});
	TRY({0x123, SFFM | EFF}, {0x124, SFFM | EFF});
	TRY({0x123, SFFM | EFF}, {0x123, SFFM | EFF}, {0, 0});
	TRY({0, 0}, {0, 0}, {INV | 0x123, SFFM});
	TRY({INV | 0x123, SFFM}, {INV | 0x124, SFFM});
	TRY({0x123, SFFM | CAN_ERR_FLAG});
	TRY({CAN_ERR_FLAG, CAN_ERR_FLAG});
	TRY({CAN_ERR_FLAG | 0x123, SFFM});

	// All of them have to match. The marker's own filter is one of them, so it is given differently.
	set_raw(reader, CAN_RAW_JOIN_FILTERS, 1);
	static const struct {
		const char *name;
		int count;
		struct can_filter filters[4];
	} joined[] = {
		{"joined: one", 1, {{0x7ff, 0}}},
		{"joined: not 123", 1, {{INV | 0x123, SFFM}}},
		{"joined: not 123, not 124", 2, {{INV | 0x123, SFFM}, {INV | 0x124, SFFM}}},
		{"joined: not 123, not 124, no RTR", 3, {{INV | 0x123, SFFM}, {INV | 0x124, SFFM}, {0, RTR}}},
		{"joined: not EFF, odd", 2, {{0, EFF}, {1, 1}}},
		{"joined: the same twice", 2, {{0, EFF}, {0, EFF}}},
		{"joined: the same twice and all", 3, {{0, EFF}, {0, EFF}, {0, 0}}},
		{"joined: above 700, of 11 bits", 2, {{0x700, 0x700}, {0, EFF}}},
	};
	for (size_t i = 0; i < COUNT(joined); i++) {
		MUST(setsockopt(reader, SOL_CAN_RAW, CAN_RAW_FILTER, joined[i].filters, joined[i].count * sizeof(struct can_filter)));
		send_all();
		say_until_mark(joined[i].name, reader);
	}
	set_raw(reader, CAN_RAW_JOIN_FILTERS, 0);
	send_all();
	say_until_mark("not joined any more", reader);

	// None: nothing arrives, and changing that back brings what is sent then, not what was sent before.
	CALL(setsockopt(reader, SOL_CAN_RAW, CAN_RAW_FILTER, NULL, 0));
	send_all();
	say_nothing_more("no filters", reader);
	set_raw(reader, CAN_RAW_JOIN_FILTERS, 1);
	send_all();
	say_nothing_more("no filters, joined", reader);
	set_raw(reader, CAN_RAW_JOIN_FILTERS, 0);
	TRY({0x123, SFFM | EFF | RTR});
	// What was queued stays, whatever the filters are then.
	send_frame(writer, 0x123, 3);
	MUST(wait_readable(reader));
	CALL(setsockopt(reader, SOL_CAN_RAW, CAN_RAW_FILTER, NULL, 0));
	say_next("queued before", reader);

	// Filters that were set before bind.
	struct sockaddr_can vcan0 = on("vcan0");
	int early = unbound();
	SET_FILTERS(early, {0x124, SFFM | EFF | RTR}, MARK_FILTER);
	set_raw(early, CAN_RAW_JOIN_FILTERS, 0);
	MUST(bind(early, SA(vcan0), sizeof vcan0));
	send_all();
	say_until_mark("set before bind", early);
	struct sockaddr_can vcan1 = on("vcan1");
	MUST(bind(early, SA(vcan1), sizeof vcan1));
	writer = raw_on("vcan1");
	send_all();
	say_until_mark("bound to another", early);

	// 512 of them, of which the last ones match.
	static struct can_filter many[513];
	for (int i = 0; i < 513; i++)
		many[i] = (struct can_filter){0x1000 + i, EFFM | EFF | RTR};
	many[510] = (struct can_filter){EFF | 0x123, EFFM | EFF | RTR};
	many[511] = (struct can_filter)MARK_FILTER;
	CALL_AS("512 filters", setsockopt(early, SOL_CAN_RAW, CAN_RAW_FILTER, many, 512 * sizeof *many));
	send_all();
	say_until_mark("512", early);
	CALL_AS("513 filters", setsockopt(early, SOL_CAN_RAW, CAN_RAW_FILTER, many, 513 * sizeof *many));
	send_all();
	say_until_mark("513 were refused", early);

	// FD frames pass the same filters.
	int both = raw_on("vcan1");
	SET_FILTERS(both, {0x124, SFFM | EFF | RTR}, MARK_FILTER);
	set_raw(both, CAN_RAW_FD_FRAMES, 1);
	set_raw(writer, CAN_RAW_FD_FRAMES, 1);
	for (int id = 0x123; id < 0x126; id++) {
		struct canfd_frame frame = flexible(id, 12);
		MUST(write(writer, &frame, sizeof frame));
	}
	send_mark(writer);
	say_until_mark("FD", both);
}
