// ISO-TP: what two sockets send each other, as a raw socket sees it, and what arrives.
#include "isotp.h"

static int raw;

static void frames_until_quiet(const char *label)
{
	// The receiver has had all of it, so everything has been on the bus.
	char bytes[CANFD_MTU];
	long size;
	int count = 0;
	while ((size = recv(raw, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
		if (++count <= 12)
			printf("    %s: %s\n", label, frame_text(bytes, size));
	printf("    %s: %d frames\n", label, count);
}

static void exchange(const char *label, struct can_isotp_options a_options, struct can_isotp_options b_options, int mtu, int length, const int *sizes, int count)
{
	int a = isotp_unbound(), b = isotp_unbound();
	isotp_flags(a, a_options);
	isotp_flags(b, b_options);
	if (mtu) {
		MUST(isotp_ll(a, mtu, length, mtu == CANFD_MTU ? CANFD_BRS : 0));
		MUST(isotp_ll(b, mtu, length, 0));
	}
	isotp_bind(a, 0x456, 0x123);
	isotp_bind(b, 0x123, 0x456);
	for (int i = 0; i < count; i++) {
		send_pdu(label, a, sizes[i]);
		say_pdu("    arrives", b);
		frames_until_quiet("bus");
		// The sender is done when its last frame has come back to it.
		struct pollfd out = {.fd = a, .events = POLLOUT};
		MUST(poll(&out, 1, PATIENCE));
	}
	// And back.
	send_pdu(text("%s, back", label), b, sizes[count - 1]);
	say_pdu("    arrives", a);
	frames_until_quiet("bus");
	MUST(close(a));
	MUST(close(b));
}

int main(void)
{
	raw = raw_on("vcan0");
	set_raw(raw, CAN_RAW_FD_FRAMES, 1);
	static const int normal[] = {1, 6, 7, 8, 13, 14, 20, 62, 150}, few[] = {1, 5, 6, 7, 30};
	static const int flexible_sizes[] = {1, 7, 8, 12, 24, 61, 62, 63, 64, 125, 200};
	struct can_isotp_options none = {0}, pads = {.flags = CAN_ISOTP_TX_PADDING, .txpad_content = 0xaa}, extended = {.flags = CAN_ISOTP_EXTEND_ADDR, .ext_address = 0x5a},
				 extended_pads = {.flags = CAN_ISOTP_EXTEND_ADDR | CAN_ISOTP_TX_PADDING, .ext_address = 0x5a, .txpad_content = 0xcc},
				 one_way = {.flags = CAN_ISOTP_EXTEND_ADDR | CAN_ISOTP_RX_EXT_ADDR, .ext_address = 0x11, .rx_ext_address = 0x22},
				 other_way = {.flags = CAN_ISOTP_EXTEND_ADDR | CAN_ISOTP_RX_EXT_ADDR, .ext_address = 0x22, .rx_ext_address = 0x11},
				 checks = {.flags = CAN_ISOTP_TX_PADDING | CAN_ISOTP_RX_PADDING | CAN_ISOTP_CHK_PAD_LEN | CAN_ISOTP_CHK_PAD_DATA,
					   .txpad_content = 0x55,
					   .rxpad_content = 0x55};
	exchange("plain", none, none, 0, 0, normal, COUNT(normal));
	exchange("padding by the sender", pads, none, 0, 0, few, COUNT(few));
	exchange("padding by both", pads, pads, 0, 0, few, COUNT(few));
	exchange("padding that is checked", checks, checks, 0, 0, few, COUNT(few));
	exchange("extended addresses", extended, extended, 0, 0, few, COUNT(few));
	exchange("extended addresses, padding", extended_pads, extended_pads, 0, 0, few, COUNT(few));
	exchange("two extended addresses", one_way, other_way, 0, 0, few, COUNT(few));
	exchange("FD, 64", none, none, CANFD_MTU, 64, flexible_sizes, COUNT(flexible_sizes));
	exchange("FD, 8", none, none, CANFD_MTU, 8, few, COUNT(few));
	exchange("FD, 20, padding", pads, pads, CANFD_MTU, 20, flexible_sizes, 8);
	exchange("FD, 64, extended addresses", extended, extended, CANFD_MTU, 64, flexible_sizes, COUNT(flexible_sizes));

	// Block size and separation time, of the receiver.
	int a = isotp_unbound(), b = isotp_unbound();
	isotp_fc(b, 3, 1, 0);
	isotp_bind(a, 0x456, 0x123);
	isotp_bind(b, 0x123, 0x456);
	send_pdu("block size 3", a, 60);
	say_pdu("    arrives", b);
	frames_until_quiet("bus");
	// Identifiers of 29 bits.
	int c = isotp_unbound(), d = isotp_unbound();
	isotp_bind(c, CAN_EFF_FLAG | 0x18da10f1, CAN_EFF_FLAG | 0x18daf110);
	isotp_bind(d, CAN_EFF_FLAG | 0x18daf110, CAN_EFF_FLAG | 0x18da10f1);
	send_pdu("29 bits", c, 20);
	say_pdu("    arrives", d);
	frames_until_quiet("bus");
	// Long ones: the length takes 32 bits from 4096 bytes.
	static const int sizes[] = {4095, 4096, 8200, 8300, 8301, 20000, 66000, 66001, 70000};
	int e = isotp_unbound(), f = isotp_unbound();
	isotp_flags(e, (struct can_isotp_options){.frame_txtime = CAN_ISOTP_FRAME_TXTIME_ZERO, .flags = CAN_ISOTP_WAIT_TX_DONE});
	isotp_bind(e, 0x556, 0x523);
	isotp_bind(f, 0x523, 0x556);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		// The raw socket's queue is too short for them: what it has is emptied, and only the first is looked at.
		int first = raw_on("vcan0");
		SET_FILTERS(first, {0x523, 0x7ff});
		if (send_pdu("long", e, sizes[i]) < 0)
			continue;
		say_frames("    first frame", first, 1);
		say_pdu("    arrives", f);
		MUST(close(first));
	}
	MUST(close(raw));
	raw = raw_on("vcan0");

	// Functional addressing.
	int g = isotp_unbound(), h = isotp_unbound();
	isotp_flags(g, (struct can_isotp_options){.flags = CAN_ISOTP_SF_BROADCAST});
	struct sockaddr_can address = isotp_address("vcan0", 0, 0x7df);
	MUST(bind(g, SA(address), sizeof address));
	isotp_bind(h, 0x7df, 0x7e8);
	send_pdu("SF_BROADCAST", g, 5);
	say_pdu("    arrives", h);
	send_pdu("SF_BROADCAST", g, 8);
	frames_until_quiet("bus");
	send_pdu("the other sends to it", h, 3);
	CALL_AS("    recv", recv(g, &address, 8, MSG_DONTWAIT));
	frames_until_quiet("bus");
	MUST(close(g));
	MUST(close(h));
	g = isotp_unbound();
	h = isotp_unbound();
	isotp_flags(g, (struct can_isotp_options){.flags = CAN_ISOTP_CF_BROADCAST});
	isotp_flags(h, (struct can_isotp_options){.flags = CAN_ISOTP_LISTEN_MODE});
	address = isotp_address("vcan0", 0, 0x7df);
	MUST(bind(g, SA(address), sizeof address));
	isotp_bind(h, 0x7df, 0x7e8);
	send_pdu("CF_BROADCAST", g, 25);
	say_pdu("    arrives at a listener", h);
	frames_until_quiet("bus");
	CALL_AS("the listener sends", write(h, pdu_bytes(), 20));
	frames_until_quiet("bus");

	// Receiving in part, and flags.
	char bytes[100];
	struct iovec part = {bytes, 8};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	send_pdu("plain", a, 20);
	MUST(wait_readable(b));
	CALL_AS("MSG_PEEK, 8 bytes", recv(b, bytes, 8, MSG_PEEK));
	CALL_AS("MSG_PEEK|MSG_TRUNC, 8 bytes", recv(b, bytes, 8, MSG_PEEK | MSG_TRUNC));
	CALL_AS("MSG_PEEK|MSG_TRUNC, no buffer", recv(b, NULL, 0, MSG_PEEK | MSG_TRUNC));
	CALL_AS("recvmsg, 8 bytes", recvmsg(b, &message, 0));
	printf("    %s\n", flag_names(message.msg_flags));
	say_no_pdu("    the rest", b);
	struct pollfd out = {.fd = a, .events = POLLOUT};
	MUST(poll(&out, 1, PATIENCE));
	send_pdu("plain", a, 5);
	MUST(wait_readable(b));
	CALL_AS("recv, MSG_TRUNC, 2 bytes", recv(b, bytes, 2, MSG_TRUNC));
	// Control messages.
	int on = 1;
	MUST(setsockopt(b, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on));
	char control[128];
	message.msg_control = control;
	message.msg_controllen = sizeof control;
	send_pdu("plain", a, 5);
	MUST(wait_readable(b));
	CALL_AS("SO_TIMESTAMP", recvmsg(b, &message, 0));
	printf("    %zu bytes of control messages\n", message.msg_controllen);
	struct iovec two[2] = {{(void *)pdu_bytes(), 3}, {(void *)(pdu_bytes() + 3), 2}};
	CALL_AS("writev", writev(a, two, 2));
	MUST(setsockopt(b, SOL_SOCKET, SO_TIMESTAMP, &(int){0}, sizeof on));
	say_pdu("    arrives", b);
}
