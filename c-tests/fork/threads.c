// fork() while other threads make sockets: the child has only the calling thread, and continues.
#include "../transcript.h"
#include <pthread.h>
#include <stdatomic.h>

static atomic_bool done;

static void *churn(void *unused)
{
	(void)unused;
	while (!done) {
		int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
		MUST(listen(fd, 1));
		MUST(close(fd));
		// The log has all of it, and the test reads it.
		usleep(100);
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_create(&threads[i], NULL, churn, NULL);
	int failed = 0;
	for (int i = 0; i < 30; i++) {
		int status;
		pid_t child = MUST(fork());
		if (child == 0) {
			int fd = socket(AF_UNIX, SOCK_STREAM, 0);
			_exit(fd < 0 || close(fd) < 0);
		}
		MUST(waitpid(child, &status, 0));
		failed += status != 0;
	}
	done = 1;
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	printf("children that failed: %d\n", failed);
}
