// connect to AF_UNSPEC takes a connection away. From a TCP socket that never had one it takes nothing, not even its port.
#include "../transcript.h"

static void show(int bound)
{
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	struct sockaddr_in any = inet4("0.0.0.0", 0);
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
	if (bound)
		MUST(bind(fd, SA(any), sizeof any));
	CALL_AS(bound ? "connect, bound" : "connect, not bound", connect(fd, &nobody, sizeof nobody));
	CALL_AS("  bind", bind(fd, SA(any), sizeof any));
	CALL_AS("  listen", listen(fd, 1));
	CALL_AS("  connect", connect(fd, &nobody, sizeof nobody));
	MUST(close(fd));
}

int main(void)
{
	for (int round = 0; round < 3; round++) {
		show(0);
		show(1);
	}
}
