// Binding an AF_UNIX socket creates a file, which stays when the socket is closed.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_un address = unix_file("bound.sock"), missing = unix_file("missing/bound.sock");
	int first = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), second = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	struct stat status;
	say_name("fresh", getsockname, first);
	CALL(bind(first, SA(missing), sizeof missing));
	CALL(bind(first, SA(address), sizeof address));
	say_name("bound", getsockname, first);
	CALL(stat("bound.sock", &status));
	printf("a socket: %d\n", S_ISSOCK(status.st_mode));
	CALL(bind(second, SA(address), sizeof address));
	// An existing file is reported before a socket that is already bound.
	CALL(bind(first, SA(address), sizeof address));
	struct sockaddr_un other = unix_file("other.sock");
	CALL(bind(first, SA(other), sizeof other));
	CALL(access("other.sock", F_OK)); // The file was made and removed again.
	CALL(close(first));
	CALL(connect(second, SA(address), sizeof address));
	CALL(unlink("bound.sock"));
	CALL(connect(second, SA(address), sizeof address));
	CALL(bind(second, SA(address), sizeof address));
	CALL(unlink("bound.sock"));
}
