// recvmmsg(2), with and without MSG_WAITFORONE, its names, flags and control messages.
#include "can.h"

static int reader;

static void receive(const char *label, unsigned count, int flags, struct timespec *timeout)
{
	struct mmsghdr messages[8] = {0};
	struct can_frame frames[8];
	struct sockaddr_can names[8];
	struct iovec parts[8];
	for (int i = 0; i < 8; i++) {
		parts[i] = (struct iovec){&frames[i], i == 2 ? 8 : sizeof frames[i]};
		messages[i].msg_hdr = (struct msghdr){.msg_name = &names[i], .msg_namelen = sizeof names[i], .msg_iov = &parts[i], .msg_iovlen = 1};
	}
	long got = CALL_AS(label, recvmmsg(reader, messages, count, flags, timeout));
	for (long i = 0; i < got; i++)
		printf("    %X, %u bytes, from %s, namelen %d, %s\n", frames[i].can_id, messages[i].msg_len, interface_name(names[i].can_ifindex),
		       (int)messages[i].msg_hdr.msg_namelen, flag_names(messages[i].msg_hdr.msg_flags));
}

int main(void)
{
	int writer = raw_on("vcan0");
	reader = raw_on("vcan0");
	set_raw(reader, CAN_RAW_RECV_OWN_MSGS, 1);
	receive("nothing there, MSG_DONTWAIT", 4, MSG_DONTWAIT, NULL);
	for (int i = 0; i < 4; i++)
		send_frame(i == 1 ? reader : writer, 0x100 + i, i);
	receive("four, MSG_WAITFORONE", 8, MSG_WAITFORONE, NULL);
	for (int i = 0; i < 4; i++)
		send_frame(writer, 0x110 + i, i);
	receive("four, two asked for", 2, 0, NULL);
	receive("two left, MSG_DONTWAIT", 8, MSG_DONTWAIT, NULL);
	send_frame(writer, 0x120, 0);
	receive("one, without waiting at all", 8, MSG_WAITFORONE | MSG_DONTWAIT, NULL);
	receive("none asked for", 0, 0, NULL);
	struct timespec bad = {0, 2000000000};
	receive("a bad time", 4, 0, &bad);
	send_frame(writer, 0x130, 0);
	send_frame(writer, 0x131, 0);
	struct timespec none = {0, 0};
	receive("no time", 4, 0, &none);
	receive("MSG_WAITFORONE and what is left", 4, MSG_WAITFORONE, NULL);
	CALL(recvmmsg(reader, NOWHERE, 4, MSG_DONTWAIT, NULL));
	set_timeout(reader, SO_RCVTIMEO, 20);
	receive("SO_RCVTIMEO", 4, 0, NULL);
	send_frame(writer, 0x140, 0);
	receive("SO_RCVTIMEO after one", 4, 0, NULL);
}
