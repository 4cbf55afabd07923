// The broadcast manager: messages to it, and what comes from it.

#include "can.h"

struct bcm_message {
	struct bcm_msg_head head;
	// Eight bytes aligned, as the frames behind the head are.
	union {
		struct can_frame frames[260];
		struct canfd_frame fd[260];
	};
};

static inline int bcm_unconnected(void) { return NEEDS(socket(AF_CAN, SOCK_DGRAM, CAN_BCM)); }

static inline int bcm_on(const char *interface)
{
	struct sockaddr_can address = on(interface);
	int fd = bcm_unconnected();
	MUST(connect(fd, SA(address), sizeof address));
	return fd;
}

static inline struct bcm_message bcm(int opcode, int flags, canid_t id, int frames)
{
	struct bcm_message message = {.head = {.opcode = opcode, .flags = flags, .can_id = id, .nframes = frames}};
	for (int i = 0; i < frames && i < 260; i++) {
		if (flags & CAN_FD_FRAME)
			message.fd[i] = flexible(id, 4 + i);
		else
			message.frames[i] = classic(id, 1 + i % 8);
	}
	return message;
}

static inline size_t bcm_size(const struct bcm_message *message)
{
	return sizeof message->head + message->head.nframes * (message->head.flags & CAN_FD_FRAME ? CANFD_MTU : CAN_MTU);
}

static inline void set_times(struct bcm_message *message, int count, int milliseconds1, int milliseconds2)
{
	message->head.count = count;
	message->head.ival1 = (struct bcm_timeval){milliseconds1 / 1000, milliseconds1 % 1000 * 1000};
	message->head.ival2 = (struct bcm_timeval){milliseconds2 / 1000, milliseconds2 % 1000 * 1000};
}

static inline long tell(const char *label, int fd, const struct bcm_message *message)
{
	return CALL_AS(label, write(fd, message, bcm_size(message)));
}

static inline const char *opcode_name(int opcode)
{
	static const char *const names[] = {"0",         "TX_SETUP",   "TX_DELETE", "TX_READ",    "TX_SEND",    "RX_SETUP",  "RX_DELETE",
					    "RX_READ",   "TX_STATUS",  "TX_EXPIRED", "RX_STATUS", "RX_TIMEOUT", "RX_CHANGED"};
	return opcode >= 0 && (size_t)opcode < COUNT(names) ? names[opcode] : "unknown";
}

// Waits for a message, and prints it. An answer is there at once.
static inline void say_told(const char *label, int fd)
{
	struct bcm_message message;
	struct sockaddr_can from = {0};
	struct iovec part = {&message, sizeof message};
	struct msghdr header = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
	if (!wait_readable(fd)) {
		printf("%s: nothing comes\n", label);
		return;
	}
	long size = recvmsg(fd, &header, MSG_DONTWAIT);
	if (size < 0) {
		printf("%s: %s\n", label, errno_name(errno));
		return;
	}
	printf("%s: %ld bytes, %s, flags %#x, id %X, count %u, times %ld.%06ld %ld.%06ld, %u frames, from %s, namelen %d, %s\n", label, size,
	       opcode_name(message.head.opcode), message.head.flags, message.head.can_id, message.head.count, message.head.ival1.tv_sec,
	       message.head.ival1.tv_usec, message.head.ival2.tv_sec, message.head.ival2.tv_usec, message.head.nframes,
	       interface_name(from.can_ifindex), (int)header.msg_namelen, flag_names(header.msg_flags));
	int fd_frames = message.head.flags & CAN_FD_FRAME;
	for (unsigned i = 0; i < message.head.nframes && i < 4; i++)
		printf("        %s\n", fd_frames ? frame_text(&message.fd[i], CANFD_MTU) : frame_text(&message.frames[i], CAN_MTU));
}

static inline void say_untold(const char *label, int fd)
{
	char bytes[64];
	long size = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
	printf("%s: %s\n", label, size < 0 ? errno_name(errno) : text("a message of %ld bytes or more", size));
}
