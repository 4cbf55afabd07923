// A program that rules about its calls must not hurt: it makes some of each kind, whatever comes of them, and ends well.

#include "address.h"
#include <fcntl.h>
#include <sys/uio.h>

int main(void)
{
	struct address to = address_of("127.0.0.1:9"), any = address_of("127.0.0.1:0"), un = address_of("nowhere");
	char bytes[16] = "some bytes";
	struct iovec part = {bytes, 4};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	int on = 1, pair[2] = {-1, -1}, tcp, udp, other;
	socklen_t length = sizeof(on);

	alarm(20);
	tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	udp = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	other = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
	bind(tcp, &any.any, any.length);
	listen(tcp, 1);
	accept(tcp, NULL, NULL);
	connect(udp, &to.any, to.length);
	connect(other, &un.any, un.length);
	send(pair[0], bytes, 4, MSG_NOSIGNAL);
	sendmsg(pair[0], &message, MSG_NOSIGNAL);
	sendto(udp, bytes, 4, MSG_NOSIGNAL, &to.any, to.length);
	recv(pair[1], bytes, 4, 0);
	recvmsg(pair[1], &message, 0);
	setsockopt(tcp, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	getsockopt(tcp, SOL_SOCKET, SO_KEEPALIVE, &on, &length);
	told_name(tcp, 0);
	told_name(other, 1);
	shutdown(pair[0], SHUT_RDWR);
	if (write(1, "well\n", 5) != 5)
		return 3;
	return 0;
}
