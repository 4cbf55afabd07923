// A process ends or execs while another of its threads makes calls; every call that had returned has to be in its log, but
// for one that was under way when the end began.
//
//   ending_beside WAY CALL COUNTS
//
// The thread counts the calls of CALL (socket or send) in the file COUNTS, 8 bytes, whoever reads it compares with the log.
#include "stress.h"
#include <stdint.h>
#include <sys/mman.h>

static volatile uint64_t *returned;
static int sends;

static void *work(void *unused)
{
	int pair[2];
	char byte;
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	for (;;) {
		if (sends) {
			CHECK(send(pair[0], "x", 1, 0));
			++*returned;
			CHECK(recv(pair[1], &byte, 1, 0));
		} else {
			int fd = CHECK(socket(AF_UNIX, SOCK_STREAM, 0));
			++*returned;
			CHECK(close(fd));
		}
	}
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	if (argc < 4)
		return 2;
	int fd = CHECK(open(argv[3], O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	CHECK(ftruncate(fd, 4096));
	returned = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	sends = strcmp(argv[2], "send") == 0;
	pthread_create(&thread, NULL, work, NULL);
	usleep(2000 + getpid() % 7 * 300);
	if (strcmp(argv[1], "_exit") == 0)
		_exit(0);
	if (strcmp(argv[1], "exit_group") == 0)
		syscall(SYS_exit_group, 0);
	if (strcmp(argv[1], "quick_exit") == 0)
		quick_exit(0);
	if (strcmp(argv[1], "exec") == 0)
		execl("/bin/true", "true", (char *)NULL);
	return strcmp(argv[1], "return") != 0;
}
