// getaddrinfo(3) with names and numbers that no server is asked for, and with arguments that it refuses.
#include "../resolver.h"

int main(void)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	ask_addrinfo("127.0.0.1", "80", NULL);
	ask_addrinfo("127.0.0.1", "80", &hints);
	ask_addrinfo("::1", "http", &(struct addrinfo){.ai_socktype = SOCK_STREAM});
	ask_addrinfo("localhost", NULL, &hints);
	ask_addrinfo(NULL, "8080", &(struct addrinfo){.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_DGRAM});
	ask_addrinfo("1.2", "0", &(struct addrinfo){.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM});
	ask_addrinfo("127.0.0.1", "80", &(struct addrinfo){.ai_family = AF_INET6, .ai_flags = AI_V4MAPPED});

	ask_addrinfo("localhost", "80", &(struct addrinfo){.ai_flags = AI_NUMERICHOST});
	ask_addrinfo("127.0.0.1", "http", &(struct addrinfo){.ai_flags = AI_NUMERICSERV});
	ask_addrinfo("127.0.0.1", "no-such-service", NULL);
	ask_addrinfo("127.0.0.1", "80", &(struct addrinfo){.ai_family = AF_INET6});
	ask_addrinfo(NULL, NULL, NULL);
	ask_addrinfo("127.0.0.1", "80", &(struct addrinfo){.ai_flags = 0x4000000});
	ask_addrinfo(NULL, "80", &(struct addrinfo){.ai_flags = AI_CANONNAME});
	ask_addrinfo("127.0.0.1", "80", &(struct addrinfo){.ai_family = AF_UNIX});
	ask_addrinfo("127.0.0.1", "80", &(struct addrinfo){.ai_socktype = 77});
	ask_addrinfo("127.0.0.1", "80", &(struct addrinfo){.ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_UDP});
	ask_addrinfo("fe80::1%no-such-interface", "80", NULL);
}
