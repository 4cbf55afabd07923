// accept() honours SO_RCVTIMEO of the listener, and O_NONBLOCK.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address;
	int listener = tcp_listener(&address, 5);
	set_timeout(listener, SO_RCVTIMEO, 30);
	CALL(accept(listener, NULL, NULL));
	CALL(accept4(listener, NULL, NULL, SOCK_NONBLOCK));
	set_timeout(listener, SO_RCVTIMEO, 0);
	MUST(fcntl(listener, F_SETFL, O_NONBLOCK));
	CALL(accept(listener, NULL, NULL));

	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int local = MUST(socket(AF_UNIX, SOCK_SEQPACKET, 0));
	MUST(bind(local, SA(name), sizeof name.sun_family));
	MUST(listen(local, 1));
	set_timeout(local, SO_RCVTIMEO, 30);
	CALL(accept(local, NULL, NULL));
}
