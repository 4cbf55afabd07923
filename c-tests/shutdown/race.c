// cflags: -pthread
// Threads shut down the same listeners: one succeeds, and the others find the listener shut down.
#include "../transcript.h"
#include <pthread.h>

enum { LISTENERS = 8, THREADS = 4, ROUNDS = 100 };

static int listeners[LISTENERS];
static pthread_barrier_t barrier;

static void *run(void *argument)
{
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < LISTENERS; i++)
		shutdown(listeners[i], SHUT_RDWR);
	return argument;
}

int main(void)
{
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int round = 0; round < ROUNDS; round++) {
		pthread_t threads[THREADS];
		struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		for (int i = 0; i < LISTENERS; i++) {
			listeners[i] = MUST(socket(AF_INET, SOCK_STREAM, 0));
			MUST(bind(listeners[i], (struct sockaddr *)&address, sizeof(address)));
			MUST(listen(listeners[i], 1));
		}
		for (int i = 0; i < THREADS; i++)
			if (pthread_create(&threads[i], NULL, run, NULL) != 0)
				exit(SETUP_STATUS);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		for (int i = 0; i < LISTENERS; i++)
			MUST(close(listeners[i]));
	}
	puts("all are shut down");
}
