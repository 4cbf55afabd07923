// What sockets of this family do not do, and which requests of ioctl(2) they know.
#include "can.h"
#include <sys/mman.h>
#include <termios.h>

static void each(const char *kind, int fd)
{
	struct sockaddr_can vcan0 = on("vcan0");
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	int number = -1;
	CALL_AS(text("%s: listen", kind), listen(fd, 5));
	CALL_AS(text("%s: accept", kind), accept(fd, SA(address), &length));
	CALL_AS(text("%s: accept4", kind), accept4(fd, NULL, NULL, SOCK_NONBLOCK));
	CALL_AS(text("%s: shutdown RD", kind), shutdown(fd, SHUT_RD));
	CALL_AS(text("%s: shutdown WR", kind), shutdown(fd, SHUT_WR));
	CALL_AS(text("%s: shutdown RDWR", kind), shutdown(fd, SHUT_RDWR));
	CALL_AS(text("%s: shutdown 3", kind), shutdown(fd, 3));
	CALL_AS(text("%s: getpeername", kind), getpeername(fd, SA(address), &length));
	CALL_AS(text("%s: sockatmark", kind), sockatmark(fd));
	CALL_AS(text("%s: mmap", kind), (long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
	static const struct {
		const char *name;
		unsigned long number;
	} requests[] = {
		{"FIONREAD", FIONREAD}, {"SIOCINQ", SIOCINQ}, {"TIOCOUTQ", TIOCOUTQ}, {"SIOCOUTQ", SIOCOUTQ}, {"SIOCOUTQNSD", 0x894b},
		{"SIOCATMARK", SIOCATMARK}, {"FIOGETOWN", 0x8903}, {"SIOCGPGRP", 0x8904}, {"TCGETS", TCGETS}, {"TIOCGWINSZ", TIOCGWINSZ},
		{"FIGETBSZ", 2}, {"SIOCPROTOPRIVATE", SIOCPROTOPRIVATE}, {"SIOCGSKNS", 0x894c}, {"unknown", 0x12345},
	};
	for (size_t i = 0; i < COUNT(requests); i++) {
		long words[16] = {-1};
		long result = ioctl(fd, requests[i].number, words);
		if (requests[i].number == 0x894c && result >= 0) {
			// A descriptor.
			close(result);
			result = 0;
		}
		errno = result < 0 ? errno : UNTOUCHED;
		transcript_call(text("%s: ioctl %s", kind, requests[i].name), result);
		if (result == 0 && requests[i].number != 0x894c && requests[i].number != TCGETS)
			printf("    %d\n", (int)words[0]);
	}
	CALL_AS(text("%s: FIONBIO", kind), ioctl(fd, FIONBIO, &(int){1}));
	say_flags(kind, fd);
	CALL_AS(text("%s: FIONBIO off", kind), ioctl(fd, FIONBIO, &number + 0));
	CALL_AS(text("%s: FIOCLEX", kind), ioctl(fd, FIOCLEX));
	say_flags(kind, fd);
	CALL_AS(text("%s: O_NONBLOCK", kind), fcntl(fd, F_SETFL, O_NONBLOCK));
	CALL_AS(text("%s: F_GETFL", kind), fcntl(fd, F_GETFL));
	CALL_AS(text("%s: O_ASYNC", kind), fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC));
	CALL_AS(text("%s: F_GETOWN", kind), fcntl(fd, F_GETOWN));
	CALL_AS(text("%s: F_SETFL 0", kind), fcntl(fd, F_SETFL, 0));
	(void)vcan0;
}

int main(void)
{
	struct sockaddr_can vcan0 = on("vcan0");
	int raw = raw_on("vcan0");
	each("RAW", raw);
	for (int length = 0; length <= 24; length += 8)
		CALL_AS(text("RAW: connect, length %d", length), connect(raw, SA(vcan0), length));
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	CALL_AS("RAW: connect AF_UNSPEC", connect(raw, &none, sizeof none));
	each("BCM", MUST(socket(AF_CAN, SOCK_DGRAM, CAN_BCM)));
	each("ISOTP", MUST(socket(AF_CAN, SOCK_DGRAM, CAN_ISOTP)));
	each("J1939", MUST(socket(AF_CAN, SOCK_DGRAM, CAN_J1939)));
	// The numbers of bytes that wait.
	int writer = raw_on("vcan0"), number = -1;
	send_frame(writer, 0x100, 1);
	MUST(wait_readable(raw));
	CALL_AS("FIONREAD, a frame is there", ioctl(raw, FIONREAD, &number));
	CALL_AS("SIOCOUTQ, after sending", ioctl(writer, SIOCOUTQ, &number));
	printf("    %d\n", number);
}
