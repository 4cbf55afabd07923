// After fork() both processes have the same sockets. What one does to a socket affects the other; what one
// does to its descriptor does not.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address;
	int listener = tcp_listener(&address, 5), bound = MUST(socket(AF_INET, SOCK_STREAM, 0)), pair[2];
	char buffer[8] = "";
	tcp_pair(pair);
	pid_t child = fork();
	if (child == 0) {
		int client = CALL(socket(AF_INET, SOCK_STREAM, 0));
		CALL(connect(client, SA(address), sizeof address));
		int accepted = CALL(accept(listener, NULL, NULL));
		CALL(send(client, "hello", 5, 0));
		CALL(recv(accepted, buffer, sizeof buffer, 0));
		CALL(listen(bound, 1)); // Seen by the parent.
		CALL(close(listener));  // Not seen by the parent.
		CALL(close(pair[1]));
		CALL(write(pair[0], "child", 5));
		CALL(socket(AF_UNIX, SOCK_DGRAM, 0));
		return 3;
	}
	say_child("child", child);
	printf("SO_ACCEPTCONN %d %d\n", int_option(bound, SOL_SOCKET, SO_ACCEPTCONN),
	       int_option(listener, SOL_SOCKET, SO_ACCEPTCONN));
	CALL(read(pair[1], buffer, sizeof buffer));
	int client = CALL(socket(AF_INET, SOCK_STREAM, 0));
	CALL(connect(client, SA(address), sizeof address));
	CALL(accept(listener, NULL, NULL));

	child = fork(); // One of several children, each with sockets of its own.
	if (child == 0) {
		pid_t grandchild = fork();
		if (grandchild == 0) {
			CALL(socket(AF_INET, SOCK_DGRAM, 0));
			_exit(5);
		}
		say_child("grandchild", grandchild);
		CALL(close(client));
		_exit(4);
	}
	say_child("child", child);
	CALL(close(client));
}
