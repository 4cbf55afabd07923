// A level other than SOL_SOCKET goes to the socket's own protocol, which passes unknown levels to the
// protocol below it.
#include "../transcript.h"
#include "../kinds.h"

int main(void)
{
	static const struct {
		const char *name;
		int level, option;
	} options[] = {
		{"IP_TTL", IPPROTO_IP, IP_TTL},
		{"IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY},
		{"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY},
		{"level 9999", 9999, 1},
	};
	for (size_t i = 0; i < COUNT(kinds); i++) {
		int fd = open_kind(&kinds[i]);
		if (fd < 0)
			continue;
		for (size_t j = 0; j < COUNT(options); j++) {
			int value = 1;
			socklen_t length = sizeof value;
			CALL_AS(text("%s: set %s", kinds[i].name, options[j].name),
				setsockopt(fd, options[j].level, options[j].option, &value, sizeof value));
			CALL_AS(text("%s: get %s", kinds[i].name, options[j].name),
				getsockopt(fd, options[j].level, options[j].option, &value, &length));
		}
		MUST(close(fd));
	}
}
