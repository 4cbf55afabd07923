// Every errno, as the answer of a connect(2) to the port 20000 + errno, on a socket that waits and on one that does not.
//
//     errors list     prints the errors
//     errors          prints what does not come as expected

#include "address.h"
#include <poll.h>

static int so_error(int fd)
{
	int error = -1;
	socklen_t length = sizeof(error);

	RAW(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, &error, &length);
	return error;
}

int main(int argc, char **argv)
{
	struct pollfd entry;

	(void)argv;
	for (int error = 1; error < 140; error++) {
		const char *name = strerrorname_np(error);
		if (name == NULL)
			continue;
		if (argc > 1) {
			printf("%d %s\n", error, name);
			continue;
		}
		for (int flags = 0; flags <= SOCK_NONBLOCK; flags += SOCK_NONBLOCK) {
			char text[32];
			snprintf(text, sizeof(text), "127.0.0.1:%d", 20000 + error);
			struct address to = address_of(text);
			int fd = socket(AF_INET, SOCK_STREAM | flags, 0);
			entry = (struct pollfd){fd, POLLIN | POLLOUT, 0};
			RAW(SYS_poll, &entry, 1, 0);
			int before = entry.revents;
			errno = 0;
			int result = connect(fd, &to.any, to.length), got = errno;
			RAW(SYS_poll, &entry, 1, 0);
			if (result != -1 || got != error || so_error(fd) != 0 || entry.revents != before)
				printf("%s %s: %d %s, SO_ERROR %d, ready %#x after %#x\n", name, flags ? "non-blocking" : "blocking",
				       result, strerrorname_np(got), so_error(fd), entry.revents, before);
			close(fd);
		}
	}
	return 0;
}
