// Sockets with very large descriptor numbers work like any other.
#include "../transcript.h"

int main(void)
{
	struct rlimit limit;
	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	static const int numbers[] = {1000, 1023, 1024, 4095, 4096, 65535, 65536, 131072, 262144, 500000};
	int socket_fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
	for (size_t i = 0; i < COUNT(numbers); i++) {
		int number = numbers[i];
		if (number >= (int)limit.rlim_cur && limit.rlim_cur != RLIM_INFINITY)
			continue; // Beyond this process's limit.
		CALL_AS(text("dup2 to %d", number), dup2(socket_fd, number));
		CALL_AS("listen", listen(number, 1));
		printf("SO_ACCEPTCONN %d\n", int_option(number, SOL_SOCKET, SO_ACCEPTCONN));
		CALL_AS("accept4", accept4(number, NULL, NULL, -1));
		CALL_AS("close", close(number));
		CALL_AS("listen", listen(number, 1));
	}
	CALL(fcntl(socket_fd, F_DUPFD, 2000));
	CALL(dup2(socket_fd, INT32_MAX));
	CALL(listen(INT32_MAX, 1));
}
