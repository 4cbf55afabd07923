// What of a frame arrives: identifiers, lengths, flags, bytes that mean nothing.
#include "can.h"

int main(void)
{
	int writer = raw_on("vcan0"), reader = raw_on("vcan0");
	set_raw(writer, CAN_RAW_FD_FRAMES, 1);
	set_raw(reader, CAN_RAW_FD_FRAMES, 1);
	static const canid_t ids[] = {0,          0x7ff,      0x800,      0x1fffffff, CAN_EFF_FLAG | 0, CAN_EFF_FLAG | 0x123,
				      CAN_EFF_FLAG | CAN_EFF_MASK, CAN_RTR_FLAG | 0x123, CAN_RTR_FLAG | CAN_EFF_FLAG | 0x123};
	for (size_t i = 0; i < COUNT(ids); i++)
		for (int length = 0; length <= 8; length += 4) {
			struct can_frame frame = classic(ids[i], length);
			CALL_AS(text("id %08X, length %d", ids[i], length), write(writer, &frame, sizeof frame));
			say_next("    arrives", reader);
		}
	struct can_frame frame = classic(0x55, 2);
	frame.__pad = 0x11;
	frame.__res0 = 0x22;
	frame.len8_dlc = 9;
	memset(frame.data + 2, 0xdd, 6);
	MUST(write(writer, &frame, sizeof frame));
	MUST(wait_readable(reader));
	struct can_frame other;
	MUST(read(reader, &other, sizeof other));
	printf("all 16 bytes arrive as they are: %d\n", memcmp(&frame, &other, sizeof frame) == 0);
	printf("    %02X %02X %02X, %02X\n", other.__pad, other.__res0, other.len8_dlc, other.data[7]);
	frame = classic(0x56, 8);
	frame.len8_dlc = 15;
	MUST(write(writer, &frame, sizeof frame));
	say_next("len8_dlc", reader);

	for (int flags = 0; flags < 256; flags = flags < 8 ? flags + 1 : flags * 2) {
		struct canfd_frame fd = flexible(0x77, 3);
		fd.flags = flags;
		CALL_AS(text("FD, flags %02X", flags), write(writer, &fd, sizeof fd));
		say_next("    arrives", reader);
	}
	for (int length = 0; length <= 65; length++) {
		struct canfd_frame fd = flexible(0x78, length);
		CALL_AS(text("FD, length %d", length), write(writer, &fd, sizeof fd));
		if (length <= 64)
			say_next("    arrives", reader);
	}
	struct canfd_frame fd = flexible(CAN_RTR_FLAG | 0x79, 3);
	fd.__res0 = 0x12;
	fd.__res1 = 0x34;
	memset(fd.data + 3, 0xee, 61);
	CALL_AS("FD, RTR", write(writer, &fd, sizeof fd));
	say_next("    arrives", reader);
	MUST(write(writer, &fd, sizeof fd));
	struct canfd_frame same;
	MUST(wait_readable(reader));
	MUST(read(reader, &same, sizeof same));
	fd.flags = same.flags;
	printf("all 72 bytes but the flags arrive as they are: %d\n", memcmp(&fd, &same, sizeof fd) == 0);
	fd.can_id = CAN_ERR_FLAG | 0x20;
	CALL_AS("FD, error flag", write(writer, &fd, sizeof fd));
	send_mark(writer);
	say_until_mark("    arrives", reader);

	// XL frames: the flag that makes it one, the length, and what is reserved.
	int xl_writer = raw_on("vcanxl"), xl_reader = raw_on("vcanxl");
	if (setsockopt(xl_writer, SOL_CAN_RAW, CAN_RAW_XL_FRAMES, &(int){1}, sizeof(int)))
		return 0;
	set_raw(xl_reader, CAN_RAW_XL_FRAMES, 1);
	static const int flags[] = {0, CANXL_XLF, CANXL_XLF | CANXL_SEC, CANXL_XLF | 0x02, CANXL_XLF | 0x7f, CANXL_SEC};
	static const canid_t prios[] = {0, 0x7ff, 0x800, CAN_EFF_FLAG, CAN_RTR_FLAG, CAN_ERR_FLAG, 0x00010123, 0x00ff0123};
	for (size_t i = 0; i < COUNT(flags) + COUNT(prios); i++) {
		struct canxl_frame xl = {.prio = 0x123, .flags = CANXL_XLF, .sdt = 3, .len = 20, .af = 0xcafe};
		for (int byte = 0; byte < 20; byte++)
			xl.data[byte] = byte;
		if (i < COUNT(flags))
			xl.flags = flags[i];
		else
			xl.prio = prios[i - COUNT(flags)];
		CALL_AS(text("XL, prio %08X, flags %02X", xl.prio, xl.flags), write(xl_writer, &xl, CANXL_HDR_SIZE + xl.len));
		send_mark(xl_writer);
		say_next("    arrives", xl_reader);
		MUST(recv(xl_reader, &xl, sizeof xl, MSG_DONTWAIT) >= 0 || errno == EAGAIN ? 0 : -1);
	}
	static const int lengths[] = {1, 2, 63, 64, 65, 2047, 2048};
	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct canxl_frame xl = {.prio = 0x200, .flags = CANXL_XLF, .len = lengths[i]};
		for (int byte = 0; byte < lengths[i]; byte++)
			xl.data[byte] = byte;
		CALL_AS(text("XL, length %d", lengths[i]), write(xl_writer, &xl, CANXL_HDR_SIZE + lengths[i]));
		say_next("    arrives", xl_reader);
		CALL_AS(text("XL, length %d, whole structure", lengths[i]), write(xl_writer, &xl, sizeof xl));
		if (lengths[i] == 2048)
			say_next("    arrives", xl_reader);
	}
}
