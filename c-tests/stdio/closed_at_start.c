// A program that is started with the descriptors 0 to 2 closed gets sockets with these numbers, and nothing
// that is written to stdout or stderr may arrive there.
#include "../transcript.h"

static int child(void)
{
	int report = 200, bad = 0;
	char byte;
	int first = socket(AF_INET, SOCK_STREAM, 0), pair[2];
	bad += first != 0;
	bad += socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || pair[0] != 1 || pair[1] != 2;
	bad += send(1, "x", 1, 0) != 1;
	bad += recv(2, &byte, 1, 0) != 1 || byte != 'x';
	bad += recv(2, &byte, 1, MSG_DONTWAIT) != -1 || errno != EAGAIN;
	bad += recv(1, &byte, 1, MSG_DONTWAIT) != -1 || errno != EAGAIN;
	bad += listen(first, 1) != 0;
	bad += close(0) != 0 || close(1) != 0 || close(2) != 0;
	bad += socket(99, SOCK_STREAM, 0) != -1;
	dprintf(report, "%d things were not as expected\n", bad);
	return bad;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return child();
	int ends[2];
	char line[64] = "";
	MUST(pipe2(ends, O_CLOEXEC));
	pid_t pid = MUST(fork());
	if (pid == 0) {
		MUST(dup2(ends[1], 200));
		for (int fd = 0; fd <= 2; fd++)
			close(fd);
		execl("/proc/self/exe", argv[0], "child", NULL);
		_exit(SETUP_STATUS);
	}
	MUST(close(ends[1]));
	CALL(read(ends[0], line, sizeof line));
	printf("%s", line);
	say_child("child", pid);
}
