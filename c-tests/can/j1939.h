// SAE J1939: sockets, addresses, and what arrives.

#include "can.h"
#include <linux/errqueue.h>

enum { ANY_NAME = 0 };

static inline int j1939_unbound(void) { return NEEDS(socket(AF_CAN, SOCK_DGRAM, CAN_J1939)); }

static inline struct sockaddr_can j1939_address(uint64_t name, uint32_t pgn, int address)
{
	struct sockaddr_can can = on("vcan0");
	can.can_addr.j1939.name = name;
	can.can_addr.j1939.pgn = pgn;
	can.can_addr.j1939.addr = address;
	return can;
}

static inline int j1939_at(int address)
{
	struct sockaddr_can can = j1939_address(J1939_NO_NAME, J1939_NO_PGN, address);
	int fd = j1939_unbound();
	MUST(bind(fd, SA(can), sizeof can));
	return fd;
}

static inline int j1939_broadcaster(int address)
{
	int fd = j1939_at(address);
	set_option(fd, SOL_SOCKET, SO_BROADCAST, 1);
	return fd;
}

static inline const char *j1939_text(const struct sockaddr_can *address)
{
	return text("%s, name %llX, pgn %05X, addr %02X", interface_name(address->can_ifindex), (unsigned long long)address->can_addr.j1939.name,
		    address->can_addr.j1939.pgn, address->can_addr.j1939.addr);
}

static inline void say_j1939_name(const char *label, name_call *call, int fd)
{
	struct sockaddr_can address = {0};
	socklen_t length = sizeof address;
	if (CALL_AS(label, call(fd, SA(address), &length)) == 0)
		printf("    length %d, family %d, %s\n", (int)length, address.can_family, j1939_text(&address));
}

static inline const unsigned char *message_bytes(void)
{
	static unsigned char bytes[200000];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = i + (i >> 8);
	return bytes;
}

static inline long send_to(const char *label, int fd, size_t length, uint64_t name, uint32_t pgn, int address)
{
	struct sockaddr_can can = j1939_address(name, pgn, address);
	return CALL_AS(text("%s: send %zu to %02X, pgn %05X", label, length, address, pgn), sendto(fd, message_bytes(), length, 0, SA(can), sizeof can));
}

static inline void say_message(const char *label, int fd)
{
	static unsigned char bytes[200000];
	char control[256];
	struct sockaddr_can from = {0};
	struct iovec part = {bytes, sizeof bytes};
	struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	if (!wait_readable(fd)) {
		printf("%s: nothing comes\n", label);
		return;
	}
	long size = recvmsg(fd, &message, MSG_DONTWAIT);
	if (size < 0) {
		printf("%s: %s\n", label, errno_name(errno));
		return;
	}
	printf("%s: %ld bytes, %s, from %s, namelen %d, %s\n", label, size, memcmp(bytes, message_bytes(), size) ? "other ones" : "the right ones",
	       j1939_text(&from), (int)message.msg_namelen, flag_names(message.msg_flags));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		const unsigned char *data = CMSG_DATA(c);
		size_t count = c->cmsg_len - CMSG_LEN(0);
		printf("        level %d, type %d, %zu bytes:", c->cmsg_level, c->cmsg_type, count);
		for (size_t i = 0; i < count && c->cmsg_level == SOL_CAN_J1939; i++)
			printf(" %02X", data[i]);
		printf("\n");
	}
}

static inline void say_no_message(const char *label, int fd)
{
	char bytes[100];
	long size = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
	printf("%s: %s\n", label, size < 0 ? errno_name(errno) : text("%ld bytes", size));
}

static inline void say_bus(const char *label, int raw, int count)
{
	for (int i = 0; i < count; i++) {
		struct can_frame frame = {0};
		if (!wait_readable(raw)) {
			printf("%s: no frame comes\n", label);
			return;
		}
		MUST(read(raw, &frame, sizeof frame));
		printf("%s: %s\n", label, frame_text(&frame, sizeof frame));
	}
}

// What is on the error queue: its kind, and the attributes that say how far a transfer is.
static inline void say_error_queue(const char *label, int fd)
{
	char control[512], bytes[100];
	struct iovec part = {bytes, sizeof bytes};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct pollfd wanted = {.fd = fd, .events = POLLERR};
	if (!MUST(poll(&wanted, 1, PATIENCE))) {
		printf("%s: nothing comes\n", label);
		return;
	}
	long size = recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
	if (size < 0) {
		printf("%s: %s\n", label, errno_name(errno));
		return;
	}
	printf("%s: %ld bytes, %s\n", label, size, flag_names(message.msg_flags));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		printf("        level %d, type %d, %zu bytes", c->cmsg_level, c->cmsg_type, c->cmsg_len - CMSG_LEN(0));
		if (c->cmsg_level == SOL_CAN_J1939 && c->cmsg_type == SCM_J1939_ERRQUEUE) {
			struct sock_extended_err *error = (void *)CMSG_DATA(c);
			printf(": errno %s, origin %d, type %d, code %d, info %u, data %u", errno_name(error->ee_errno), error->ee_origin, error->ee_type, error->ee_code,
			       error->ee_info, error->ee_data);
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING_OPT_STATS) {
			const unsigned char *at = CMSG_DATA(c), *end = (unsigned char *)c + c->cmsg_len;
			while (at + 4 <= end) {
				uint16_t length, type;
				memcpy(&length, at, 2);
				memcpy(&type, at + 2, 2);
				if (length < 4)
					break;
				uint64_t value = 0;
				memcpy(&value, at + 4, length - 4 < 8 ? length - 4 : 8);
				printf(", attribute %d of %d bytes: %llX", type, length - 4, (unsigned long long)value);
				at += (length + 3) & ~3;
			}
		}
		printf("\n");
	}
}
