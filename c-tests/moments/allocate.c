// Allocates memory and uses sockets in four threads, and meanwhile in forked children. The allocator is the
// one that the program was linked or started with.
//
//   allocate
//
// Prints what the calls of the first thread returned, and how its children ended.
#include "sockets.h"

enum { THREADS = 4, ROUNDS = 50 };

static void *work(void *unused)
{
	void *blocks[64] = {0};
	int pair[2];

	for (unsigned i = 0; i < ROUNDS * 64; i++) {
		free(blocks[i % 64]);
		blocks[i % 64] = malloc(1 + i * 7919 % 20000);
		if (!blocks[i % 64])
			die("malloc");
		memset(blocks[i % 64], 1, 1);
		if (i % 64 == 0) {
			CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
			if (send(pair[0], "x", 1, 0) != 1 || recv(pair[1], &(char){0}, 1, 0) != 1)
				die("a pair");
			CHECK(close(pair[0]) | close(pair[1]));
		}
	}
	for (int i = 0; i < 64; i++)
		free(blocks[i]);
	return unused;
}

int main(void)
{
	pthread_t threads[THREADS];

	use_sockets();
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, NULL);
	for (int i = 0; i < 8; i++) {
		int status = -1;
		pid_t pid = CHECK(fork());
		if (pid == 0) {
			work(NULL);
			_exit(i);
		}
		CHECK(waitpid(pid, &status, 0));
		expect("child", WIFEXITED(status) ? WEXITSTATUS(status) : -status);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	FILE *stream = fdopen(CHECK(socket(AF_UNIX, SOCK_DGRAM, 0)), "r+");
	expect("fclose", fclose(stream));
	use_sockets();
	print_transcript();
	return 0;
}
