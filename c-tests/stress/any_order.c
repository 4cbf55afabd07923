// cflags: -pthread
// Threads make any calls that change or ask for a socket's state, on the same few sockets, TCP and UDP: what each call
// finds depends on which one was faster, and so does what is true after them.
#include "../transcript.h"
#include <fcntl.h>
#include <pthread.h>

enum { SOCKETS = 6, THREADS = 4, CALLS = 4000 };

static int fds[SOCKETS];
static in_port_t port;

static void call(unsigned *seed)
{
	int fd = fds[rand_r(seed) % SOCKETS], one = rand_r(seed) % 2, accepted;
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	struct sockaddr_in address = inet4("127.0.0.1", rand_r(seed) % 2 ? 0 : ntohs(port));
	socklen_t len = sizeof(address);
	char byte;

	switch (rand_r(seed) % 11) {
	case 0:
		bind(fd, SA(address), sizeof(address));
		break;
	case 1:
		listen(fd, 1);
		break;
	case 2:
		connect(fd, SA(address), sizeof(address));
		break;
	case 3:
		connect(fd, &none, sizeof(none));
		break;
	case 4:
		if ((accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) >= 0)
			close(accepted);
		break;
	case 5:
		shutdown(fd, rand_r(seed) % 3);
		break;
	case 6:
		setsockopt(fd, SOL_SOCKET, rand_r(seed) % 2 ? SO_REUSEADDR : SO_REUSEPORT, &one, sizeof(one));
		break;
	case 7:
		getsockname(fd, SA(address), &len);
		break;
	case 8:
		getpeername(fd, SA(address), &len);
		break;
	case 9:
		send(fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 10:
		recv(fd, &byte, 1, MSG_DONTWAIT);
		break;
	}
}

static void *run(void *seed)
{
	for (int i = 0; i < CALLS; i++)
		call(seed);
	return seed;
}

int main(void)
{
	unsigned seeds[THREADS];
	pthread_t threads[THREADS];
	struct sockaddr_in address = inet4("127.0.0.1", 0);
	socklen_t len = sizeof(address);

	for (int i = 0; i < SOCKETS; i++)
		fds[i] = MUST(socket(AF_INET, (i % 3 ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0));
	MUST(bind(fds[1], SA(address), sizeof(address)));
	MUST(getsockname(fds[1], SA(address), &len));
	port = address.sin_port;
	for (int i = 0; i < THREADS; i++) {
		seeds[i] = i + 1;
		if (pthread_create(&threads[i], NULL, run, &seeds[i]) != 0)
			exit(SETUP_STATUS);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	puts("all calls are made");
}
