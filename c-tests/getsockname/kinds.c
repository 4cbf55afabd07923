// The name of a fresh socket of each kind. A raw socket has its protocol as its port, and an xdp socket has
// no name.
#include "../transcript.h"
#include "../kinds.h"

int main(void)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		int fd = open_kind(&kinds[i]);
		if (fd < 0)
			continue;
		say_name(kinds[i].name, getsockname, fd);
		MUST(close(fd));
	}
}
