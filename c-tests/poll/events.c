// What poll() reports for a connection from its beginning to its end, and for descriptors that are not
// open.
#include "../transcript.h"

int main(void)
{
	int pair[2];
	char buffer[8];
	tcp_pair(pair);
	say_poll("connected", pair[0]);
	MUST(write(pair[1], "hello", 5));
	wait_for(pair[0], POLLIN);
	say_poll("with data", pair[0]);
	MUST(shutdown(pair[1], SHUT_WR));
	wait_for(pair[0], POLLRDHUP);
	say_poll("peer has finished", pair[0]);
	CALL(read(pair[0], buffer, sizeof buffer));
	say_poll("data read", pair[0]);
	MUST(shutdown(pair[0], SHUT_WR));
	wait_for(pair[0], POLLHUP);
	say_poll("both have finished", pair[0]);
	say_poll("closed", 900);

	struct pollfd several[] = {
		{.fd = -1, .events = POLLIN, .revents = -1}, {.fd = pair[0], .events = 0}, {.fd = 900}};
	CALL(poll(several, 3, 0));
	for (size_t i = 0; i < COUNT(several); i++)
		printf("  %s\n", poll_names(several[i].revents));
	int quiet = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	struct pollfd one = {.fd = quiet, .events = POLLIN};
	CALL(poll(&one, 1, 10));
	CALL(poll(NULL, 0, 0));
	CALL(poll(NOWHERE, 1, 0));
	struct timespec brief = {.tv_nsec = 10000000}, invalid = {.tv_nsec = 1000000000};
	sigset_t none;
	sigemptyset(&none);
	CALL(ppoll(&one, 1, &brief, NULL));
	CALL(ppoll(&one, 1, &brief, &none));
	CALL(ppoll(&one, 1, &invalid, NULL));
	one.events = POLLOUT;
	CALL(ppoll(&one, 1, NULL, &none));
}
