// ISO-TP: a peer that is a raw socket, and does what it should not. Which frames follow, and which errors the socket has then.
#include "isotp.h"

static int raw;

static int fresh(struct can_isotp_options options)
{
	int fd = isotp_unbound();
	isotp_flags(fd, options);
	isotp_bind(fd, 0x456, 0x123);
	return fd;
}

// What is sent next shows that nothing was pending.
static void quiet(const char *label)
{
	char bytes[CAN_MTU];
	long size = recv(raw, bytes, sizeof bytes, MSG_DONTWAIT);
	printf("%s: %s\n", label, size < 0 ? errno_name(errno) : frame_text(bytes, size));
}

static void state(const char *label, int fd)
{
	struct pollfd all = {.fd = fd, .events = POLLIN | POLLOUT};
	MUST(poll(&all, 1, 0));
	printf("%s: poll reports %s, SO_ERROR %s\n", label, poll_names(all.revents), errno_name(int_option(fd, SOL_SOCKET, SO_ERROR)));
}

int main(void)
{
	struct can_isotp_options none = {0}, waits = {.flags = CAN_ISOTP_WAIT_TX_DONE};
	raw = raw_on("vcan0");

	// Nobody answers the first frame.
	int fd = fresh(none);
	send_pdu("no flow control", fd, 20);
	say_frames("    bus", raw, 1);
	struct pollfd out = {.fd = fd, .events = POLLOUT};
	printf("    under way: writable %ld\n", MUST(poll(&out, 1, 0)));
	CALL_AS("    another, MSG_DONTWAIT", send(fd, pdu_bytes(), 5, MSG_DONTWAIT));
	say_failure("    the error", fd);
	state("    then", fd);
	send_pdu("    then", fd, 5);
	say_frames("    bus", raw, 1);
	MUST(close(fd));
	fd = fresh(waits);
	send_pdu("no flow control, WAIT_TX_DONE", fd, 20);
	say_frames("    bus", raw, 1);
	state("    then", fd);
	send_pdu("    then", fd, 5);
	say_frames("    bus", raw, 1);
	// A second one waits for the first to end.
	MUST(close(fd));
	fd = fresh(none);
	send_pdu("no flow control", fd, 20);
	CALL_AS("    another, waiting", send(fd, pdu_bytes(), 5, 0));
	say_frames("    bus", raw, 2);
	state("    then", fd);
	MUST(close(fd));

	// Flow control: to send, to wait, overflow, an unknown status; too short.
	static const struct {
		const char *name;
		int length, first;
	} controls[] = {{"overflow", 3, 0x32}, {"status 5", 3, 0x35}, {"too short", 2, 0x30}, {"of 8 bytes", 8, 0x30}};
	for (size_t i = 0; i < COUNT(controls); i++) {
		fd = fresh(none);
		send_pdu(text("flow control, %s", controls[i].name), fd, 20);
		say_frames("    bus", raw, 1);
		int peer = raw_on("vcan0");
		send_bytes(peer, 0x456, controls[i].length, controls[i].first, 0, 0);
		say_frames("    bus", raw, 1);
		if (controls[i].first == 0x30 && controls[i].length > 2)
			say_frames("    bus", raw, 2);
		else
			say_failure("    the error", fd);
		MUST(close(peer));
		MUST(close(fd));
	}
	fd = fresh(none);
	send_pdu("flow control, wait and then go", fd, 20);
	say_frames("    bus", raw, 1);
	int peer = raw_on("vcan0");
	// Block size and time are those of the first one, also when that says to wait.
	send_bytes(peer, 0x456, 3, 0x31, 1, 0);
	send_bytes(peer, 0x456, 3, 0x31, 0, 0);
	send_bytes(peer, 0x456, 3, 0x30, 0, 0);
	say_frames("    bus", raw, 4);
	send_bytes(peer, 0x456, 3, 0x30, 0, 0);
	say_frames("    bus", raw, 2);
	out.fd = fd;
	MUST(poll(&out, 1, PATIENCE));
	state("    then", fd);
	say_no_pdu("    received", fd);
	send_bytes(peer, 0x456, 3, 0x30, 0, 0);
	state("a flow control that nobody waits for", fd);
	say_frames("    bus", raw, 1);
	MUST(close(fd));

	// What a receiver says to first frames and to frames in the wrong order.
	fd = fresh(none);
	send_bytes(peer, 0x456, 8, 0x10, 20, 1);
	say_frames("a first frame", raw, 2);
	send_bytes(peer, 0x456, 8, 0x22, 0, 0);
	say_frames("a wrong number", raw, 1);
	say_failure("    the error", fd);
	say_no_pdu("    received", fd);
	send_bytes(peer, 0x456, 8, 0x21, 0, 0);
	send_bytes(peer, 0x456, 8, 0x22, 0, 0);
	say_no_pdu("    received then", fd);
	say_frames("    bus", raw, 2);
	send_bytes(peer, 0x456, 8, 0x10, 20, 1);
	say_frames("a first frame and no more", raw, 2);
	say_failure("    the error", fd);
	send_bytes(peer, 0x456, 8, 0x10, 20, 1);
	send_bytes(peer, 0x456, 4, 0x03, 1, 2);
	say_frames("a single frame in between", raw, 3);
	struct pollfd in = {.fd = fd, .events = POLLIN};
	MUST(poll(&in, 1, PATIENCE));
	char bytes[100];
	CALL_AS("    recv", recv(fd, bytes, sizeof bytes, MSG_DONTWAIT));
	send_bytes(peer, 0x456, 8, 0x21, 0, 0);
	send_bytes(peer, 0x456, 8, 0x22, 0, 0);
	say_no_pdu("    received", fd);
	say_frames("    bus", raw, 2);
	// Lengths that do not fit.
	static const struct {
		const char *name;
		int length, first, second;
	} odd[] = {{"single frame of 0", 8, 0x00, 0},	 {"single frame of 8", 8, 0x08, 0}, {"single frame of 7 in 3", 3, 0x07, 0}, {"single frame of 2 in 8", 8, 0x02, 0},
		   {"first frame of 7", 8, 0x10, 7},	 {"first frame of 8", 8, 0x10, 8},  {"first frame of 6 bytes", 6, 0x10, 20}, {"first frame of 0", 8, 0x10, 0},
		   {"a continuation", 8, 0x21, 0},	 {"type 4", 8, 0x40, 0},	    {"type 15", 8, 0xf0, 0},		     {"empty", 0, 0, 0}};
	for (size_t i = 0; i < COUNT(odd); i++) {
		MUST(close(fd));
		MUST(close(raw));
		fd = fresh(none);
		raw = raw_on("vcan0");
		send_bytes(peer, 0x456, odd[i].length, odd[i].first, odd[i].second, 1);
		say_frames(odd[i].name, raw, 1);
		quiet("    bus");
		state("    then", fd);
		errno = UNTOUCHED;
		long size = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
		printf("    recv %ld %s\n", size, size < 0 ? errno_name(errno) : "");
	}
	// Padding that is checked.
	static const struct {
		const char *name;
		unsigned flags;
		int length, first;
		int pad;
	} pads[] = {{"length, right", CAN_ISOTP_RX_PADDING | CAN_ISOTP_CHK_PAD_LEN, 8, 0x02, 0},
		    {"length, short", CAN_ISOTP_RX_PADDING | CAN_ISOTP_CHK_PAD_LEN, 4, 0x02, 0},
		    {"data, right", CAN_ISOTP_RX_PADDING | CAN_ISOTP_CHK_PAD_DATA, 8, 0x02, 0xee},
		    {"data, wrong", CAN_ISOTP_RX_PADDING | CAN_ISOTP_CHK_PAD_DATA, 8, 0x02, 0x11},
		    {"no padding expected, length", CAN_ISOTP_CHK_PAD_LEN, 8, 0x02, 0},
		    {"no padding expected, exact", CAN_ISOTP_CHK_PAD_LEN, 3, 0x02, 0},
		    {"no padding expected, nothing checked", 0, 8, 0x02, 0}};
	for (size_t i = 0; i < COUNT(pads); i++) {
		MUST(close(fd));
		fd = fresh((struct can_isotp_options){.flags = pads[i].flags, .rxpad_content = pads[i].pad});
		send_bytes(peer, 0x456, pads[i].length, pads[i].first, 1, 2);
		say_frames(text("padding: %s", pads[i].name), raw, 1);
		struct pollfd any = {.fd = fd, .events = POLLIN};
		printf("    poll reports %s", poll_names(MUST(poll(&any, 1, 0)) ? any.revents : 0));
		errno = UNTOUCHED;
		long size = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
		printf(", recv %ld %s\n", size, size < 0 ? errno_name(errno) : "");
	}
	// Listening only: no flow control.
	MUST(close(fd));
	fd = fresh((struct can_isotp_options){.flags = CAN_ISOTP_LISTEN_MODE});
	send_bytes(peer, 0x456, 8, 0x10, 10, 1);
	say_frames("listen mode", raw, 1);
	quiet("    bus");
	send_bytes(peer, 0x456, 5, 0x21, 0, 0);
	MUST(wait_readable(fd));
	CALL_AS("    recv", recv(fd, bytes, sizeof bytes, MSG_DONTWAIT));
	say_frames("    bus", raw, 1);
	// A receiver that is too far behind gets no more than its queue takes; the sender does not know.
	// Closing waits for what is under way.
	MUST(close(fd));
	fd = fresh(none);
	int reader = isotp_unbound();
	isotp_bind(reader, 0x123, 0x456);
	send_pdu("closed at once", fd, 100);
	MUST(close(fd));
	say_pdu("    arrives", reader);
	fd = fresh(none);
	send_pdu("half duplex", fd, 50);
	say_pdu("    arrives", reader);
	sleep(3);
}
