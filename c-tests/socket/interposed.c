// Sockets that an interposer makes. With -DINTERPOSER it is that interposer: a library whose socket() makes
// MPTCP sockets in place of TCP, with system calls that no hook sees.
#ifdef INTERPOSER
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

int socket(int family, int type, int protocol)
{
	long ret, mptcp = family == AF_INET && (type & 15) == SOCK_STREAM && protocol == 0 ? 262 : protocol;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(SYS_socket), "D"((long)family), "S"((long)type), "d"(mptcp)
			 : "rcx", "r11", "memory");
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}
#else
#include "../transcript.h"

int main(void)
{
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
	printf("protocol %d\n", int_option(fd, SOL_SOCKET, SO_PROTOCOL));
	CALL(listen(fd, 1));
	CALL(close(fd));
	CALL(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
}
#endif
