// cflags: -pthread
// Threads connect and disconnect a datagram socket while others ask for its peer and bind it: what each call finds
// depends on which one was faster.
#include "../transcript.h"
#include <pthread.h>

enum { THREADS = 4, ROUNDS = 10, CALLS = 400 };

static int fd;
static struct sockaddr_in peer, any, wanted;
static pthread_barrier_t barrier;

static void *connects(void *argument)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	pthread_barrier_wait(&barrier);
	for (int i = 0; i < CALLS; i++) {
		connect(fd, SA(peer), sizeof(peer));
		connect(fd, &none, sizeof(none));
	}
	return argument;
}

static void *asks(void *argument)
{
	struct sockaddr_in name;

	pthread_barrier_wait(&barrier);
	for (int i = 0; i < CALLS; i++) {
		socklen_t len = sizeof(name);
		getpeername(fd, SA(name), &len);
		// A port of the kernel's choice, which goes when the socket is disconnected, or one that stays.
		if (i < CALLS / 2)
			bind(fd, SA(any), sizeof(any));
		else
			bind(fd, SA(wanted), sizeof(wanted));
	}
	return argument;
}

int main(void)
{
	socklen_t len = sizeof(wanted);
	int server = MUST(socket(AF_INET, SOCK_DGRAM, 0)), other = MUST(socket(AF_INET, SOCK_DGRAM, 0));

	peer = inet4("127.0.0.1", 0);
	any = inet4("0.0.0.0", 0);
	MUST(bind(server, SA(peer), sizeof(peer)));
	MUST(getsockname(server, SA(peer), &len));
	MUST(bind(other, SA(any), sizeof(any)));
	MUST(getsockname(other, SA(wanted), &len));
	MUST(close(other));
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int round = 0; round < ROUNDS; round++) {
		pthread_t threads[THREADS];
		fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
		for (int i = 0; i < THREADS; i++)
			if (pthread_create(&threads[i], NULL, i % 2 == 0 ? connects : asks, NULL) != 0)
				exit(SETUP_STATUS);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		MUST(close(fd));
	}
	puts("all rounds are over");
}
