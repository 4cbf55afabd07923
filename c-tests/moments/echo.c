// An echo server on epoll that ends after a given number of connections, and its client.
//
//   echo server CONNECTIONS EVERY   prints "port PORT", then every EVERY connections "CONNECTIONS KIB": the
//                                   connections so far and its resident memory; ends after all connections
//   echo client PORT CONNECTIONS    connects that many times, and each time must get back what it sent
#include "fill.h"
#include <netinet/tcp.h>
#include <sys/epoll.h>

enum { BACKLOG = 512, EVENTS = 64, SIZE = 64 };

static char statm[] = "/proc/self/statm";

// Private memory only: the kernel evicts pages of files as it likes. The file stays open, so that reading
// it needs none.
static long resident_kib(int file)
{
	char text[128] = "";
	long size, resident, shared;

	if (pread(file, text, sizeof(text) - 1, 0) <= 0 || sscanf(text, "%ld %ld %ld", &size, &resident, &shared) != 3)
		die(statm);
	return (resident - shared) * (sysconf(_SC_PAGESIZE) / 1024);
}

static void watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

static int echo(int fd)
{
	char bytes[SIZE];
	ssize_t count = recv(fd, bytes, sizeof(bytes), 0);

	// The client ends with a reset, so that no port stays in TIME_WAIT.
	if (count <= 0)
		return 0;
	return send(fd, bytes, count, MSG_NOSIGNAL) == count;
}

static void serve(long connections, long every)
{
	struct sockaddr_in address;
	struct epoll_event events[EVENTS];
	int listener = tcp_listener(BACKLOG, &address), epoll = CHECK(epoll_create1(0));
	int file = CHECK(open(statm, O_RDONLY));
	long accepted = 0, closed = 0;

	fill_the_log();
	watch(epoll, listener);
	printf("port %d\n", ntohs(address.sin_port));
	fflush(stdout);
	while (closed < connections) {
		int count = CHECK(epoll_wait(epoll, events, EVENTS, -1));
		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;
			if (fd == listener) {
				watch(epoll, CHECK(accept4(listener, NULL, NULL, SOCK_CLOEXEC)));
				if (++accepted % every == 0) {
					printf("%ld %ld\n", accepted, resident_kib(file));
					fflush(stdout);
				}
			} else if (!echo(fd)) {
				CHECK(close(fd));
				closed++;
			}
		}
	}
}

static void use(int port, long connections)
{
	struct sockaddr_in address = loopback(port);
	struct linger reset = {.l_onoff = 1, .l_linger = 0};
	char sent[SIZE], got[SIZE];

	for (long i = 0; i < connections; i++) {
		int fd = CHECK(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
		CHECK(connect(fd, ADDRESS(address)));
		CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)));
		memset(sent, (int)i, sizeof(sent));
		if (send(fd, sent, SIZE, 0) != SIZE || recv(fd, got, SIZE, MSG_WAITALL) != SIZE)
			die("an echo");
		if (memcmp(sent, got, SIZE) != 0)
			die("another echo");
		CHECK(close(fd));
	}
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "server") == 0)
		serve(atol(argv[2]), atol(argv[3]));
	else if (argc == 4 && strcmp(argv[1], "client") == 0)
		use(atoi(argv[2]), atol(argv[3]));
	else
		return 2;
	return 0;
}
