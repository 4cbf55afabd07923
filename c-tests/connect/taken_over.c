// A connection that was begun without waiting goes to another program by execve(2). There, connect(2) succeeds once more
// before the socket counts as connected, though it has a peer already. One that was waited for does not.
#include "../transcript.h"

static void ask(int fd, struct sockaddr_in address)
{
	CALL(listen(fd, 1));
	CALL(accept4(fd, NULL, NULL, SOCK_NONBLOCK));
	CALL(connect(fd, SA(address), sizeof(address)));
	CALL(connect(fd, SA(address), sizeof(address)));
	CALL(listen(fd, 1));
}

int main(int count, char **arguments)
{
	static const int types[] = {SOCK_STREAM, SOCK_STREAM | SOCK_NONBLOCK};
	struct sockaddr_in address = inet4("127.0.0.1", 0);
	socklen_t len = sizeof(address);
	char *next[4] = {arguments[0]};

	if (count == 3) {
		MUST(getpeername(atoi(arguments[1]), SA(address), &len));
		for (size_t i = 0; i < COUNT(types); i++)
			ask(atoi(arguments[1 + i]), address);
		return 0;
	}
	int listener = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(bind(listener, SA(address), sizeof(address)));
	MUST(listen(listener, 2));
	MUST(getsockname(listener, SA(address), &len));
	for (size_t i = 0; i < COUNT(types); i++) {
		int fd = MUST(socket(AF_INET, types[i], 0));
		CALL(connect(fd, SA(address), sizeof(address)));
		struct pollfd ready = {fd, POLLOUT, 0};
		MUST(poll(&ready, 1, -1));
		next[1 + i] = strdup(text("%d", fd));
	}
	fflush(stdout);
	execv("/proc/self/exe", next);
	return SETUP_STATUS;
}
