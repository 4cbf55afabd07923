// An address that is in a file's memory, and that the file no longer has when connect comes back.
#include "../transcript.h"

// Waits until the process waits in connect(2), which /proc/PID/syscall says by the call's number. Who may not read that waits
// for a moment.
static void wait_for_connect(pid_t process)
{
	char path[64], line[128];
	snprintf(path, sizeof path, "/proc/%d/syscall", process);
	do {
		usleep(1000);
		int file = open(path, O_RDONLY);
		if (file < 0) {
			usleep(50000);
			return;
		}
		ssize_t length = read(file, line, sizeof line - 1);
		line[length < 0 ? 0 : length] = 0;
		close(file);
	} while (atoi(line) != SYS_connect);
}

int main(void)
{
	struct sockaddr_un address = unix_file("address_gone");
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + sizeof "address_gone";
	int file = MUST(memfd_create("address", 0));
	MUST(ftruncate(file, 4096));
	void *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	memcpy(mapped, &address, length);

	int listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(listener, SA(address), length));
	MUST(listen(listener, 0));
	int first = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	CALL(connect(first, mapped, length));
	pid_t child = MUST(fork());
	if (child == 0) {
		wait_for_connect(getppid());
		MUST(ftruncate(file, 0));
		MUST(close(MUST(accept(listener, NULL, NULL))));
		pause();
	}
	int second = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	// The queue is full, so it waits.
	CALL(connect(second, mapped, length));
	MUST(kill(child, SIGKILL));
	MUST(waitpid(child, NULL, 0));
	unlink("address_gone");
}
