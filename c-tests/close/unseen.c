// A socket is closed in a way that no hook sees, and a file gets its number.
#include "../transcript.h"

static long closed_unseen(int fd)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "0"(SYS_close), "D"(fd) : "rcx", "r11", "memory");
	return ret;
}

// Replaces a socket by a file with the same number.
static int file_in_place_of(int type)
{
	int socket_fd = MUST(socket(AF_INET, type, 0));
	if (closed_unseen(socket_fd) != 0 || MUST(open("/dev/null", O_RDWR)) != socket_fd)
		exit(SETUP_STATUS);
	return socket_fd;
}

int main(void)
{
	int fd = file_in_place_of(SOCK_STREAM);
	CALL(write(fd, "x", 1));
	CALL(close(fd));

	fd = file_in_place_of(SOCK_DGRAM);
	CALL(send(fd, "x", 1, 0));
	CALL(listen(fd, 1));
	CALL(write(fd, "x", 1));
	CALL(close(fd));

	// Replaced by a socket of another kind: only the kernel's cookie shows the difference.
	fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
	closed_unseen(fd);
	if (MUST(socket(AF_UNIX, SOCK_DGRAM, 0)) != fd)
		exit(SETUP_STATUS);
	CALL(listen(fd, 1));
	CALL(close(fd));

	// poll finds that it is no longer a socket.
	fd = file_in_place_of(SOCK_STREAM);
	CALL(listen(fd, 1));
	struct pollfd entry = {.fd = fd, .events = POLLIN};
	CALL(poll(&entry, 1, 0));
	CALL(close(fd));
}
