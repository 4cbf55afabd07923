// AF_UNIX datagram sockets: a connected one accepts messages only from its peer, and a peer that is gone is
// reported once and then disconnected.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_un first_name = unix_file("first.sock"), second_name = unix_file("second.sock");
	int first = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), second = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
	int third = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
	char buffer[16] = "";
	MUST(bind(first, SA(first_name), sizeof first_name));
	MUST(bind(second, SA(second_name), sizeof second_name));
	CALL(send(second, "x", 1, 0));
	CALL(connect(second, SA(first_name), sizeof first_name));
	CALL(send(second, "hello", 5, 0));
	struct sockaddr_storage from;
	socklen_t length = sizeof from;
	CALL(recvfrom(first, buffer, sizeof buffer, 0, SA(from), &length));
	say_address("from", &from, length);
	CALL(connect(first, SA(second_name), sizeof second_name));
	CALL(sendto(third, "x", 1, 0, SA(first_name), sizeof first_name)); // The receiver is connected to another socket.
	CALL(connect(third, SA(first_name), sizeof first_name));
	MUST(close(first));
	CALL(send(second, "x", 1, 0));
	CALL(send(second, "x", 1, 0));
	say_name("getpeername", getpeername, second);
	MUST(unlink("first.sock"));
	MUST(unlink("second.sock"));
}
