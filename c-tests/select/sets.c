// select() and pselect() rewrite their sets, fail as a whole for one closed descriptor, and read the sets
// only up to the count.
#include "../transcript.h"
#include <sys/select.h>

int main(void)
{
	int pair[2];
	fd_set reading, writing;
	struct timeval none = {0}, brief = {.tv_usec = 10000}, invalid = {.tv_sec = -1};
	struct timespec brief_spec = {.tv_nsec = 10000000};
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	int count = pair[1] + 1;
	for (int data = 0; data <= 1; data++) {
		FD_ZERO(&reading);
		FD_ZERO(&writing);
		FD_SET(pair[0], &writing);
		FD_SET(pair[1], &reading);
		if (data)
			MUST(write(pair[0], "x", 1));
		CALL(select(count, &reading, &writing, NULL, &none));
		printf("readable %d, writable %d\n", !!FD_ISSET(pair[1], &reading),
		       !!FD_ISSET(pair[0], &writing));
	}
	FD_ZERO(&reading);
	FD_SET(pair[0], &reading);
	CALL(select(count, &reading, NULL, NULL, &brief));
	printf("set %d, time left %ld\n", !!FD_ISSET(pair[0], &reading), (long)brief.tv_usec);
	FD_SET(pair[0], &reading);
	CALL(pselect(count, &reading, NULL, NULL, &brief_spec, NULL));
	printf("time kept %d\n", brief_spec.tv_nsec == 10000000);
	FD_SET(pair[1], &reading);
	CALL(pselect(count, &reading, NULL, NULL, NULL, NULL));
	CALL(select(0, NULL, NULL, NULL, &none));
	CALL(select(-1, NULL, NULL, NULL, &none));
	CALL(select(count, &reading, NULL, NULL, &invalid));
	CALL(select(count, NOWHERE, NULL, NULL, &none));
	MUST(close(pair[0]));
	FD_ZERO(&reading);
	FD_SET(pair[0], &reading);
	CALL(select(count, &reading, NULL, NULL, &none));
	CALL(select(pair[0], &reading, NULL, NULL, &none));
}
