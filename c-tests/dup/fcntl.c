// The other commands of fcntl() on a socket.
#include "../transcript.h"

int main(void)
{
	int pair[2];
	char byte;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	printf("access mode %d\n", (int)CALL(fcntl(pair[0], F_GETFL)) & O_ACCMODE);
	CALL(fcntl(pair[0], F_SETFL, O_NONBLOCK | O_APPEND));
	CALL(fcntl(pair[0], F_GETFL));
	CALL(recv(pair[0], &byte, 1, 0));
	CALL(fcntl(pair[0], F_SETFL, 0));
	CALL(fcntl(pair[0], F_GETFD));
	CALL(fcntl(pair[0], F_SETFD, FD_CLOEXEC));
	CALL(fcntl(pair[0], F_GETFD));
	CALL(fcntl(pair[0], F_GETOWN));
	CALL(fcntl(pair[0], F_SETOWN, 0));
	CALL(fcntl(pair[0], F_GETSIG));
	CALL(fcntl(pair[0], F_GETPIPE_SZ));
	struct flock lock = {.l_type = F_WRLCK};
	CALL(fcntl(pair[0], F_SETLK, &lock));
	CALL(fcntl(-1, F_GETFD));
	CALL(fcntl(900, F_GETFL));
	CALL(fcntl64(pair[0], F_GETFD));
	CALL(fcntl64(pair[0], F_DUPFD, 40));
}
