// ISO-TP: bind(2), addresses, and the errors of calls on sockets that are bound and not.
#include "isotp.h"

static void try_bind(const char *label, struct sockaddr_can address, int length)
{
	int fd = isotp_unbound();
	if (CALL_AS(label, bind(fd, SA(address), length)) == 0) {
		struct sockaddr_can name = {0};
		socklen_t given = sizeof name;
		MUST(getsockname(fd, SA(name), &given));
		printf("    name: length %d, %s, rx %X, tx %X\n", (int)given, interface_name(name.can_ifindex), name.can_addr.tp.rx_id, name.can_addr.tp.tx_id);
	}
	MUST(close(fd));
}

int main(void)
{
	struct sockaddr_can good = isotp_address("vcan0", 0x123, 0x456), other;
	for (int length = 0; length <= 24; length++)
		try_bind(text("length %d", length), good, length);
	other = good;
	other.can_family = AF_INET;
	try_bind("AF_INET", other, sizeof other);
	other.can_family = AF_UNSPEC;
	try_bind("AF_UNSPEC", other, sizeof other);
	other = good;
	other.can_ifindex = 0;
	try_bind("all interfaces", other, sizeof other);
	other.can_ifindex = 987654;
	try_bind("an unknown index", other, sizeof other);
	other.can_ifindex = -1;
	try_bind("index -1", other, sizeof other);
	try_bind("lo", isotp_address("lo", 0x123, 0x456), sizeof other);
	static const canid_t ids[] = {0,
				      0x7ff,
				      0x800,
				      0x1fffffff,
				      CAN_EFF_FLAG | 0x123,
				      CAN_EFF_FLAG | 0x1fffffff,
				      CAN_RTR_FLAG | 0x123,
				      CAN_ERR_FLAG | 0x123,
				      CAN_EFF_FLAG | CAN_RTR_FLAG | 0x123,
				      0xffffffff};
	for (size_t i = 0; i < COUNT(ids); i++) {
		try_bind(text("rx %X", ids[i]), isotp_address("vcan0", ids[i], 0x456), sizeof other);
		try_bind(text("tx %X", ids[i]), isotp_address("vcan0", 0x456, ids[i]), sizeof other);
		try_bind(text("both %X", ids[i]), isotp_address("vcan0", ids[i], ids[i]), sizeof other);
	}
	// Broadcasting does not receive.
	static const unsigned flags[] = {CAN_ISOTP_SF_BROADCAST, CAN_ISOTP_CF_BROADCAST};
	for (size_t i = 0; i < COUNT(flags); i++) {
		int fd = isotp_unbound();
		isotp_flags(fd, (struct can_isotp_options){.flags = flags[i]});
		other = isotp_address("vcan0", 0x456, 0x456);
		CALL_AS(text("flags %#x, both 456", flags[i]), bind(fd, SA(other), sizeof other));
		other = isotp_address("vcan0", 0xffffffff, 0x456);
		CALL_AS(text("flags %#x, rx ffffffff", flags[i]), bind(fd, SA(other), sizeof other));
		MUST(close(fd));
	}

	int fd = isotp_unbound();
	char bytes[100];
	say_can_name("getsockname, not bound", getsockname, fd);
	say_can_name("getpeername, not bound", getpeername, fd);
	CALL_AS("not bound: write", write(fd, bytes, 5));
	CALL_AS("not bound: write nothing", write(fd, bytes, 0));
	CALL_AS("not bound: write too much", write(fd, pdu_bytes(), 70000));
	CALL_AS("not bound: sendto", sendto(fd, bytes, 5, 0, SA(good), sizeof good));
	CALL_AS("not bound: recv", recv(fd, bytes, 5, MSG_DONTWAIT));
	CALL_AS("not bound: recv, waiting", recv(fd, bytes, 5, 0));
	CALL_AS("connect", connect(fd, SA(good), sizeof good));
	say_poll("not bound", fd);
	CALL_AS("bind", bind(fd, SA(good), sizeof good));
	CALL_AS("bind again, the same", bind(fd, SA(good), sizeof good));
	other = isotp_address("vcan1", 0x123, 0x456);
	CALL_AS("bind again, another", bind(fd, SA(other), sizeof other));
	CALL_AS("bind again, length 4", bind(fd, SA(other), 4));
	other.can_addr.tp.rx_id = 0xffffffff;
	CALL_AS("bind again, a bad identifier", bind(fd, SA(other), sizeof other));
	say_can_name("getpeername, bound", getpeername, fd);
	for (int length = 0; length <= 24; length += 8) {
		socklen_t given = length;
		CALL_AS(text("getsockname, length %d", length), getsockname(fd, SA(other), &given));
		printf("    length then %d\n", (int)given);
	}
	CALL_AS("write nothing", write(fd, bytes, 0));
	CALL_AS("no memory", write(fd, NOWHERE, 5));
	CALL_AS("no memory, several frames", write(fd, NOWHERE, 50));
	CALL_AS("then", write(fd, bytes, 5));
	say_poll("bound", fd);
	other = isotp_address("vcan1", 0x789, 0x78a);
	CALL_AS("sendto another", sendto(fd, bytes, 5, 0, SA(other), sizeof other));
	CALL_AS("sendto with a short address", sendto(fd, bytes, 5, 0, SA(other), 3));
	CALL_AS("MSG_OOB", send(fd, bytes, 5, MSG_OOB));
	CALL_AS("MSG_CONFIRM", send(fd, bytes, 5, MSG_CONFIRM));
	CALL_AS("recv", recv(fd, bytes, 5, MSG_DONTWAIT));
	CALL_AS("recv, MSG_OOB", recv(fd, bytes, 5, MSG_DONTWAIT | MSG_OOB));
	CALL_AS("recv, MSG_ERRQUEUE", recv(fd, bytes, 5, MSG_DONTWAIT | MSG_ERRQUEUE));
	CALL_AS("recv, MSG_PEEK", recv(fd, bytes, 5, MSG_DONTWAIT | MSG_PEEK));
	// Two sockets of the same identifiers both receive.
	int twin = isotp_unbound(), peer = isotp_unbound();
	CALL_AS("a second one of the same identifiers", bind(twin, SA(good), sizeof good));
	isotp_bind(peer, 0x456, 0x123);
	send_pdu("the peer", peer, 5);
	say_pdu("the first", fd);
	say_pdu("the second", twin);
}
