// The errors of sending: by the socket's state, by the address, by the interface.
#include "can.h"

int main(void)
{
	struct can_frame frame = classic(0x123, 2);
	struct sockaddr_can vcan0 = on("vcan0"), other;
	int none = unbound(), bound = raw_on("vcan0"), all = raw_on(NULL), at1 = raw_on("vcan1");
	int reader = raw_on("vcan0"), reader1 = raw_on("vcan1");

	CALL_AS("not bound: write", write(none, &frame, sizeof frame));
	CALL_AS("not bound: send", send(none, &frame, sizeof frame, 0));
	CALL_AS("not bound: write, a size that no frame has", write(none, &frame, 15));
	CALL_AS("not bound: write nothing", write(none, &frame, 0));
	CALL_AS("bound to all: write", write(all, &frame, sizeof frame));
	CALL_AS("bound to all: write nothing", write(all, &frame, 0));
	CALL_AS("bound: send nothing", send(bound, &frame, 0, 0));
	CALL_AS("bound: no memory", write(bound, NOWHERE, sizeof frame));
	CALL_AS("bound: NULL", write(bound, NULL, sizeof frame));
	CALL_AS("bound: NULL, a size that no frame has", write(bound, NULL, 15));
	CALL_AS("bound: very large", write(bound, &frame, 1 << 30));
	CALL_AS("bound: no memory, very large", write(bound, NOWHERE, 1 << 30));

	int fds[] = {none, all, bound};
	const char *const names[] = {"not bound", "bound to all", "bound to vcan0"};
	for (int i = 0; i < 3; i++) {
		for (int length = 0; length <= 24; length += length < 9 ? 1 : 5)
			CALL_AS(text("%s: sendto vcan0, length %d", names[i], length), sendto(fds[i], &frame, sizeof frame, 0, SA(vcan0), length));
		CALL_AS(text("%s: sendto vcan0, length 128", names[i]), sendto(fds[i], &frame, sizeof frame, 0, (struct sockaddr *)memcpy((char[256]){0}, &vcan0, sizeof vcan0), 128));
		CALL_AS(text("%s: sendto vcan0, length 129", names[i]), sendto(fds[i], &frame, sizeof frame, 0, SA(vcan0), 129));
		CALL_AS(text("%s: sendto NULL, length 8", names[i]), sendto(fds[i], &frame, sizeof frame, 0, NULL, 8));
		CALL_AS(text("%s: sendto no memory", names[i]), sendto(fds[i], &frame, sizeof frame, 0, NOWHERE, 8));
		for (int family = 0; family < 3; family++) {
			other = vcan0;
			other.can_family = family;
			CALL_AS(text("%s: sendto family %d", names[i], family), sendto(fds[i], &frame, sizeof frame, 0, SA(other), sizeof other));
		}
		other = on(NULL);
		CALL_AS(text("%s: sendto all", names[i]), sendto(fds[i], &frame, sizeof frame, 0, SA(other), sizeof other));
		other = on("lo");
		CALL_AS(text("%s: sendto lo", names[i]), sendto(fds[i], &frame, sizeof frame, 0, SA(other), sizeof other));
		other.can_ifindex = 987654;
		CALL_AS(text("%s: sendto an unknown index", names[i]), sendto(fds[i], &frame, sizeof frame, 0, SA(other), sizeof other));
		CALL_AS(text("%s: sendto an unknown index, a bad size", names[i]), sendto(fds[i], &frame, 15, 0, SA(other), sizeof other));
		other.can_ifindex = -1;
		CALL_AS(text("%s: sendto index -1", names[i]), sendto(fds[i], &frame, sizeof frame, 0, SA(other), sizeof other));
		other = on("vcan1");
		CALL_AS(text("%s: sendto vcan1", names[i]), sendto(fds[i], &frame, sizeof frame, 0, SA(other), sizeof other));
		CALL_AS(text("%s: sendto vcan1, a bad size", names[i]), sendto(fds[i], &frame, 15, 0, SA(other), sizeof other));
		CALL_AS(text("%s: sendto vcan1, nothing", names[i]), sendto(fds[i], &frame, 0, 0, SA(other), sizeof other));
	}
	send_mark(bound);
	say_until_mark("at vcan0", reader);
	send_mark(at1);
	say_until_mark("at vcan1", reader1);

	// Flags of send().
	static const struct {
		const char *name;
		int flag;
	} flags[] = {
		{"MSG_OOB", MSG_OOB}, {"MSG_DONTROUTE", MSG_DONTROUTE}, {"MSG_DONTWAIT", MSG_DONTWAIT}, {"MSG_EOR", MSG_EOR},
		{"MSG_CONFIRM", MSG_CONFIRM}, {"MSG_NOSIGNAL", MSG_NOSIGNAL}, {"MSG_MORE", MSG_MORE}, {"MSG_ZEROCOPY", MSG_ZEROCOPY},
		{"MSG_FASTOPEN", MSG_FASTOPEN}, {"MSG_PEEK", MSG_PEEK}, {"MSG_TRUNC", MSG_TRUNC}, {"MSG_ERRQUEUE", MSG_ERRQUEUE},
	};
	for (size_t i = 0; i < COUNT(flags); i++) {
		if (CALL_AS(text("send with %s", flags[i].name), send(bound, &frame, sizeof frame, flags[i].flag)) == sizeof frame)
			say_next("    arrives", reader);
	}

	// Control messages.
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(64)];
	} control;
	static const struct {
		const char *name;
		int level, type, size;
		uint64_t value;
	} messages[] = {
		{"SO_MARK", SOL_SOCKET, SO_MARK, 4, 0}, {"SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, 4, 3},
		{"SO_TIMESTAMPING", SOL_SOCKET, SO_TIMESTAMPING, 4, 0x2}, {"SCM_TXTIME", SOL_SOCKET, SO_TXTIME, 8, 0},
		{"an unknown one of SOL_SOCKET", SOL_SOCKET, 999, 4, 0}, {"SOL_CAN_RAW", SOL_CAN_RAW, 1, 4, 0},
		{"SCM_RIGHTS", SOL_SOCKET, SCM_RIGHTS, 4, 0}, {"SO_TIMESTAMPING, short", SOL_SOCKET, SO_TIMESTAMPING, 2, 0},
	};
	for (size_t i = 0; i < COUNT(messages); i++) {
		struct iovec part = {&frame, sizeof frame};
		struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control};
		memset(&control, 0, sizeof control);
		message.msg_controllen = CMSG_SPACE(messages[i].size);
		control.header.cmsg_level = messages[i].level;
		control.header.cmsg_type = messages[i].type;
		control.header.cmsg_len = CMSG_LEN(messages[i].size);
		memcpy(CMSG_DATA(&control.header), &messages[i].value, messages[i].size);
		if (CALL_AS(text("sendmsg with %s", messages[i].name), sendmsg(bound, &message, 0)) == sizeof frame)
			say_next("    arrives", reader);
		say_poll("    then the sender", bound);
	}
	say_nothing_more("at the end", reader);
}
