// Shared by the programs about AF_CAN. They use the interface vcan0, and vcan1 where they need two; those about sizes also
// vcancc, vcanfd and vcanxl, which take classic frames, FD frames and XL frames. They never print an index, and never
// show by waiting that nothing comes: a marker is sent afterwards, and is the first thing to arrive.
//
// What is below c-tests/can/transcripts was printed by other kernels: scripts/can.sh.

#ifndef CAN_H
#define CAN_H

#include "../transcript.h"
#include <linux/can.h>
#include <linux/can/bcm.h>
#include <linux/can/error.h>
#include <linux/can/isotp.h>
#include <linux/can/j1939.h>
#include <linux/can/raw.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/epoll.h>

// Wrong sizes are what the programs are about.
#pragma GCC diagnostic ignored "-Wnonnull"
#pragma GCC diagnostic ignored "-Wstringop-overread"
#pragma GCC diagnostic ignored "-Wstringop-overflow"

#ifndef CAN_RAW_XL_FRAMES
#define CAN_RAW_XL_FRAMES 7
#endif
#define CAN_RAW_XL_VCID_OPTS_ 8 // Younger than the headers of some systems.
#define CAN_ISOTP_DYN_FC_PARMS_ 0x2000

enum {
	PATIENCE = 5000, // Milliseconds: what has not come by then will not come.
	MARK = 0x7ff,     // The identifier of the marker.
};

// ---- Interfaces and addresses ----------------------------------------------------------------------------

// The index of an interface that the machine must have. NULL is all interfaces.
static inline int index_of(const char *interface)
{
	int index = interface ? (int)if_nametoindex(interface) : 0;
	return interface && !index ? (int)NEEDS(-1) : index;
}

static inline const char *interface_name(int index)
{
	static const char *const names[] = {"vcan0", "vcan1", "vcancc", "vcanfd", "vcanxl", "lo"};
	if (index == 0)
		return "all";
	for (size_t i = 0; i < COUNT(names); i++)
		if ((int)if_nametoindex(names[i]) == index)
			return names[i];
	return index < 0 ? "a negative index" : "an unknown index";
}

static inline struct sockaddr_can on(const char *interface)
{
	return (struct sockaddr_can){.can_family = AF_CAN, .can_ifindex = index_of(interface)};
}

static inline void say_can_address(const char *label, const void *bytes, socklen_t length)
{
	struct sockaddr_can address = {0};
	memcpy(&address, bytes, length < sizeof address ? length : sizeof address);
	printf("%s: length %d", label, (int)length);
	if (length >= 2)
		printf(", family %s", address.can_family == AF_CAN ? "AF_CAN" : text("%d", address.can_family));
	if (length >= 8)
		printf(", %s", interface_name(address.can_ifindex));
	printf("\n");
}

static inline void say_can_name(const char *label, name_call *call, int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof address;
	if (CALL_AS(label, call(fd, SA(address), &length)) == 0)
		say_can_address(label, &address, length);
}

// ---- Frames ----------------------------------------------------------------------------------------------

static inline struct can_frame classic(canid_t id, int length)
{
	struct can_frame frame = {.can_id = id, .len = length};
	for (int i = 0; i < length && i < 8; i++)
		frame.data[i] = 0x11 * (i + 1);
	return frame;
}

static inline struct canfd_frame flexible(canid_t id, int length)
{
	struct canfd_frame frame = {.can_id = id, .len = length};
	for (int i = 0; i < length && i < 64; i++)
		frame.data[i] = i;
	return frame;
}

// The text of a frame, by its size as the kernel gives it.
static inline const char *frame_text(const void *bytes, long size)
{
	static char all[2][3 * 80 + 100];
	static int turn;
	char *to = all[turn++ % 2], *end = to;
	const struct canfd_frame *frame = bytes;
	const struct canxl_frame *xl = bytes;
	if (size > 12 && (xl->flags & CANXL_XLF)) {
		int bad = 0;
		for (int i = 0; i < xl->len; i++)
			bad += xl->data[i] != (uint8_t)i;
		sprintf(to, "XL of %ld bytes, prio %03X, flags %02X, sdt %02X, len %d, af %08X%s", size, xl->prio, xl->flags,
			xl->sdt, xl->len, xl->af, bad ? ", other data" : "");
		return to;
	}
	if (size != CAN_MTU && size != CANFD_MTU) {
		sprintf(to, "%ld bytes", size);
		return to;
	}
	end += sprintf(end, "%s %0*X", size == CAN_MTU ? "CC" : "FD",
		       frame->can_id & (CAN_EFF_FLAG | CAN_RTR_FLAG | CAN_ERR_FLAG) ? 8 : 3, frame->can_id);
	if (size == CANFD_MTU)
		end += sprintf(end, " flags %02X", frame->flags);
	end += sprintf(end, " [%d]", frame->len);
	for (int i = 0; i < frame->len && i < (size == CAN_MTU ? 8 : 64); i++)
		end += sprintf(end, " %02X", frame->data[i]);
	if ((size == CAN_MTU && frame->flags) || frame->__res0 || frame->__res1)
		end += sprintf(end, " (%02X %02X %02X behind the length)", frame->flags, frame->__res0, frame->__res1);
	return to;
}

