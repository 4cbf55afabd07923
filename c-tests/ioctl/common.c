// The ioctls that programs commonly use on sockets, on every kind.
#include "../transcript.h"
#include "../kinds.h"
#include <linux/sockios.h>
#include <net/if.h>

int main(void)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		int value = -1, fd = open_kind(&kinds[i]);
		if (fd < 0)
			continue;
		const char *name = kinds[i].name;
		CALL_AS(text("%s: FIONREAD", name), ioctl(fd, FIONREAD, &value));
		CALL_AS(text("%s: SIOCOUTQ", name), ioctl(fd, SIOCOUTQ, &value));
		CALL_AS(text("%s: SIOCATMARK", name), ioctl(fd, SIOCATMARK, &value));
		CALL_AS(text("%s: unknown", name), ioctl(fd, 0xdead, &value));
		CALL_AS(text("%s: TCGETS", name), isatty(fd) ? 0 : -1);
		value = 0;
		CALL_AS(text("%s: FIONBIO off", name), ioctl(fd, FIONBIO, &value));
		CALL_AS(text("%s: FIOCLEX", name), ioctl(fd, FIOCLEX));
		say_flags(name, fd);
		value = 1;
		CALL_AS(text("%s: FIONBIO on", name), ioctl(fd, FIONBIO, &value));
		CALL_AS(text("%s: FIONCLEX", name), ioctl(fd, FIONCLEX));
		say_flags(name, fd);
		CALL_AS(text("%s: FIONBIO nowhere", name), ioctl(fd, FIONBIO, NOWHERE));
		MUST(close(fd));
	}
	int pair[2], value = -1;
	CALL(ioctl(-1, FIONREAD, &value));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	MUST(write(pair[0], "hello", 5));
	CALL(ioctl(pair[1], FIONREAD, &value));
	printf("%d bytes to read\n", value);
	struct ifreq loopback = {.ifr_name = "lo"};
	CALL(ioctl(pair[0], SIOCGIFINDEX, &loopback));
	struct ifreq missing = {.ifr_name = "no-such-dev"};
	CALL(ioctl(pair[0], SIOCGIFINDEX, &missing));
}
