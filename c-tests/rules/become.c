// Which sockets are made, natively and where the kernel has no MPTCP.
//
//     become 0|1     what net.mptcp.enabled is to be

#include "address.h"
#include <fcntl.h>
#include <stdbool.h>

static void say(const char *call, int fd, int error)
{
	static const int NAMES[] = {SO_DOMAIN, SO_TYPE, SO_PROTOCOL};

	printf("%s: ", call);
	if (fd < 0) {
		printf("%s\n", strerrorname_np(error));
		return;
	}
	for (int i = 0; i < 3; i++) {
		int is = -1;
		socklen_t length = sizeof(is);
		RAW(SYS_getsockopt, fd, SOL_SOCKET, NAMES[i], &is, &length);
		printf("%d ", is);
	}
	printf("number %d, flags %ld %ld%s\n", fd, RAW(SYS_fcntl, fd, F_GETFL) & O_NONBLOCK, RAW(SYS_fcntl, fd, F_GETFD),
	       error == 4000 ? "" : ", errno is another");
	close(fd);
}

#define SAY(call) errno = 4000, result = call, say(#call, result, errno)

int main(int argc, char **argv)
{
	int file = open("/proc/sys/net/mptcp/enabled", O_WRONLY), result;

	if (argc < 2 || file < 0 || RAW(SYS_write, file, argv[1], 1) != 1)
		return 3;
	close(file);
	SAY(socket(AF_INET, SOCK_STREAM, 0));
	SAY(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
	SAY(syscall(SYS_socket, AF_INET6, SOCK_STREAM, 0));
	SAY(socket(AF_INET, SOCK_DGRAM, 0));
	SAY(socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP));
	SAY(socket(AF_UNIX, SOCK_STREAM, 0));
	SAY(socket(AF_UNIX, SOCK_DGRAM, 0));
	SAY(socket(AF_UNIX, SOCK_SEQPACKET, 0));
	return 0;
}
