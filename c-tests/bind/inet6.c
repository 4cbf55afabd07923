// AF_INET6 does not accept AF_UNSPEC, needs at least 24 bytes, and shares ports with AF_INET unless
// IPV6_V6ONLY is set.
#include "../transcript.h"

int main(void)
{
	int fd = NEEDS(socket(AF_INET6, SOCK_STREAM, 0)), on = 1;
	struct sockaddr_in6 address = inet6("::1", 0), none = inet6("::", 0),
			    foreign = inet6("2001:db8::1", 0);
	struct sockaddr_in v4 = inet4("127.0.0.1", 0);
	socklen_t length = sizeof address;
	none.sin6_family = AF_UNSPEC;
	CALL(bind(fd, SA(address), 23));
	CALL(bind(fd, SA(none), sizeof none));
	CALL(bind(fd, SA(v4), sizeof v4));
	CALL(bind(fd, SA(foreign), sizeof foreign));
	NEEDS(bind(fd, SA(address), 24)); // A machine may have the family but no address in it.
	say_name("bound", getsockname, fd);
	CALL(bind(fd, SA(address), sizeof address));

	int dual = MUST(socket(AF_INET6, SOCK_STREAM, 0)), inet = MUST(socket(AF_INET, SOCK_STREAM, 0));
	address = inet6("::", 0);
	CALL(bind(dual, SA(address), sizeof address));
	MUST(getsockname(dual, SA(address), &length));
	v4.sin_port = address.sin6_port;
	CALL(bind(inet, SA(v4), sizeof v4));

	// With IPV6_V6ONLY both sockets can have the same port. Several are tried, because another process may
	// already use the one that the kernel chose.
	int result = -1;
	for (int i = 0; i < 50 && result < 0; i++) {
		int only = MUST(socket(AF_INET6, SOCK_STREAM, 0));
		MUST(setsockopt(only, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
		address = inet6("::", 0);
		MUST(bind(only, SA(address), sizeof address));
		MUST(getsockname(only, SA(address), &length));
		v4.sin_port = address.sin6_port;
		result = bind(inet, SA(v4), sizeof v4);
		MUST(close(only));
	}
	CALL_AS("bind beside IPV6_V6ONLY", result);
}
