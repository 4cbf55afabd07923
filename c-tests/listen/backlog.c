// Any backlog is accepted: a negative one counts as the largest, and 0 stays 0 and still admits one
// connection.
#include "../transcript.h"

static unsigned backlog_of(int fd)
{
	struct tcp_info info;
	socklen_t length = sizeof info;
	MUST(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length));
	return info.tcpi_sacked; // Of a listener: its backlog.
}

int main(void)
{
	static const int backlogs[] = {0, 1, 5, 100, -1, INT32_MAX, INT32_MIN};
	for (size_t i = 0; i < COUNT(backlogs); i++) {
		int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
		CALL_AS(text("listen with %d", backlogs[i]), listen(fd, backlogs[i]));
		printf("  backlog %u\n", backlog_of(fd));
		say_name("autobound", getsockname, fd);
		CALL_AS("listen again with 7", listen(fd, 7));
		printf("  backlog %u, SO_ACCEPTCONN %d\n", backlog_of(fd),
		       int_option(fd, SOL_SOCKET, SO_ACCEPTCONN));
		MUST(close(fd));
	}

	struct sockaddr_in address;
	int listener = tcp_listener(&address, 0), client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	CALL(connect(client, SA(address), sizeof address));
	CALL(accept(listener, NULL, NULL));
}
