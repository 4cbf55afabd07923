// ISO 15765-2: sockets, and the frames that a raw socket sees of them.

#include "can.h"

static inline int isotp_unbound(void) { return NEEDS(socket(AF_CAN, SOCK_DGRAM, CAN_ISOTP)); }

static inline struct sockaddr_can isotp_address(const char *interface, canid_t rx, canid_t tx)
{
	struct sockaddr_can address = on(interface);
	address.can_addr.tp.rx_id = rx;
	address.can_addr.tp.tx_id = tx;
	return address;
}

static inline void isotp_bind(int fd, canid_t rx, canid_t tx)
{
	struct sockaddr_can address = isotp_address("vcan0", rx, tx);
	MUST(bind(fd, SA(address), sizeof address));
}

static inline void isotp_flags(int fd, struct can_isotp_options options)
{
	MUST(setsockopt(fd, SOL_CAN_ISOTP, CAN_ISOTP_OPTS, &options, sizeof options));
}

static inline void isotp_fc(int fd, int bs, int stmin, int wftmax)
{
	struct can_isotp_fc_options options = {bs, stmin, wftmax};
	MUST(setsockopt(fd, SOL_CAN_ISOTP, CAN_ISOTP_RECV_FC, &options, sizeof options));
}

static inline int isotp_ll(int fd, int mtu, int length, int flags)
{
	struct can_isotp_ll_options options = {mtu, length, flags};
	return setsockopt(fd, SOL_CAN_ISOTP, CAN_ISOTP_LL_OPTS, &options, sizeof options);
}

static inline const unsigned char *pdu_bytes(void)
{
	static unsigned char bytes[70000];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = i + (i >> 8);
	return bytes;
}

static inline long send_pdu(const char *label, int fd, size_t length)
{
	return CALL_AS(text("%s: send %zu", label, length), write(fd, pdu_bytes(), length));
}

// Waits for a PDU, and prints its length and whether its bytes are those of send_pdu().
static inline void say_pdu(const char *label, int fd)
{
	static unsigned char bytes[70000];
	struct sockaddr_can from = {0};
	struct iovec part = {bytes, sizeof bytes};
	struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
	if (!wait_readable(fd)) {
		printf("%s: nothing comes\n", label);
		return;
	}
	long size = recvmsg(fd, &message, MSG_DONTWAIT);
	if (size < 0)
		printf("%s: %s\n", label, errno_name(errno));
	else
		printf("%s: a PDU of %ld bytes, %s, from %s, rx %X, tx %X, namelen %d, %s\n", label, size,
		       memcmp(bytes, pdu_bytes(), size) ? "other ones" : "the right ones", interface_name(from.can_ifindex), from.can_addr.tp.rx_id,
		       from.can_addr.tp.tx_id, (int)message.msg_namelen, flag_names(message.msg_flags));
}

static inline void say_no_pdu(const char *label, int fd)
{
	char bytes[100];
	long size = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
	printf("%s: %s\n", label, size < 0 ? errno_name(errno) : text("a PDU of %ld bytes", size));
}

// The next frames on the bus, without what say_next() says of their way.
static inline void say_frames(const char *label, int raw, int count)
{
	for (int i = 0; i < count; i++) {
		char bytes[CANFD_MTU] = {0};
		if (!wait_readable(raw)) {
			printf("%s: no frame comes\n", label);
			return;
		}
		long size = MUST(read(raw, bytes, sizeof bytes));
		printf("%s: %s\n", label, frame_text(bytes, size));
	}
}

// Frames by their first bytes; the rest up to the length is ee.
static inline void send_bytes(int raw, canid_t id, int length, int first, int second, int third)
{
	struct can_frame frame = {.can_id = id, .len = length};
	memset(frame.data, 0xee, length);
	frame.data[0] = first;
	frame.data[1] = second;
	frame.data[2] = third;
	MUST(write(raw, &frame, sizeof frame));
}

// Waits until the socket has an error, and prints it as a reading call gives it.
static inline void say_failure(const char *label, int fd)
{
	struct pollfd wanted = {.fd = fd, .events = 0};
	char byte[8];
	if (!MUST(poll(&wanted, 1, PATIENCE)))
		printf("%s: no error comes\n", label);
	else
		printf("%s: %s, recv %s\n", label, poll_names(wanted.revents & ~(POLLOUT | POLLIN)), recv(fd, byte, sizeof byte, MSG_DONTWAIT) < 0 ? errno_name(errno) : "succeeds");
}
