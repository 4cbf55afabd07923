// Options of SOL_SOCKET on every kind of socket: those that can be set, those that can only be read, and
// unknown ones.
#include "../transcript.h"
#include "../kinds.h"

int main(void)
{
	static const struct {
		const char *name;
		int option;
	} options[] = {
		{"SO_REUSEADDR", SO_REUSEADDR}, {"SO_KEEPALIVE", SO_KEEPALIVE}, {"SO_RCVLOWAT", SO_RCVLOWAT},
		{"SO_PEEK_OFF", SO_PEEK_OFF},   {"SO_TYPE", SO_TYPE},           {"SO_DOMAIN", SO_DOMAIN},
		{"SO_PASSCRED", SO_PASSCRED},   {"SO_REUSEPORT", SO_REUSEPORT}, {"option 999", 999},
	};
	for (size_t i = 0; i < COUNT(kinds); i++) {
		int fd = open_kind(&kinds[i]);
		if (fd < 0)
			continue;
		for (size_t j = 0; j < COUNT(options); j++) {
			int value = 1;
			CALL_AS(text("%s: set %s", kinds[i].name, options[j].name),
				setsockopt(fd, SOL_SOCKET, options[j].option, &value, sizeof value));
			printf("  reads %d\n", int_option(fd, SOL_SOCKET, options[j].option));
		}
		MUST(close(fd));
	}
}
