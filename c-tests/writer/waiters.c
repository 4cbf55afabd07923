// Several threads wait for any child of any kind, while another one has something to log: they find the program's children.
#include "writer.h"

enum { CHILDREN = 40, WAITERS = 3 };

static pid_t children[CHILDREN];
static int found, strangers, waiting = WAITERS;

static void *waiter(void *unused)
{
	pid_t pid;
	(void)unused;
	while ((pid = waitpid(-1, NULL, __WALL)) > 0) {
		int known = 0;
		for (int i = 0; i < CHILDREN; i++)
			known |= children[i] == pid;
		__atomic_fetch_add(known ? &found : &strangers, 1, __ATOMIC_RELAXED);
		use_sockets();
	}
	__atomic_fetch_sub(&waiting, 1, __ATOMIC_RELAXED);
	return NULL;
}

int main(void)
{
	pthread_t threads[WAITERS];
	use_sockets();
	for (int i = 0; i < CHILDREN; i++) {
		children[i] = MUST(fork());
		if (children[i] == 0) {
			usleep(20000 + i * 5000);
			_exit(0);
		}
	}
	for (int i = 0; i < WAITERS; i++)
		pthread_create(&threads[i], NULL, waiter, NULL);
	while (__atomic_load_n(&waiting, __ATOMIC_RELAXED) > 0) {
		use_sockets();
		usleep(1000);
	}
	for (int i = 0; i < WAITERS; i++)
		pthread_join(threads[i], NULL);
	printf("%d children and %d strangers\n", found, strangers);
	return 0;
}
