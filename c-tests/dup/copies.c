// A copy of a descriptor refers to the same socket: its state is shared, its FD_CLOEXEC is not.
#include "../transcript.h"

int main(void)
{
	int fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	int copies[5];
	copies[0] = CALL(dup(fd));
	copies[1] = CALL(dup2(fd, 20));
	copies[2] = CALL(dup3(fd, 21, O_CLOEXEC));
	copies[3] = CALL(fcntl(fd, F_DUPFD, 30));
	copies[4] = CALL(fcntl(fd, F_DUPFD_CLOEXEC, 30));
	MUST(fcntl(copies[0], F_SETFL, O_NONBLOCK));
	for (size_t i = 0; i < COUNT(copies); i++)
		say_flags(text("copy %zu", i), copies[i]);
	CALL(listen(copies[1], 1));
	printf("SO_ACCEPTCONN %d\n", int_option(copies[4], SOL_SOCKET, SO_ACCEPTCONN));
	CALL(close(fd));
	CALL(accept(copies[2], NULL, NULL));
	CALL(shutdown(copies[3], SHUT_RDWR));
	printf("SO_ACCEPTCONN %d\n", int_option(copies[0], SOL_SOCKET, SO_ACCEPTCONN));
	for (size_t i = 0; i < COUNT(copies); i++)
		CALL(close(copies[i]));
}
