// SOCK_NONBLOCK and SOCK_CLOEXEC are bits of the type. Any other bit is refused before the family is
// checked, and the family before the range of the type.
#include "../transcript.h"

int main(void)
{
	static const int flags[] = {0, SOCK_NONBLOCK, SOCK_CLOEXEC, SOCK_NONBLOCK | SOCK_CLOEXEC};
	for (size_t i = 0; i < COUNT(flags); i++) {
		int fd = MUST(socket(AF_INET, SOCK_STREAM | flags[i], 0));
		say_flags(text("flags %zu", i), fd);
		printf("SO_TYPE %d\n", int_option(fd, SOL_SOCKET, SO_TYPE));
		MUST(close(fd));
	}

	for (int bit = 4; bit < 32; bit++)
		if ((1u << bit) != SOCK_NONBLOCK && (1u << bit) != SOCK_CLOEXEC)
			CALL_AS(text("socket, type bit %d", bit),
				socket(AF_INET, (int)(SOCK_STREAM | 1u << bit), 0));

	CALL(socket(99, SOCK_STREAM | 0x10, 0)); // A bit and a family: the bit.
	CALL(socket(99, 11, 0));                 // A family and a type: the family.
	CALL(socket(AF_INET, 11, -1));           // A type and a protocol: the type.
	CALL(socket(AF_INET, 15, 0));
	CALL(socket(AF_INET, -1, 0));
	CALL(socket(AF_INET, 0, -1));              // Type 0 is in range, so the protocol.
	CALL(socket(AF_UNIX, SOCK_RDM, 99));       // AF_UNIX tests the protocol before the type,
	CALL(socket(AF_NETLINK, SOCK_STREAM, 99)); // and AF_NETLINK the type before the protocol.
}
