// Abstract names begin with a NUL, may contain any bytes, are as long as the length says, and vanish with
// the socket. With a length of 2 the kernel chooses a name.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int size = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "sockshim-test-%d",
			    (int)getpid());
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + 1 + size;
	int first = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), second = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	CALL(bind(first, SA(address), length));
	CALL(bind(second, SA(address), length));
	CALL(bind(second, SA(address), length + 1)); // With one more NUL it is another name.
	CALL(close(first));
	first = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	CALL(bind(first, SA(address), length));
	int dgram = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
	CALL(bind(dgram, SA(address), length)); // The type is part of the name.

	int automatic = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	CALL(bind(automatic, SA(address), sizeof address.sun_family));
	say_name("autobind", getsockname, automatic);
	CALL(bind(automatic, SA(address), sizeof address.sun_family));
	CALL(bind(automatic, SA(address), sizeof address + 1));
	CALL(bind(automatic, SA(address), 1));
	address.sun_family = AF_INET;
	CALL(bind(automatic, SA(address), length));
}
