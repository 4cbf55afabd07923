// socketpair() reserves both descriptors and writes them to the array before it makes a socket. So EMFILE
// and EFAULT come before EAFNOSUPPORT, the opposite of socket().
#include "../transcript.h"

int main(void)
{
	int pair[2] = {-7, -7};
	CALL(socketpair(AF_UNIX, SOCK_STREAM, 0, NOWHERE));
	CALL(socketpair(99, SOCK_STREAM, 0, NOWHERE));
	CALL(socketpair(99, SOCK_STREAM | 0x10, 0, NOWHERE));
	CALL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)); // No descriptor leaked: the numbers are the same.
	printf("array: %d, %d\n", pair[0], pair[1]);
	MUST(close(pair[0]));
	MUST(close(pair[1]));

	pair[0] = pair[1] = -7;
	use_up_descriptors();
	CALL(socketpair(99, SOCK_STREAM, 0, pair));
	CALL(socketpair(AF_INET, SOCK_STREAM, 0, NOWHERE));
	CALL(socketpair(AF_UNIX, SOCK_STREAM | 0x10, 0, pair));
	printf("array: %d, %d\n", pair[0], pair[1]);

	struct rlimit limit;
	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur++;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	CALL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)); // One descriptor is left, and two are needed.
	printf("array: %d, %d\n", pair[0], pair[1]);
	CALL(socket(AF_UNIX, SOCK_STREAM, 0));
}
