// A socket is connected in a way that no hook sees, so its remembered state differs from the kernel's.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = MUST(socket(AF_INET, SOCK_STREAM, 0)), client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(bind(listener, (struct sockaddr *)&address, length));
	MUST(listen(listener, 1));
	MUST(getsockname(listener, (struct sockaddr *)&address, &length));
	long ret;
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(SYS_connect), "D"(client), "S"(&address), "d"(length)
			 : "rcx", "r11", "memory");
	printf("connect by machine code %ld\n", ret);
	CALL(getpeername(client, (struct sockaddr *)&address, &length));
	CALL(getpeername(client, (struct sockaddr *)&address, &length));
	CALL(connect(client, (struct sockaddr *)&address, length));
	CALL(connect(client, (struct sockaddr *)&address, length));
	CALL(shutdown(client, SHUT_RDWR));
}
