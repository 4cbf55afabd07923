// AF_INET6 with IPv4 peers: a dual-stack listener sees IPv4 clients as mapped addresses.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in6 any = inet6("::", 0), peer, mapped = inet6("::ffff:127.0.0.1", 0);
	struct sockaddr_in v4 = inet4("127.0.0.1", 0);
	socklen_t length = sizeof any;
	int listener = NEEDS(socket(AF_INET6, SOCK_STREAM, 0)), off = 0;
	MUST(setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off));
	CALL(bind(listener, SA(any), sizeof any));
	CALL(listen(listener, 5));
	MUST(getsockname(listener, SA(any), &length));
	v4.sin_port = mapped.sin6_port = any.sin6_port;

	int client4 = MUST(socket(AF_INET, SOCK_STREAM, 0));
	CALL(connect(client4, SA(v4), sizeof v4));
	length = sizeof peer;
	int accepted = CALL(accept(listener, SA(peer), &length));
	say_address("peer", (struct sockaddr_storage *)&peer, length);
	say_name("own name", getsockname, accepted);
	MUST(close(accepted));

	int client6 = MUST(socket(AF_INET6, SOCK_STREAM, 0));
	CALL(connect(client6, SA(v4), sizeof v4));
	CALL(connect(client6, SA(mapped), 23));
	mapped.sin6_family = AF_INET;
	CALL(connect(client6, SA(mapped), sizeof mapped));
	mapped.sin6_family = AF_INET6;
	CALL(connect(client6, SA(mapped), sizeof mapped));
	say_name("getpeername", getpeername, client6);
	int family = AF_INET;
	// The socket becomes an AF_INET socket.
	CALL(setsockopt(client6, IPPROTO_IPV6, IPV6_ADDRFORM, &family, sizeof family));
	say_name("getpeername", getpeername, client6);
	printf("SO_DOMAIN %d\n", int_option(client6, SOL_SOCKET, SO_DOMAIN));

	struct sockaddr_in6 loopback = inet6("::1", 0);
	loopback.sin6_port = any.sin6_port;
	int native = MUST(socket(AF_INET6, SOCK_STREAM, 0));
	NEEDS(connect(native, SA(loopback), sizeof loopback));
	say_name("getpeername", getpeername, native);

	struct sockaddr_in receiver_address;
	int receiver = udp_bound(&receiver_address), udp6 = MUST(socket(AF_INET6, SOCK_DGRAM, 0));
	char byte;
	// UDP accepts the short IPv4 address.
	CALL(connect(udp6, SA(receiver_address), sizeof receiver_address));
	say_name("getpeername", getpeername, udp6);
	CALL(send(udp6, "x", 1, 0));
	CALL(recv(receiver, &byte, 1, 0));
}
