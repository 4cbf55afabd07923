// sockatmark() and isfdtype(): library functions that query a descriptor with an ioctl and with fstat.
#include "../transcript.h"

int isfdtype(int fd, int type);

int main(void)
{
	int pair[2], file = MUST(memfd_create("file", 0));
	char buffer[8];
	tcp_pair(pair);
	CALL(sockatmark(pair[1]));
	MUST(send(pair[0], "ab!", 3, MSG_OOB));
	wait_for(pair[1], POLLPRI);
	CALL(sockatmark(pair[1]));
	CALL(recv(pair[1], buffer, sizeof buffer, 0)); // Stops at the mark.
	CALL(sockatmark(pair[1]));
	CALL(sockatmark(file));
	CALL(sockatmark(-1));
	CALL(isfdtype(pair[0], S_IFSOCK));
	CALL(isfdtype(file, S_IFSOCK));
	CALL(isfdtype(-1, S_IFSOCK));
}
