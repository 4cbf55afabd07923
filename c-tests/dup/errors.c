// Descriptors that cannot be duplicated, and numbers that they cannot be duplicated to.
#include "../transcript.h"

int main(void)
{
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
	CALL(dup(-1));
	CALL(dup(900));
	CALL(dup2(900, fd));
	CALL(listen(fd, 1)); // A failed dup2() closes nothing.
	CALL(dup2(fd, -1));
	CALL(dup2(fd, INT32_MAX));
	CALL(dup2(fd, fd));    // The same number is accepted here,
	CALL(dup3(fd, fd, 0)); // but not here.
	CALL(dup3(fd, 20, 1));
	CALL(dup3(900, 900, 0));
	CALL(dup3(900, 20, 0));
	CALL(dup2(900, 900));
	CALL(fcntl(fd, F_DUPFD, -1));
	CALL(fcntl(fd, F_DUPFD, INT32_MAX));
	CALL(fcntl(900, F_DUPFD, 0));
	CALL(fcntl(fd, 9999));
	CALL(listen(20, 1));
	use_up_descriptors();
	CALL(dup(fd));
	CALL(fcntl(fd, F_DUPFD, 0));
	CALL(dup2(fd, 900));
}
