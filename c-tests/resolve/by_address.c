// gethostbyaddr(3) and gethostbyaddr_r(3), which has eight arguments, with addresses that no server is asked for.
#include "../resolver.h"

int main(void)
{
	static char buffer[8192];
	struct in_addr v4 = {htonl(INADDR_LOOPBACK)};
	ASK_HOST("gethostbyaddr(127.0.0.1)", gethostbyaddr(&v4, sizeof v4, AF_INET));
	ASK_HOST("gethostbyaddr(::)", gethostbyaddr(&in6addr_any, sizeof in6addr_any, AF_INET6));
	ASK_HOST("gethostbyaddr of three bytes", gethostbyaddr(&v4, 3, AF_INET));
	ASK_HOST("gethostbyaddr of AF_UNIX", gethostbyaddr(&v4, sizeof v4, AF_UNIX));

	ASK_HOST_INTO("gethostbyaddr_r(127.0.0.1)", gethostbyaddr_r(&v4, sizeof v4, AF_INET, &host, buffer, sizeof buffer,
	                                                            &result, &host_error));
	ASK_HOST_INTO("gethostbyaddr_r(::)", gethostbyaddr_r(&in6addr_any, sizeof in6addr_any, AF_INET6, &host, buffer,
	                                                     sizeof buffer, &result, &host_error));
	ASK_HOST_INTO("gethostbyaddr_r of three bytes",
	              gethostbyaddr_r(&v4, 3, AF_INET, &host, buffer, sizeof buffer, &result, &host_error));
	ASK_HOST_INTO("gethostbyaddr_r with one byte",
	              gethostbyaddr_r(&v4, sizeof v4, AF_INET, &host, buffer, 1, &result, &host_error));

	// Where the host is stored, and in which buffer.
	struct hostent host, *result;
	int host_error;
	if (gethostbyaddr_r(&v4, sizeof v4, AF_INET, &host, buffer, sizeof buffer, &result, &host_error) == 0 && result)
		printf("the result is %s, its name in %s\n", result == &host ? "the program's" : "another",
		       host.h_name >= buffer && host.h_name < buffer + sizeof buffer ? "the buffer" : "other memory");
}
