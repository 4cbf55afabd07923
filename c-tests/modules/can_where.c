// Sends a frame, and prints what arrives at a second socket before the marker that is sent there afterwards.
#include "../transcript.h"
#include <linux/can.h>
#include <linux/can/raw.h>
#include <net/if.h>

int main(int argc, char **argv)
{
	struct sockaddr_can address = {.can_family = AF_CAN, .can_ifindex = if_nametoindex("vcan0")};
	int reader = MUST(socket(AF_CAN, SOCK_RAW, CAN_RAW)), writer = MUST(socket(AF_CAN, SOCK_RAW, CAN_RAW));
	MUST(bind(reader, (struct sockaddr *)&address, sizeof address));
	MUST(bind(writer, (struct sockaddr *)&address, sizeof address));
	struct can_frame frame = {.can_id = argc > 1 ? strtoul(argv[1], NULL, 16) : 1, .len = 0};
	// Until somebody says that it is time.
	puts("ready"), fflush(stdout);
	if (getchar() == EOF)
		return 1;
	MUST(write(writer, &frame, sizeof frame));
	puts("sent"), fflush(stdout);
	if (getchar() == EOF)
		return 1;
	frame.can_id = 0x7ff;
	MUST(write(writer, &frame, sizeof frame));
	do {
		MUST(read(reader, &frame, sizeof frame));
		printf("%x\n", frame.can_id);
	} while (frame.can_id != 0x7ff);
	return 0;
}
