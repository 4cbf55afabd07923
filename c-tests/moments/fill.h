// For programs whose memory is measured: fills the log's queue once, so that its memory is allocated
// before that.
#ifndef FILL_H
#define FILL_H

#include "../stress/stress.h"

static inline void *ask(void *unused)
{
	struct sockaddr_un address;
	int fd = CHECK(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	for (int i = 0; i < 50000; i++) {
		socklen_t length = sizeof(address);
		CHECK(getsockname(fd, (struct sockaddr *)&address, &length));
	}
	CHECK(close(fd));
	return unused;
}

// More calls than the log can keep up with, from more threads than there are processors.
static inline void fill_the_log(void)
{
	pthread_t threads[8];

	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, ask, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
}

#endif
