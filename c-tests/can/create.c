// socket(2) of AF_CAN: the protocol decides the type, and protocols of this family are numbers below 8.
#include "can.h"

int main(void)
{
	static const int types[] = {SOCK_RAW, SOCK_DGRAM, SOCK_STREAM, SOCK_SEQPACKET, SOCK_RDM, SOCK_PACKET, 0, 7, 11, -1};
	static const char *const names[] = {"RAW", "DGRAM", "STREAM", "SEQPACKET", "RDM", "PACKET", "0", "7", "11", "-1"};
	for (size_t i = 0; i < COUNT(types); i++)
		for (int protocol = -2; protocol <= 9; protocol++) {
			errno = UNTOUCHED;
			int fd = socket(AF_CAN, types[i], protocol);
			printf("socket(AF_CAN, %s, %d): %s\n", names[i], protocol, fd < 0 ? errno_name(errno) : "made");
			if (fd >= 0)
				MUST(close(fd));
		}
	CALL(socket(AF_CAN, SOCK_RAW, 256));
	CALL(socket(AF_CAN, SOCK_RAW, 257));
	CALL(socket(AF_CAN, SOCK_RAW, INT32_MAX));
	CALL(socket(AF_CAN, SOCK_RAW, INT32_MIN));

	int fd = MUST(socket(AF_CAN, SOCK_RAW | SOCK_NONBLOCK, CAN_RAW));
	say_flags("SOCK_NONBLOCK", fd);
	MUST(close(fd));
	fd = MUST(socket(AF_CAN, SOCK_RAW | SOCK_CLOEXEC, CAN_RAW));
	say_flags("SOCK_CLOEXEC", fd);
	MUST(close(fd));
	fd = MUST(socket(AF_CAN, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, CAN_BCM));
	say_flags("both, CAN_BCM", fd);
	MUST(close(fd));
	CALL(socket(AF_CAN, SOCK_RAW | 0x1000, CAN_RAW));

	int pair[2];
	CALL(socketpair(AF_CAN, SOCK_RAW, CAN_RAW, pair));
	CALL(socketpair(AF_CAN, SOCK_DGRAM, CAN_BCM, pair));
	CALL(socketpair(AF_CAN, SOCK_DGRAM, CAN_ISOTP, pair));
	CALL(socketpair(AF_CAN, SOCK_DGRAM, CAN_J1939, pair));
	CALL(socketpair(AF_CAN, SOCK_RAW, 0, pair));
	CALL(socketpair(AF_CAN, SOCK_DGRAM, CAN_RAW, pair));

	struct stat status;
	fd = unbound();
	MUST(fstat(fd, &status));
	printf("fstat: %s, mode %o\n", S_ISSOCK(status.st_mode) ? "a socket" : "no socket", status.st_mode & 0777);
	CALL(lseek(fd, 0, SEEK_SET));
	CALL(pread(fd, &status, 16, 0));
	CALL(ftruncate(fd, 0));
	CALL(fsync(fd));
}
