// SOL_SOCKET on every kind of socket of this family: what programs use.
#include "socket_options.h"

static const struct socket_option options[] = {
	{"SO_REUSEADDR", SO_REUSEADDR, 1},
	{"SO_TYPE", SO_TYPE, 1},
	{"SO_ERROR", SO_ERROR, 1},
	{"SO_BROADCAST", SO_BROADCAST, 1},
	{"SO_SNDBUF", SO_SNDBUF, 10000},
	{"SO_RCVBUF", SO_RCVBUF, 10000},
	{"SO_PRIORITY", SO_PRIORITY, 3},
	{"SO_PRIORITY 6", SO_PRIORITY, 6},
	{"SO_PRIORITY 7", SO_PRIORITY, 7},
	{"SO_PASSCRED", SO_PASSCRED, 1},
	{"SO_RCVLOWAT", SO_RCVLOWAT, 5},
	{"SO_TIMESTAMP", SO_TIMESTAMP, 1},
	{"SO_ACCEPTCONN", SO_ACCEPTCONN, 1},
	{"SO_SNDBUFFORCE", SO_SNDBUFFORCE, 10000},
	{"SO_RCVBUFFORCE", SO_RCVBUFFORCE, 10000},
	{"SO_TIMESTAMPNS", SO_TIMESTAMPNS, 1},
	{"SO_MARK", SO_MARK, 5},
	{"SO_PROTOCOL", SO_PROTOCOL, 1},
	{"SO_DOMAIN", SO_DOMAIN, 1},
	{"SO_RXQ_OVFL", SO_RXQ_OVFL, 1},
	{"SO_COOKIE", SO_COOKIE, 0},
	{"SO_TXTIME", SO_TXTIME, 1},
	{"SO_TIMESTAMPING", SO_TIMESTAMPING, 0},
	{"SO_DETACH_FILTER", SO_DETACH_FILTER, 0},
};

static void more(const char *kind, int fd)
{
	each(kind, fd, options, COUNT(options));
	struct linger linger = {1, 5};
	CALL_AS(text("%s: SO_LINGER", kind), setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
	say_option(text("%s: SO_LINGER", kind), fd, SOL_SOCKET, SO_LINGER, 8);
	say_option(text("%s: SO_RCVTIMEO", kind), fd, SOL_SOCKET, SO_RCVTIMEO, 16);
	set_timeout(fd, SO_RCVTIMEO, 1500);
	set_timeout(fd, SO_SNDTIMEO, 2000);
	// Timers have a resolution of their own, which 1500 and 2000 milliseconds are multiples of.
	say_option(text("%s: SO_RCVTIMEO", kind), fd, SOL_SOCKET, SO_RCVTIMEO, 16);
	say_option(text("%s: SO_SNDTIMEO", kind), fd, SOL_SOCKET, SO_SNDTIMEO, 16);

	static const char *const devices[] = {"", "vcan0", "vcan1", "lo", "vcannot"};
	for (size_t i = 0; i < COUNT(devices); i++) {
		CALL_AS(text("%s: SO_BINDTODEVICE '%s'", kind, devices[i]), setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, devices[i], strlen(devices[i])));
		char name[IF_NAMESIZE] = "untouched";
		socklen_t length = sizeof name;
		CALL_AS("    get", getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &length));
		printf("    length %d: %s\n", (int)length, length ? name : "");
	}
	int index = index_of("vcan1");
	CALL_AS(text("%s: SO_BINDTOIFINDEX vcan1", kind), setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, 4));
	index = 0;
	CALL_AS(text("%s: SO_BINDTOIFINDEX 0", kind), setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, 4));
}

int main(void)
{
	more("RAW", unbound());
	more("RAW, bound", raw_on("vcan0"));
	more("BCM", MUST(socket(AF_CAN, SOCK_DGRAM, CAN_BCM)));
	more("ISOTP", MUST(socket(AF_CAN, SOCK_DGRAM, CAN_ISOTP)));
	more("J1939", MUST(socket(AF_CAN, SOCK_DGRAM, CAN_J1939)));

	// What SO_BINDTODEVICE does to frames.
	int at0 = raw_on("vcan0"), at1 = raw_on("vcan1"), all = unbound();
	struct sockaddr_can any = on(NULL), vcan0 = on("vcan0");
	CALL(setsockopt(all, SOL_SOCKET, SO_BINDTODEVICE, "vcan1", 5));
	say_can_name("bound to a device", getsockname, all);
	MUST(bind(all, SA(any), sizeof any));
	send_frame(at0, 0x100, 0);
	send_frame(at1, 0x101, 0);
	send_mark(at1);
	say_until_mark("device vcan1, bind to all", all);
	struct can_frame frame = classic(0x102, 0);
	CALL(write(all, &frame, sizeof frame));
	CALL(sendto(all, &frame, sizeof frame, 0, SA(vcan0), sizeof vcan0));

	// SO_RCVTIMEO and SO_SNDTIMEO.
	int waits = raw_on("vcan0");
	set_timeout(waits, SO_RCVTIMEO, 20);
	CALL(recv(waits, &frame, sizeof frame, 0));
	CALL(read(waits, &frame, sizeof frame));
	send_frame(at0, 0x103, 0);
	CALL(recv(waits, &frame, sizeof frame, 0));
}
