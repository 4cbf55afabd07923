// Calls through syscall() that are not about sockets are passed on with all six arguments and the whole
// result.
#include "../transcript.h"
#include <linux/futex.h>

int main(void)
{
	char buffer[8] = "";
	int ends[2], word = 1;
	printf("pid %d\n", syscall(SYS_getpid) == getpid());
	printf("tid %d\n", syscall(SYS_gettid) == gettid());
	CALL(syscall(-1));
	CALL(syscall(100000));
	CALL(syscall(SYS_pipe2, ends, O_CLOEXEC));
	CALL(syscall(SYS_write, ends[1], "hello", 5));
	CALL(syscall(SYS_read, ends[0], buffer, sizeof buffer));
	printf("%s\n", buffer);
	char *mapping = (char *)syscall(SYS_mmap, NULL, 8192, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mapping[8191] = 'x'; // The result is a whole address, not an int.
	printf("mapped %c\n", mapping[8191]);
	CALL(syscall(SYS_munmap, mapping, 8192));
	int file = MUST(memfd_create("file", 0));
	MUST(write(file, "0123456789", 10));
	char *part = (char *)syscall(SYS_mmap, NULL, 10, PROT_READ, MAP_PRIVATE, file, 0);
	printf("%.10s\n", part);
	CALL(syscall(SYS_pread64, file, buffer, 3, 5));
	printf("%.3s\n", buffer);
	CALL(syscall(SYS_lseek, file, 5000000000, SEEK_SET)); // More than 32 bits, in and out.
	CALL(syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0));
	CALL(syscall(SYS_futex, &word, FUTEX_WAIT, 2, NULL, NULL, 0));
	struct timespec brief = {.tv_nsec = 1000000};
	// The sixth argument is the mask; without bits it is an error.
	CALL(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 1, &brief, NULL, 0));
	CALL(syscall(SYS_close, -1));
	CALL(syscall(SYS_close, MUST(socket(AF_UNIX, SOCK_STREAM, 0))));
	CALL(syscall(SYS_kill, getpid(), 0));
}
