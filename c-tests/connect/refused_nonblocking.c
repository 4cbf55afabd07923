// The errors of a refused non-blocking connect(): EINPROGRESS, then SO_ERROR once, then ECONNABORTED; after
// that it can start again.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address = inet4("127.0.0.1", 0);
	socklen_t length = sizeof address;
	int bound = MUST(socket(AF_INET, SOCK_STREAM, 0)),
	    fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	MUST(bind(bound, SA(address), sizeof address));
	MUST(getsockname(bound, SA(address), &length));

	CALL(connect(fd, SA(address), sizeof address));
	wait_for(fd, POLLOUT);
	say_poll("refused", fd);
	printf("SO_ERROR %s\n", errno_name(int_option(fd, SOL_SOCKET, SO_ERROR)));
	printf("SO_ERROR %d\n", int_option(fd, SOL_SOCKET, SO_ERROR));
	CALL(connect(fd, SA(address), sizeof address));
	CALL(connect(fd, SA(address), sizeof address));
	wait_for(fd, POLLOUT);
	// The pending error, if SO_ERROR has not fetched it.
	CALL(connect(fd, SA(address), sizeof address));
	CALL(getpeername(fd, SA(address), &length));
	CALL(listen(fd, 1));
}
