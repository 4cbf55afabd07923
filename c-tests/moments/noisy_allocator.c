// An allocator, to be preloaded, that opens sockets and reads a file inside allocations: at first each
// time, which is long before any constructor, and later sometimes.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *block);

static __thread int inside __attribute__((tls_model("initial-exec")));
static volatile int told;

static void be_noisy(void)
{
	int saved = errno, pair[2];
	char text[64];

	static volatile unsigned calls;

	if (inside || (calls++ > 500 && calls % 256))
		return;
	inside = 1;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0) {
		if (send(pair[0], "x", 1, 0) == 1 && recv(pair[1], text, 1, 0) == 1)
			told++;
		close(pair[0]);
		close(pair[1]);
	}
	int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	if (file >= 0) {
		told += read(file, text, sizeof(text)) > 0;
		close(file);
	}
	inside = 0;
	errno = saved;
}

void *malloc(size_t size)
{
	be_noisy();
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	be_noisy();
	return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	be_noisy();
	return __libc_realloc(old, size);
}

void free(void *block)
{
	int saved = errno;

	be_noisy();
	__libc_free(block);
	errno = saved;
}
