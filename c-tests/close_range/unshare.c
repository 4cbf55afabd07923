// CLOSE_RANGE_UNSHARE gives the calling thread a descriptor table of its own. The other threads keep
// theirs, and from then on the same number can mean two things.
#include "../transcript.h"
#include <linux/close_range.h>
#include <pthread.h>

static int fd;

static void *close_own(void *unused)
{
	(void)unused;
	CALL(close_range(fd, ~0u, CLOSE_RANGE_UNSHARE));
	CALL(listen(fd, 1));
	CALL(socket(AF_UNIX, SOCK_DGRAM, 0));
	CALL(listen(fd, 1));
	CALL(close(fd));
	return NULL;
}

int main(void)
{
	pthread_t thread;
	fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
	pthread_create(&thread, NULL, close_own, NULL);
	pthread_join(thread, NULL);
	CALL(listen(fd, 1));
	printf("SO_DOMAIN %d\n", int_option(fd, SOL_SOCKET, SO_DOMAIN));
	CALL(close(fd));
	CALL(listen(fd, 1));
}
