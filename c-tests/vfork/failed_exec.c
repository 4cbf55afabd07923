// A vfork() child whose exec fails ends with _exit(), and may have closed, opened and duplicated
// descriptors before.
#include "../transcript.h"

static int listener, stream, errors;

int main(void)
{
	struct sockaddr_in address;
	char *const arguments[] = {"missing", NULL};
	listener = tcp_listener(&address, 5);
	stream = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	for (int i = 0; i < 20; i++) {
		pid_t child = vfork();
		if (child == 0) {
			close(listener);
			// In the child, it gets the number of the listener.
			int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
			errors += fd != listener;
			dup2(fd, stream);
			execv("/missing/program", arguments);
			_exit(errno == ENOENT ? 7 : 8);
		}
		int status;
		MUST(waitpid(child, &status, 0));
		errors += WEXITSTATUS(status) != 7;
	}
	printf("errors %d\n", errors);
	int client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	CALL(connect(client, SA(address), sizeof address));
	CALL(accept(listener, NULL, NULL));
	CALL(listen(stream, 1));
	printf("SO_TYPE %d %d\n", int_option(listener, SOL_SOCKET, SO_TYPE),
	       int_option(stream, SOL_SOCKET, SO_TYPE));
	CALL(close(listener));
	CALL(socket(AF_INET, SOCK_DGRAM, 0));
}