static inline const char *flag_names(int flags)
{
	static const struct {
		int bit;
		const char *name;
	} names[] = {
		{MSG_DONTROUTE, "DONTROUTE"}, {MSG_CONFIRM, "CONFIRM"},   {MSG_TRUNC, "TRUNC"},
		{MSG_CTRUNC, "CTRUNC"},       {MSG_ERRQUEUE, "ERRQUEUE"}, {MSG_EOR, "EOR"},
		{MSG_PEEK, "PEEK"},
	};
	const char *all = flags ? "" : "no flags";
	for (size_t i = 0; i < COUNT(names); i++)
		if (flags & names[i].bit) {
			all = text("%s%s%s", all, *all ? "|" : "", names[i].name);
			flags &= ~names[i].bit;
		}
	return flags ? text("%s|%#x", all, flags) : all;
}

// ---- Sockets ---------------------------------------------------------------------------------------------

static inline int unbound(void) { return NEEDS(socket(AF_CAN, SOCK_RAW, CAN_RAW)); }

// A raw socket that is bound to an interface, or to all.
static inline int raw_on(const char *interface)
{
	struct sockaddr_can address = on(interface);
	int fd = unbound();
	MUST(bind(fd, SA(address), sizeof address));
	return fd;
}

static inline void set_option(int fd, int level, int option, int value)
{
	MUST(setsockopt(fd, level, option, &value, sizeof value));
}

static inline void set_raw(int fd, int option, int value) { set_option(fd, SOL_CAN_RAW, option, value); }

static inline void send_frame(int fd, canid_t id, int length)
{
	struct can_frame frame = classic(id, length);
	MUST(write(fd, &frame, sizeof frame));
}

static inline void send_mark(int fd) { send_frame(fd, MARK, 0); }

static inline int wait_readable(int fd)
{
	struct pollfd wanted = {.fd = fd, .events = POLLIN};
	return MUST(poll(&wanted, 1, PATIENCE));
}

// Waits for one frame, and prints it with what recvmsg() says of it.
static inline void say_next(const char *label, int fd)
{
	char bytes[CANXL_MTU + 1] = {0};
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
		printf("%s: %s, from %s, namelen %d, %s\n", label, frame_text(bytes, size), interface_name(from.can_ifindex),
		       (int)message.msg_namelen, flag_names(message.msg_flags));
}

static inline void say_nothing_more(const char *label, int fd)
{
	char bytes[CANXL_MTU];
	struct pollfd wanted = {.fd = fd, .events = POLLIN};
	long ready = MUST(poll(&wanted, 1, 0)), size = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
	if (ready == 0 && size < 0 && errno == EAGAIN)
		printf("%s: nothing more\n", label);
	else
		printf("%s: more: poll reports %s, recv %s\n", label, poll_names(wanted.revents),
		       size < 0 ? errno_name(errno) : frame_text(bytes, size));
}

// Prints the identifiers of what has arrived until the marker, which was sent and must pass, on one line.
static inline void say_until_mark(const char *label, int fd)
{
	printf("%s:", label);
	for (int count = 0;; count++) {
		char bytes[CANXL_MTU] = {0};
		struct canfd_frame *frame = (void *)bytes;
		if (!wait_readable(fd)) {
			printf(" and no marker");
			break;
		}
		long size = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
		if (size < 0) {
			printf(" %s", errno_name(errno));
			break;
		}
		if (size == CAN_MTU && frame->can_id == MARK) {
			printf("%s", count ? "" : " nothing");
			break;
		}
		printf(" %s%X", size == CAN_MTU ? "" : size == CANFD_MTU ? "FD:" : "XL:", frame->can_id);
	}
	struct pollfd wanted = {.fd = fd, .events = POLLIN};
	printf("%s\n", MUST(poll(&wanted, 1, 0)) ? ", and something behind the marker" : "");
}

#define SET_FILTERS(fd, ...)                                                                                           \
	do {                                                                                                           \
		struct can_filter filters_[] = {__VA_ARGS__};                                                          \
		MUST(setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, filters_, sizeof filters_));                          \
	} while (0)
#define MARK_FILTER {MARK, CAN_EFF_FLAG | CAN_RTR_FLAG | CAN_SFF_MASK}

// Prints an option as getsockopt() gives it into a buffer of 64 bytes: its length, and its bytes up to a maximum.
static inline void say_option(const char *label, int fd, int level, int option, socklen_t length)
{
	unsigned char bytes[64];
	memset(bytes, 0xee, sizeof bytes);
	socklen_t given = length;
	errno = UNTOUCHED;
	int result = getsockopt(fd, level, option, bytes, &given);
	if (result < 0) {
		printf("%s, length %d = -1 %s, length then %d\n", label, (int)length, errno_name(errno), (int)given);
		return;
	}
	printf("%s, length %d = %d, length then %d:", label, (int)length, result, (int)given);
	for (size_t i = 0; i < given && i < 24; i++)
		printf(" %02x", bytes[i]);
	printf("\n");
}

#endif
