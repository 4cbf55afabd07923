// Socket calls through syscall(): the same sockets and the same errors, with errno set as usual.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address = inet4("127.0.0.1", 0);
	socklen_t length = sizeof address;
	char buffer[8] = "";
	int on = 1, pair[2];
	int listener = CALL(syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
	CALL(syscall(SYS_setsockopt, listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
	CALL(syscall(SYS_bind, listener, &address, sizeof address));
	CALL(syscall(SYS_listen, listener, 5));
	CALL(syscall(SYS_getsockname, listener, &address, &length));
	say_address("bound", (struct sockaddr_storage *)&address, length);
	int client = CALL(socket(AF_INET, SOCK_STREAM, 0));
	CALL(syscall(SYS_connect, client, &address, sizeof address));
	int accepted = CALL(syscall(SYS_accept4, listener, NULL, NULL, SOCK_CLOEXEC));
	CALL(syscall(SYS_sendto, client, "hello", 5, 0, NULL, 0)); // Six arguments.
	CALL(syscall(SYS_recvfrom, accepted, buffer, sizeof buffer, MSG_PEEK, NULL, NULL));
	CALL(recv(accepted, buffer, sizeof buffer, 0));
	printf("%s\n", buffer);
	struct sockaddr_in peer;
	length = sizeof peer;
	CALL(syscall(SYS_sendto, client, "again", 5, 0, NULL, 0));
	CALL(syscall(SYS_recvfrom, accepted, buffer, sizeof buffer, 0, &peer, &length));
	printf("length %d\n", (int)length); // The sixth argument arrived.
	CALL(syscall(SYS_shutdown, client, SHUT_WR));
	CALL(syscall(SYS_read, accepted, buffer, sizeof buffer));
	CALL(syscall(SYS_close, accepted));
	CALL(send(accepted, "x", 1, 0));
	CALL(syscall(SYS_dup3, client, accepted, O_CLOEXEC));
	say_name("getpeername", getpeername, accepted);
	CALL(syscall(SYS_fcntl, client, F_DUPFD, 30));
	CALL(syscall(SYS_close_range, client, ~0u, 0));
	CALL(listen(client, 1));
	CALL(syscall(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, pair));
	CALL(write(pair[0], "x", 1));
	CALL(recv(pair[1], buffer, 1, 0));
	CALL(syscall(SYS_socket, 99, SOCK_STREAM, 0));
	CALL(syscall(SYS_bind, -1, NULL, 0));
	CALL(syscall(SYS_accept4, listener, NULL, NULL, -1));
}
