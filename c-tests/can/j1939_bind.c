// J1939: bind(2), connect(2), names, and what may not be done before them.
#include "j1939.h"

static void try_call(const char *call, const char *label, struct sockaddr_can address, int length)
{
	int fd = j1939_unbound();
	int connects = strcmp(call, "connect") == 0;
	set_option(fd, SOL_SOCKET, SO_BROADCAST, 1);
	if (CALL_AS(text("%s, %s", call, label), connects ? connect(fd, SA(address), length) : bind(fd, SA(address), length)) == 0) {
		say_j1939_name("    getsockname", getsockname, fd);
		say_j1939_name("    getpeername", getpeername, fd);
	}
	MUST(close(fd));
}

int main(void)
{
	static const char *const calls[] = {"bind", "connect"};
	for (int i = 0; i < 2; i++) {
		struct sockaddr_can good = j1939_address(0, 0x12300, 0x20), other;
		for (int length = 0; length <= 32; length++)
			try_call(calls[i], text("length %d", length), good, length);
		other = good;
		other.can_family = AF_INET;
		try_call(calls[i], "AF_INET", other, sizeof other);
		other = good;
		other.can_ifindex = 0;
		try_call(calls[i], "all interfaces", other, sizeof other);
		other.can_ifindex = 987654;
		try_call(calls[i], "an unknown index", other, sizeof other);
		other.can_ifindex = index_of("lo");
		try_call(calls[i], "lo", other, sizeof other);
		static const uint32_t pgns[] = {0, 0x100, 0x1, 0xef00, 0xef12, 0xf000, 0xf012, 0xfeca, 0x1ff00, 0x3ff00, 0x3ffff, J1939_NO_PGN, 0x40001, 0xffffffff};
		for (size_t n = 0; n < COUNT(pgns); n++)
			try_call(calls[i], text("pgn %X", pgns[n]), j1939_address(0, pgns[n], 0x20), sizeof other);
		static const int addresses[] = {0, 1, 0x80, 0xfd, 0xfe, 0xff};
		for (size_t n = 0; n < COUNT(addresses); n++)
			try_call(calls[i], text("address %02X", addresses[n]), j1939_address(0, J1939_NO_PGN, addresses[n]), sizeof other);
		try_call(calls[i], "a name", j1939_address(0x1122334455667788, J1939_NO_PGN, J1939_NO_ADDR), sizeof other);
		try_call(calls[i], "a name and an address", j1939_address(0x1122334455667788, J1939_NO_PGN, 0x20), sizeof other);
	}
	char bytes[100] = {0};
	int fd = j1939_unbound();
	struct sockaddr_can a = j1939_address(0, J1939_NO_PGN, 0x20), b = j1939_address(0, 0x12300, 0x30), vcan1 = a, none = j1939_address(0, J1939_NO_PGN, J1939_NO_ADDR);
	vcan1.can_ifindex = index_of("vcan1");
	CALL_AS("not bound: write", write(fd, bytes, 5));
	CALL_AS("not bound: sendto", sendto(fd, bytes, 5, 0, SA(b), sizeof b));
	CALL_AS("not bound: recv", recv(fd, bytes, 5, MSG_DONTWAIT));
	say_j1939_name("not bound: getsockname", getsockname, fd);
	say_j1939_name("not bound: getpeername", getpeername, fd);
	CALL_AS("bind", bind(fd, SA(a), sizeof a));
	CALL_AS("bind again", bind(fd, SA(a), sizeof a));
	CALL_AS("bind, another interface", bind(fd, SA(vcan1), sizeof vcan1));
	CALL_AS("bind, another address", bind(fd, SA(b), sizeof b));
	say_j1939_name("getsockname", getsockname, fd);
	say_j1939_name("getpeername", getpeername, fd);
	CALL_AS("write, not connected", write(fd, bytes, 5));
	CALL_AS("connect", connect(fd, SA(b), sizeof b));
	CALL_AS("connect again", connect(fd, SA(b), sizeof b));
	CALL_AS("connect, another interface", connect(fd, SA(vcan1), sizeof vcan1));
	say_j1939_name("getsockname", getsockname, fd);
	say_j1939_name("getpeername", getpeername, fd);
	CALL_AS("write", write(fd, bytes, 5));
	CALL_AS("connect to nobody, without SO_BROADCAST", connect(fd, SA(none), sizeof none));
	set_option(fd, SOL_SOCKET, SO_BROADCAST, 1);
	CALL_AS("connect to nobody, with SO_BROADCAST", connect(fd, SA(none), sizeof none));
	say_j1939_name("getpeername", getpeername, fd);
	for (int length = 0; length <= 24; length += 8) {
		struct sockaddr_can name;
		socklen_t given = length;
		CALL_AS(text("getsockname, length %d", length), getsockname(fd, SA(name), &given));
		printf("    length then %d\n", (int)given);
	}
	// The same address twice.
	int twin = j1939_unbound();
	CALL_AS("the same address by another socket", bind(twin, SA(b), sizeof b));
	int first = j1939_unbound();
	CALL_AS("connect before bind", connect(first, SA(b), sizeof b));
	CALL_AS("    write", write(first, bytes, 5));
	CALL_AS("    bind", bind(first, SA(a), sizeof a));
	CALL_AS("    write", write(first, bytes, 5));
}
