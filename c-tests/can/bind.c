// bind(2) and getsockname(2) of a raw socket.
#include "can.h"

int main(void)
{
	struct sockaddr_can vcan0 = on("vcan0"), vcan1 = on("vcan1"), all = on(NULL), lo = on("lo"), other;
	char large[256] = {0};

	int fd = unbound();
	say_can_name("getsockname, not bound", getsockname, fd);
	for (int length = 0; length <= 28; length++)
		CALL_AS(text("bind, length %d", length), bind(fd, SA(vcan0), length));
	memcpy(large, &vcan0, sizeof vcan0);
	CALL(bind(fd, (struct sockaddr *)large, 128));
	CALL(bind(fd, (struct sockaddr *)large, 129));
	CALL(bind(fd, (struct sockaddr *)large, -1));
	CALL(bind(fd, NULL, sizeof vcan0));
	CALL(bind(fd, NULL, 0));
	CALL(bind(fd, NOWHERE, sizeof vcan0));
	say_can_name("getsockname, bound", getsockname, fd);

	for (int family = 0; family <= 3; family++) {
		other = vcan1;
		other.can_family = family;
		CALL_AS(text("bind, family %d", family), bind(fd, SA(other), sizeof other));
	}
	other.can_family = AF_INET;
	CALL_AS("bind, family AF_INET, length 7", bind(fd, SA(other), 7));
	other = vcan1;
	other.can_ifindex = 987654;
	CALL_AS("bind, an index that nothing has", bind(fd, SA(other), sizeof other));
	other.can_ifindex = -1;
	CALL_AS("bind, index -1", bind(fd, SA(other), sizeof other));
	other.can_ifindex = INT32_MIN;
	CALL_AS("bind, the least index", bind(fd, SA(other), sizeof other));
	CALL_AS("bind, lo", bind(fd, SA(lo), sizeof lo));
	say_can_name("after failures", getsockname, fd);

	CALL_AS("bind, the same once more", bind(fd, SA(vcan0), sizeof vcan0));
	CALL_AS("bind, vcan1", bind(fd, SA(vcan1), sizeof vcan1));
	say_can_name("bound again", getsockname, fd);
	CALL_AS("bind, all", bind(fd, SA(all), sizeof all));
	say_can_name("bound to all", getsockname, fd);
	CALL_AS("bind, all once more", bind(fd, SA(all), sizeof all));
	CALL_AS("bind, vcan0", bind(fd, SA(vcan0), sizeof vcan0));
	say_can_name("bound to one after all", getsockname, fd);
	say_can_name("getpeername", getpeername, fd);

	// The rest of the address is not looked at.
	memset(&other, 0xff, sizeof other);
	other.can_family = AF_CAN;
	other.can_ifindex = vcan1.can_ifindex;
	CALL_AS("bind, other bytes set", bind(fd, SA(other), sizeof other));

	// Buffers that are too small for the name: the length is that of the whole name.
	for (int length = 0; length <= 24; length += length < 10 ? 1 : 7) {
		unsigned char bytes[32];
		memset(bytes, 0xee, sizeof bytes);
		socklen_t given = length;
		CALL_AS(text("getsockname, length %d", length), getsockname(fd, (struct sockaddr *)bytes, &given));
		int written = 0;
		while (written < 32 && bytes[written] != 0xee)
			written++;
		// An index may have the byte that says that nothing was written: only the first two are printed.
		printf("    length then %d, family%s written\n", (int)given, written >= 2 ? "" : " not");
	}
	socklen_t length = -1;
	CALL(getsockname(fd, SA(other), &length));
	length = sizeof other;
	CALL(getsockname(fd, NOWHERE, &length));
	CALL(getsockname(fd, SA(other), NOWHERE));

	// Frames come from what it is bound to last.
	int at0 = raw_on("vcan0"), at1 = raw_on("vcan1");
	MUST(bind(fd, SA(vcan0), sizeof vcan0));
	send_frame(at1, 0x101, 0);
	send_frame(at0, 0x100, 0);
	say_next("bound to vcan0", fd);
	MUST(bind(fd, SA(vcan1), sizeof vcan1));
	send_frame(at0, 0x100, 0);
	send_frame(at1, 0x101, 0);
	say_next("bound to vcan1", fd);
	MUST(bind(fd, SA(all), sizeof all));
	send_frame(at0, 0x100, 0);
	say_next("bound to all", fd);
	send_frame(at1, 0x101, 0);
	say_next("bound to all", fd);
	say_nothing_more("bound to all", fd);

	// What was queued before another bind is still there.
	send_frame(at1, 0x222, 0);
	MUST(wait_readable(fd));
	MUST(bind(fd, SA(vcan0), sizeof vcan0));
	say_next("queued before bind", fd);
	// A failed bind leaves it where it was.
	other = on("lo");
	CALL_AS("bind, lo", bind(fd, SA(other), sizeof other));
	send_frame(at0, 0x103, 0);
	say_next("after a bind that failed", fd);

	// An unbound one receives nothing.
	int none = unbound();
	send_frame(at0, 0x104, 0);
	MUST(bind(none, SA(vcan0), sizeof vcan0));
	send_mark(at0);
	say_until_mark("sent before the first bind", none);
}
