// Asks for each option of a list, sets it, and asks again: for socket_options.c and socket_options_rare.c.

#include "can.h"
#include <linux/net_tstamp.h>

struct socket_option {
	const char *name;
	int number, value;
};

static void each(const char *kind, int fd, const struct socket_option *options, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int number = options[i].number, secret = number == SO_COOKIE || number == 71 || number == SO_INCOMING_CPU || number == SO_PEERCRED;
		if (secret) {
			char bytes[16];
			socklen_t length = number == SO_PEERCRED ? 12 : 8;
			CALL_AS(text("%s: get %s", kind, options[i].name), getsockopt(fd, SOL_SOCKET, number, bytes, &length));
			printf("    length %d\n", (int)length);
		} else {
			say_option(text("%s: get %s", kind, options[i].name), fd, SOL_SOCKET, number, 4);
			say_option(text("%s: get %s", kind, options[i].name), fd, SOL_SOCKET, number, 36);
		}
		CALL_AS(text("%s: set %s", kind, options[i].name), setsockopt(fd, SOL_SOCKET, number, &options[i].value, 4));
		CALL_AS(text("%s: set %s, length 3", kind, options[i].name), setsockopt(fd, SOL_SOCKET, number, &options[i].value, 3));
		if (!secret)
			say_option(text("%s: then", kind), fd, SOL_SOCKET, number, 4);
	}
}
