// Error frames: written by a program, and received by those that ask for them, with CAN_RAW_ERR_FILTER or a filter whose mask
// has CAN_ERR_FLAG.
#include "can.h"

static int writer;

static void send_errors(void)
{
	static const canid_t classes[] = {CAN_ERR_TX_TIMEOUT, CAN_ERR_LOSTARB, CAN_ERR_CRTL, CAN_ERR_PROT,
					  CAN_ERR_BUSOFF,     CAN_ERR_CRTL | CAN_ERR_BUSOFF, 0, CAN_ERR_MASK};
	for (size_t i = 0; i < COUNT(classes); i++)
		send_frame(writer, CAN_ERR_FLAG | classes[i], 8);
	send_frame(writer, 0x123, 8);
	send_frame(writer, 0x040, 8);
	send_mark(writer);
}

int main(void)
{
	writer = raw_on("vcan0");
	int reader = raw_on("vcan0");
	send_errors();
	say_until_mark("by default", reader);
	static const uint32_t masks[] = {0, CAN_ERR_BUSOFF, CAN_ERR_CRTL | CAN_ERR_PROT, CAN_ERR_MASK, 0xffffffff, CAN_ERR_FLAG, 1};
	for (size_t i = 0; i < COUNT(masks); i++) {
		CALL_AS(text("CAN_RAW_ERR_FILTER %08X", masks[i]), setsockopt(reader, SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &masks[i], 4));
		say_option("    back", reader, SOL_CAN_RAW, CAN_RAW_ERR_FILTER, 4);
		send_errors();
		say_until_mark("    arrives", reader);
	}
	uint32_t all = CAN_ERR_MASK, none = 0;
	// Also without any filter for data, and joined.
	MUST(setsockopt(reader, SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &all, 4));
	SET_FILTERS(reader, MARK_FILTER);
	send_errors();
	say_until_mark("errors and the marker", reader);
	set_raw(reader, CAN_RAW_JOIN_FILTERS, 1);
	send_errors();
	say_until_mark("errors and the marker, joined", reader);
	SET_FILTERS(reader, {0x700, 0x700}, MARK_FILTER);
	send_errors();
	say_until_mark("errors and two filters, joined", reader);
	set_raw(reader, CAN_RAW_JOIN_FILTERS, 0);
	MUST(setsockopt(reader, SOL_CAN_RAW, CAN_RAW_FILTER, NULL, 0));
	send_errors();
	for (int i = 0; i < 7; i++)
		say_next("errors only", reader);
	say_nothing_more("errors only", reader);
	MUST(setsockopt(reader, SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &none, 4));

	static const struct {
		const char *name;
		struct can_filter filter;
	} filters[] = {
		{"{0, ERR}", {0, CAN_ERR_FLAG}},
		{"{ERR, ERR}", {CAN_ERR_FLAG, CAN_ERR_FLAG}},
		{"{0, ERR|BUSOFF}", {0, CAN_ERR_FLAG | CAN_ERR_BUSOFF}},
		{"{0, ERR|MASK}", {0, CAN_ERR_FLAG | CAN_ERR_MASK}},
		{"{BUSOFF, ERR|BUSOFF|CRTL}", {CAN_ERR_BUSOFF, CAN_ERR_FLAG | CAN_ERR_BUSOFF | CAN_ERR_CRTL}},
		{"{INV, ERR|BUSOFF}", {CAN_INV_FILTER, CAN_ERR_FLAG | CAN_ERR_BUSOFF}},
		{"{0, everything}", {0, 0xffffffff}},
	};
	for (size_t i = 0; i < COUNT(filters); i++) {
		SET_FILTERS(reader, filters[i].filter, MARK_FILTER);
		send_errors();
		say_until_mark(filters[i].name, reader);
	}
	// A frame that both ask for arrives once.
	SET_FILTERS(reader, {0, CAN_ERR_FLAG | CAN_ERR_MASK}, {0, CAN_ERR_FLAG | CAN_ERR_BUSOFF}, {0, 0});
	MUST(setsockopt(reader, SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &all, 4));
	send_errors();
	say_until_mark("asked for three times", reader);

	// Before bind, and the sender's own.
	struct sockaddr_can vcan0 = on("vcan0");
	int early = unbound();
	MUST(setsockopt(early, SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &(uint32_t){CAN_ERR_BUSOFF}, 4));
	MUST(bind(early, SA(vcan0), sizeof vcan0));
	send_errors();
	say_until_mark("set before bind", early);
	MUST(setsockopt(writer, SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &all, 4));
	set_raw(writer, CAN_RAW_RECV_OWN_MSGS, 1);
	MUST(recv(writer, &vcan0, sizeof vcan0, MSG_DONTWAIT) < 0 ? 0 : -1);
	send_errors();
	say_until_mark("the sender's own", writer);
	for (int length = 0; length <= 8; length++) {
		struct can_frame frame = classic(CAN_ERR_FLAG | CAN_ERR_CRTL, length);
		CALL_AS(text("an error frame of length %d", length), write(writer, &frame, sizeof frame));
		say_next("    arrives", writer);
	}
}
