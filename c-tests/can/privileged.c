// What root may set that others may not.
// runs as: root
#include "can.h"

int main(void)
{
	int fd = raw_on("vcan0"), reader = raw_on("vcan0");
	static const struct {
		const char *name;
		int number, value;
	} options[] = {{"SO_MARK", SO_MARK, 5},	{"SO_PRIORITY", SO_PRIORITY, 7}, {"SO_RCVBUFFORCE", SO_RCVBUFFORCE, 1000000},
		       {"SO_SNDBUFFORCE", SO_SNDBUFFORCE, 1000000}, {"SO_DEBUG", SO_DEBUG, 1}, {"SO_TXTIME", SO_TXTIME, 1}};
	for (size_t i = 0; i < COUNT(options); i++) {
		CALL_AS(options[i].name, setsockopt(fd, SOL_SOCKET, options[i].number, &options[i].value, 4));
		say_option("    then", fd, SOL_SOCKET, options[i].number, 4);
	}
	printf("SO_RCVBUF %d, SO_SNDBUF %d\n", int_option(fd, SOL_SOCKET, SO_RCVBUF), int_option(fd, SOL_SOCKET, SO_SNDBUF));
	send_frame(fd, 0x100, 1);
	say_next("arrives", reader);
	CALL_AS("SO_BINDTODEVICE vcan1", setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "vcan1", 5));
	CALL_AS("SO_BINDTODEVICE none", setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
	struct {
		int clock, flags;
	} txtime = {CLOCK_MONOTONIC, 0};
	CALL_AS("SO_TXTIME, a structure", setsockopt(fd, SOL_SOCKET, SO_TXTIME, &txtime, sizeof txtime));
	send_frame(fd, 0x101, 1);
	say_next("arrives", reader);
}
