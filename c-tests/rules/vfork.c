// Calls in a vfork child, which borrows its parent's memory: rules do not look at them.

#include "address.h"
#include <stdbool.h>
#include <sys/wait.h>

int main(void)
{
	static volatile long results[4];
	static int pair[2];
	static struct address to;
	char bytes[4] = "x";
	int udp = MUST_RAW(SYS_socket, AF_INET, SOCK_DGRAM, 0);

	to = address_of("127.0.0.1:9");
	MUST_RAW(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair);
	pid_t child = vfork();
	if (child == 0) {
		results[0] = connect(udp, &to.any, to.length);
		results[1] = listen(-1, 1) == -1 && errno == EBADF ? 0 : 5;
		results[2] = send(pair[0], "y", 1, 0);
		results[3] = recv(pair[1], bytes, 1, 0);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	printf("in the child %ld %ld %ld %ld\n", results[0], results[1], results[2], results[3]);
	// The parent's own calls are decided again.
	long result;
	int tries = 0;
	do
		result = send(pair[0], "yz", 2, 0);
	while (result < 0 && tries++ < 100);
	printf("and after it %d\n", result > 0);
	return 0;
}
