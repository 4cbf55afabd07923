// What a fresh socket of each kind reports about itself.
#include "../transcript.h"
#include "../kinds.h"

int main(void)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		int fd = open_kind(&kinds[i]);
		if (fd < 0)
			continue;
		printf("%s: SO_DOMAIN %d, SO_TYPE %d, SO_PROTOCOL %d, SO_ACCEPTCONN %d, SO_ERROR %d, "
		       "SO_REUSEADDR %d\n",
		       kinds[i].name, int_option(fd, SOL_SOCKET, SO_DOMAIN),
		       int_option(fd, SOL_SOCKET, SO_TYPE), int_option(fd, SOL_SOCKET, SO_PROTOCOL),
		       int_option(fd, SOL_SOCKET, SO_ACCEPTCONN), int_option(fd, SOL_SOCKET, SO_ERROR),
		       int_option(fd, SOL_SOCKET, SO_REUSEADDR));
		struct stat status;
		MUST(fstat(fd, &status));
		printf("  mode %o, size %lld\n", (unsigned)status.st_mode, (long long)status.st_size);
		MUST(close(fd));
	}
}
