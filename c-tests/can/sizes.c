// Which sizes can be written: to interfaces for classic, FD and XL frames, with the options for them off and on. All frames
// that could be written are also received, by a socket that takes everything.
#include "can.h"

static int reader, writer;

// Writes what is there with every size up to a maximum, and prints the results by ranges.
static void every_size(const char *label, const void *bytes, int most)
{
	int from = 0, last = UNTOUCHED;
	printf("%s:", label);
	for (int size = 0; size <= most + 1; size++) {
		int error = UNTOUCHED;
		if (size <= most) {
			long result = write(writer, bytes, size);
			error = result < 0 ? errno : result == size ? 0 : -1;
		}
		if (error != last && size > 0) {
			if (from == size - 1)
				printf(" %d %s;", from, last > 0 ? errno_name(last) : last ? "in part" : "written");
			else
				printf(" %d to %d %s;", from, size - 1, last > 0 ? errno_name(last) : last ? "in part" : "written");
		}
		if (error != last)
			from = size;
		last = error;
	}
	printf("\n");
	send_mark(writer);
	say_until_mark("    arrive", reader);
}

static void on_interface(const char *interface)
{
	static char bytes[2100];
	struct canfd_frame *frame = (void *)bytes;
	struct canxl_frame *xl = (void *)bytes;
	reader = raw_on(interface);
	set_raw(reader, CAN_RAW_FD_FRAMES, 1);
	if (setsockopt(reader, SOL_CAN_RAW, CAN_RAW_XL_FRAMES, &(int){1}, sizeof(int)))
		printf("no XL frames\n");
	for (int level = 0; level < 3; level++) {
		const char *how = level == 0 ? "" : level == 1 ? ", FD_FRAMES" : ", XL_FRAMES";
		writer = raw_on(interface);
		if (level == 1)
			set_raw(writer, CAN_RAW_FD_FRAMES, 1);
		if (level == 2 && CALL_AS("CAN_RAW_XL_FRAMES", setsockopt(writer, SOL_CAN_RAW, CAN_RAW_XL_FRAMES, &(int){1}, sizeof(int))))
			continue;
		for (int length = 0; length <= 65; length += length == 0 ? 8 : length == 8 ? 1 : length == 9 ? 55 : 1) {
			memset(bytes, 0, sizeof bytes);
			frame->can_id = 0x100 + length;
			frame->len = length;
			every_size(text("%s%s, len %d", interface, how, length), bytes, 100);
		}
		memset(bytes, 0, sizeof bytes);
		frame->can_id = 0x1ff;
		frame->len = 0x7f;
		every_size(text("%s%s, len 0x7f", interface, how), bytes, 100);
		for (int i = 0; i < 5; i++) {
			static const int lengths[] = {0, 1, 60, 2048, 2049};
			memset(bytes, 0, sizeof bytes);
			xl->prio = 0x300 + i;
			xl->flags = CANXL_XLF;
			xl->len = lengths[i];
			every_size(text("%s%s, XL, len %d", interface, how, lengths[i]), bytes, 2070);
		}
		MUST(close(writer));
	}
	MUST(close(reader));
}

int main(void)
{
	on_interface("vcan0");
	on_interface("vcancc");
	on_interface("vcanfd");
	on_interface("vcanxl");
}
