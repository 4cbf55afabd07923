// cflags: -pthread
// Each call with each error of a name server: what it returns, what it stores, h_errno and errno.
#include "../resolver.h"

static void ask_all(const char *name, const char *number)
{
	static char buffer[8192];
	struct sockaddr_in address = inet4(number, 80);
	printf("%s and %s\n", name, number);
	ask_addrinfo(name, "80", &(struct addrinfo){.ai_socktype = SOCK_STREAM});
	ask_addrinfo(name, NULL, &(struct addrinfo){.ai_family = AF_INET6, .ai_socktype = SOCK_STREAM});
	ASK_HOST("gethostbyname", gethostbyname(name));
	ASK_HOST("gethostbyname2", gethostbyname2(name, AF_INET6));
	ASK_HOST_INTO("gethostbyname_r", gethostbyname_r(name, &host, buffer, sizeof buffer, &result, &host_error));
	ASK_HOST_INTO("gethostbyname2_r",
	              gethostbyname2_r(name, AF_INET, &host, buffer, sizeof buffer, &result, &host_error));
	ASK_HOST("gethostbyaddr", gethostbyaddr(&address.sin_addr, sizeof address.sin_addr, AF_INET));
	ASK_HOST_INTO("gethostbyaddr_r", gethostbyaddr_r(&address.sin_addr, sizeof address.sin_addr, AF_INET, &host, buffer,
	                                                 sizeof buffer, &result, &host_error));
	ask_nameinfo(number, &address, sizeof address, NI_MAXHOST, NI_MAXSERV, 0);
	ask_nameinfo(number, &address, sizeof address, NI_MAXHOST, NI_MAXSERV, NI_NAMEREQD);
}

int main(void)
{
	start_server();
	use_server(5);
	ask_all("nx.example", "192.0.2.1");
	ask_all("servfail.example", "192.0.2.2");
	ask_all("refused.example", "192.0.2.3");
	ask_all("none.example", "192.0.2.4");
	ask_all("form.example", "192.0.2.5");
}
