// cflags: -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
// The functions that the fortified headers call for a buffer of known size: __recv_chk, __recvfrom_chk,
// __read_chk, __poll_chk, ...
#include "../transcript.h"
#include <sys/select.h>

static volatile size_t two = 2, all = 16; // Unknown to the compiler, so that the check runs at run time.

int main(void)
{
	int pair[2], file = MUST(memfd_create("file", 0));
	char buffer[16] = "";
	struct sockaddr_storage from;
	socklen_t length = sizeof from;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	MUST(write(pair[0], "hello world", 11));
	CALL(recv(pair[1], buffer, two, MSG_PEEK));
	CALL(recv(pair[1], buffer, two, 0));
	CALL(recvfrom(pair[1], buffer, two, 0, NULL, NULL));
	CALL(recvfrom(pair[1], buffer, two, 0, SA(from), &length));
	printf("length %d\n", (int)length);
	CALL(read(pair[1], buffer, all));
	printf("%.5s\n", buffer);
	CALL(recv(pair[1], buffer, all, MSG_DONTWAIT));
	CALL(recv(-1, buffer, all, 0));
	CALL(read(-1, buffer, all));

	struct pollfd fds[2] = {{.fd = pair[0], .events = POLLOUT}, {.fd = pair[1], .events = POLLIN}};
	struct timespec none = {0};
	CALL(poll(fds, two, 0));
	CALL(ppoll(fds, two, &none, NULL));
	printf("%s, %s\n", poll_names(fds[0].revents), poll_names(fds[1].revents));
	fd_set set;
	FD_ZERO(&set);
	FD_SET(pair[0], &set); // Checks the number.
	CALL(select(pair[0] + 1, NULL, &set, NULL, NULL));
	MUST(write(file, "0123456789", 10));
	CALL(pread(file, buffer, two, 3));
	CALL(pread64(file, buffer, all, 3));
	printf("%.7s\n", buffer);
	CALL(dprintf(pair[0], "%s %d", "formatted", (int)two));
	CALL(read(pair[1], buffer, all));
}
