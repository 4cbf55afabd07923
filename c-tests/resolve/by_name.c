// gethostbyname(3) and gethostbyname2(3) with names and numbers that no server is asked for.
#include "../resolver.h"

int main(void)
{
	ASK_HOST("gethostbyname(localhost)", gethostbyname("localhost"));
	ASK_HOST("gethostbyname(127.0.0.1)", gethostbyname("127.0.0.1"));
	ASK_HOST("gethostbyname(1.2)", gethostbyname("1.2"));
	ASK_HOST("gethostbyname(::1)", gethostbyname("::1"));
	ASK_HOST("gethostbyname2(localhost, AF_INET)", gethostbyname2("localhost", AF_INET));
	ASK_HOST("gethostbyname2(::1, AF_INET6)", gethostbyname2("::1", AF_INET6));
	ASK_HOST("gethostbyname2(::1, AF_INET)", gethostbyname2("::1", AF_INET));
	ASK_HOST("gethostbyname2(127.0.0.1, AF_INET6)", gethostbyname2("127.0.0.1", AF_INET6));
	ASK_HOST("gethostbyname2(127.0.0.1, AF_UNIX)", gethostbyname2("127.0.0.1", AF_UNIX));
}
