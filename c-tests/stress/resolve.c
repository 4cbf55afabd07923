// cflags: -pthread
// Asks for names and addresses in all eight ways: a line for each call, with its result and what it has stored. `/ADDRESS`
// asks for the name of an address. From `--server` on, a name server in the program is asked. `--nobody` makes the calls
// for which no server is asked anyway.
#include "../resolver.h"

static char buffer[8192];

static void ask_name(const char *name)
{
	ask_addrinfo(name, "80", &(struct addrinfo){.ai_socktype = SOCK_STREAM});
	ask_addrinfo(name, NULL, &(struct addrinfo){.ai_family = AF_INET, .ai_socktype = SOCK_STREAM});
	ASK_HOST("gethostbyname", gethostbyname(name));
	ASK_HOST("gethostbyname2", gethostbyname2(name, AF_INET));
	ASK_HOST_INTO("gethostbyname_r", gethostbyname_r(name, &host, buffer, sizeof buffer, &result, &host_error));
	ASK_HOST_INTO("gethostbyname2_r",
	              gethostbyname2_r(name, AF_INET, &host, buffer, sizeof buffer, &result, &host_error));
}

static void ask_address(const char *number)
{
	struct sockaddr_in address = inet4(number, 80);
	const void *bytes = &address.sin_addr;
	ASK_HOST("gethostbyaddr", gethostbyaddr(bytes, sizeof address.sin_addr, AF_INET));
	ASK_HOST_INTO("gethostbyaddr_r", gethostbyaddr_r(bytes, sizeof address.sin_addr, AF_INET, &host, buffer,
	                                                 sizeof buffer, &result, &host_error));
	ask_nameinfo(number, &address, sizeof address, NI_MAXHOST, 0, NI_NAMEREQD);
}

// What no server is asked for, whatever the rule.
static void ask_nobody(void)
{
	ask_addrinfo(NULL, "80", &(struct addrinfo){.ai_socktype = SOCK_STREAM});
	ask_addrinfo("not.a.number", "80", &(struct addrinfo){.ai_flags = AI_NUMERICHOST});
	ask_addrinfo("not.looked.up", "http", &(struct addrinfo){.ai_flags = AI_NUMERICSERV});
	ask_addrinfo("127.0.0.1", "80", &(struct addrinfo){.ai_family = AF_INET6});
	ask_addrinfo("127.0.0.1", "80", &(struct addrinfo){.ai_flags = 0x4000000});
	ASK_HOST("gethostbyname of ::1", gethostbyname("::1"));
	ASK_HOST_INTO("gethostbyname_r into one byte",
	              gethostbyname_r("localhost", &host, buffer, 1, &result, &host_error));
	ASK_HOST("gethostbyaddr of ::", gethostbyaddr(&in6addr_any, sizeof in6addr_any, AF_INET6));
	struct sockaddr_in address = inet4("192.0.2.9", 80);
	ask_nameinfo("192.0.2.9", &address, sizeof address, NI_MAXHOST, 0, NI_NUMERICHOST);
	ask_nameinfo("192.0.2.9", &address, sizeof address, NI_MAXHOST, 0, NI_NUMERICHOST | NI_NAMEREQD);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct in_addr number;
		printf("%s\n", argv[i]);
		if (!strcmp(argv[i], "--server")) {
			start_server();
			use_server(5);
		} else if (!strcmp(argv[i], "--nobody")) {
			ask_nobody();
		} else if (argv[i][0] == '/' && inet_aton(argv[i] + 1, &number)) {
			ask_address(argv[i] + 1);
		} else {
			ask_name(argv[i]);
		}
	}
}
