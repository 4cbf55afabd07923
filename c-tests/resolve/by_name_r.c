// gethostbyname_r(3) and gethostbyname2_r(3): what they store, and buffers that are too small.
#include "../resolver.h"

int main(void)
{
	static char buffer[8192];
	ASK_HOST_INTO("gethostbyname_r(localhost)",
	              gethostbyname_r("localhost", &host, buffer, sizeof buffer, &result, &host_error));
	ASK_HOST_INTO("gethostbyname_r(127.0.0.1)",
	              gethostbyname_r("127.0.0.1", &host, buffer, sizeof buffer, &result, &host_error));
	ASK_HOST_INTO("gethostbyname_r(::1)",
	              gethostbyname_r("::1", &host, buffer, sizeof buffer, &result, &host_error));
	ASK_HOST_INTO("gethostbyname2_r(localhost, AF_INET)",
	              gethostbyname2_r("localhost", AF_INET, &host, buffer, sizeof buffer, &result, &host_error));
	ASK_HOST_INTO("gethostbyname2_r(::1, AF_INET6)",
	              gethostbyname2_r("::1", AF_INET6, &host, buffer, sizeof buffer, &result, &host_error));
	ASK_HOST_INTO("gethostbyname2_r(::1, AF_INET)",
	              gethostbyname2_r("::1", AF_INET, &host, buffer, sizeof buffer, &result, &host_error));

	// Both begin with too small a buffer, and get a larger one until it does.
	int tries = 0, ret;
	size_t size = 1;
	struct hostent host, *result;
	int host_error;
	while ((ret = gethostbyname_r("localhost", &host, buffer, size, &result, &host_error)) == ERANGE) {
		if (tries++ == 0)
			printf("with one byte: %s, %s, the result is %s\n", errno_name(ret),
			       host_error_name(host_error), stored(result));
		size *= 2;
	}
	printf("with more: %s, %s\n", ret ? errno_name(ret) : "0", ret ? "-" : host_text(result));
	ASK_HOST_INTO("gethostbyname2_r(127.0.0.1, AF_INET) with one byte",
	              gethostbyname2_r("127.0.0.1", AF_INET, &host, buffer, 1, &result, &host_error));
}
