// CAN_RAW_FD_FRAMES and CAN_RAW_XL_FRAMES: what they let in and out, and what one does to the other.
#include "can.h"

static void say_switches(const char *label, int fd)
{
	printf("%s: FD_FRAMES %d, XL_FRAMES %d\n", label, int_option(fd, SOL_CAN_RAW, CAN_RAW_FD_FRAMES),
	       int_option(fd, SOL_CAN_RAW, CAN_RAW_XL_FRAMES));
}

static void set(const char *label, int fd, int option, int value)
{
	CALL_AS(label, setsockopt(fd, SOL_CAN_RAW, option, &value, sizeof value));
	say_switches("    then", fd);
}

int main(void)
{
	int fd = unbound();
	say_switches("new", fd);
	set("FD_FRAMES 1", fd, CAN_RAW_FD_FRAMES, 1);
	set("FD_FRAMES 0", fd, CAN_RAW_FD_FRAMES, 0);
	set("XL_FRAMES 1", fd, CAN_RAW_XL_FRAMES, 1);
	set("FD_FRAMES 0", fd, CAN_RAW_FD_FRAMES, 0);
	set("FD_FRAMES 1", fd, CAN_RAW_FD_FRAMES, 1);
	set("XL_FRAMES 0", fd, CAN_RAW_XL_FRAMES, 0);
	set("FD_FRAMES 0", fd, CAN_RAW_FD_FRAMES, 0);
	set("FD_FRAMES 2", fd, CAN_RAW_FD_FRAMES, 2);
	set("FD_FRAMES 256", fd, CAN_RAW_FD_FRAMES, 256);
	set("FD_FRAMES -1", fd, CAN_RAW_FD_FRAMES, -1);
	set("XL_FRAMES 2", fd, CAN_RAW_XL_FRAMES, 2);
	set("XL_FRAMES 256", fd, CAN_RAW_XL_FRAMES, 256);

	// Each of three readers gets what it has asked for, whole or not at all.
	int writer = raw_on("vcanxl"), readers[3];
	set_raw(writer, CAN_RAW_FD_FRAMES, 1);
	int xl = setsockopt(writer, SOL_CAN_RAW, CAN_RAW_XL_FRAMES, &(int){1}, sizeof(int)) == 0;
	for (int i = 0; i < 3; i++)
		readers[i] = raw_on("vcanxl");
	set_raw(readers[1], CAN_RAW_FD_FRAMES, 1);
	if (xl)
		set_raw(readers[2], CAN_RAW_XL_FRAMES, 1);
	static const char *const names[] = {"classic", "FD", "XL"};
	struct canfd_frame frame = flexible(0x201, 12), small = flexible(0x202, 8);
	struct canxl_frame large = {.prio = 0x203, .flags = CANXL_XLF, .len = 10};
	send_frame(writer, 0x200, 2);
	MUST(write(writer, &frame, sizeof frame));
	MUST(write(writer, &small, sizeof small));
	if (xl)
		MUST(write(writer, &large, CANXL_HDR_SIZE + 10));
	send_mark(writer);
	for (int i = 0; i < 3; i++)
		say_until_mark(names[i], readers[i]);

	// The option of the moment of arrival counts, not that of reading.
	MUST(write(writer, &frame, sizeof frame));
	MUST(wait_readable(readers[1]));
	set_raw(readers[1], CAN_RAW_FD_FRAMES, 0);
	say_next("arrived before it was switched off", readers[1]);
	set_raw(readers[0], CAN_RAW_FD_FRAMES, 1);
	say_nothing_more("arrived before it was switched on", readers[0]);
	// Bound to all: from every interface what it can carry.
	int all = raw_on(NULL), cc = raw_on("vcancc");
	set_raw(all, CAN_RAW_FD_FRAMES, 1);
	MUST(write(writer, &frame, sizeof frame));
	send_frame(cc, 0x210, 1);
	say_next("all", all);
	say_next("all", all);

	// The identifiers of virtual networks.
	say_option("XL_VCID_OPTS", writer, SOL_CAN_RAW, CAN_RAW_XL_VCID_OPTS_, 64);
	say_option("XL_VCID_OPTS", writer, SOL_CAN_RAW, CAN_RAW_XL_VCID_OPTS_, 4);
	say_option("XL_VCID_OPTS", writer, SOL_CAN_RAW, CAN_RAW_XL_VCID_OPTS_, 3);
	unsigned char vcid[8] = {0x7, 0x11, 0x22, 0xff};
	for (int length = 0; length <= 8; length++)
		CALL_AS(text("XL_VCID_OPTS, length %d", length), setsockopt(writer, SOL_CAN_RAW, CAN_RAW_XL_VCID_OPTS_, vcid, length));
	say_option("XL_VCID_OPTS", writer, SOL_CAN_RAW, CAN_RAW_XL_VCID_OPTS_, 64);
	if (!xl)
		return 0;
	for (int flags = 0; flags < 8; flags++) {
		unsigned char out[4] = {flags, 0x11, 0x22, 0xff};
		if (setsockopt(writer, SOL_CAN_RAW, CAN_RAW_XL_VCID_OPTS_, out, 4))
			break;
		// The reader's flags decide at arrival: it takes no number, then a number that matches, then one that does not.
		static const unsigned char at[][4] = {{0, 0, 0x10, 0xf0}, {4, 0, 0x10, 0xf0}, {4, 0, 0x30, 0xf0}, {4, 0, 0, 0}};
		for (size_t in = 0; in < COUNT(at); in++) {
			MUST(setsockopt(readers[2], SOL_CAN_RAW, CAN_RAW_XL_VCID_OPTS_, at[in], 4));
			large.prio = 0x203;
			MUST(write(writer, &large, CANXL_HDR_SIZE + 10));
			large.prio = 0x00330204;
			MUST(write(writer, &large, CANXL_HDR_SIZE + 10));
			send_mark(writer);
			say_until_mark(text("sent with flags %d, arrives in reader %d", flags, (int)in), readers[2]);
		}
	}
}
