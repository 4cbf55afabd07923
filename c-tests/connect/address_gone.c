// An address that is in a file's memory, and that the file no longer has when connect comes back.
#include "../transcript.h"

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
		usleep(50000);
		MUST(ftruncate(file, 0));
		MUST(close(MUST(accept(listener, NULL, NULL))));
		usleep(50000);
		_exit(0);
	}
	int second = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	// The queue is full, so it waits.
	CALL(connect(second, mapped, length));
	MUST(waitpid(child, NULL, 0));
	unlink("address_gone");
}
