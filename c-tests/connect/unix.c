// connect() by name: no such file, a file that is not a socket, a socket file without a socket, a socket of
// another type, and a full queue.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_un missing = unix_file("missing.sock"), file = unix_file("plain.file"),
			   name = unix_file("queue.sock");
	int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	CALL(connect(fd, SA(missing), sizeof missing));
	MUST(close(MUST(open("plain.file", O_CREAT | O_WRONLY, 0600))));
	CALL(connect(fd, SA(file), sizeof file));
	MUST(unlink("plain.file"));

	int listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), dgram = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
	MUST(bind(listener, SA(name), sizeof name));
	CALL(connect(fd, SA(name), sizeof name)); // Bound but not listening.
	CALL(connect(dgram, SA(name), sizeof name));
	CALL(sendto(dgram, "x", 1, 0, SA(name), sizeof name));
	MUST(listen(listener, 1));
	CALL(connect(fd, SA(name), sizeof name));
	CALL(connect(fd, SA(name), sizeof name));
	say_name("getpeername", getpeername, fd);
	int second = MUST(socket(AF_UNIX, SOCK_STREAM, 0)),
	    third = MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
	CALL(connect(second, SA(name), sizeof name)); // A backlog of 1 admits two.
	CALL(connect(third, SA(name), sizeof name));
	MUST(fcntl(fd, F_SETFL, O_NONBLOCK));
	CALL(connect(fd, SA(name), sizeof name)); // The full queue is reported before EISCONN.
	set_timeout(third, SO_SNDTIMEO, 30);
	MUST(fcntl(third, F_SETFL, 0));
	CALL(connect(third, SA(name), sizeof name));
	CALL(accept(listener, NULL, NULL));
	CALL(connect(third, SA(name), sizeof name));
	CALL(connect(third, SA(name), 2));
	CALL(connect(third, SA(name), 1));
	MUST(unlink("queue.sock"));
}
