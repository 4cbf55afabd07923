// cflags: -pthread
// A thread that is cancelled while it waits for a name server that does not answer. Then the process asks again.
#include "../resolver.h"

static volatile int kind;

static void cleaned(void *argument)
{
	(void)argument;
	printf("kind %d: cleaned up\n", kind);
}

static void *ask(void *argument)
{
	static char buffer[8192];
	struct sockaddr_in address = inet4("192.0.2.6", 80);
	struct addrinfo *list;
	struct hostent host, *result;
	int host_error;
	use_server(30);
	pthread_cleanup_push(cleaned, argument);
	switch (kind) {
	case 0: getaddrinfo("silent.example", "80", NULL, &list); break;
	case 1: gethostbyname_r("silent.example", &host, buffer, sizeof buffer, &result, &host_error); break;
	case 2:
		gethostbyname2_r("silent.example", AF_INET6, &host, buffer, sizeof buffer, &result, &host_error);
		break;
	case 3:
		gethostbyaddr_r(&address.sin_addr, sizeof address.sin_addr, AF_INET, &host, buffer, sizeof buffer,
		                &result, &host_error);
		break;
	case 4: getnameinfo(SA(address), sizeof address, buffer, sizeof buffer, NULL, 0, 0); break;
	}
	pthread_cleanup_pop(0);
	return NULL;
}

int main(void)
{
	start_server();
	for (kind = 0; kind < 5; kind++) {
		pthread_t thread;
		void *result;
		pthread_create(&thread, NULL, ask, NULL);
		usleep(50000);
		pthread_cancel(thread);
		pthread_join(thread, &result);
		printf("kind %d: %s\n", kind, result == PTHREAD_CANCELED ? "cancelled" : "returned");
	}
	use_server(5);
	ask_addrinfo("nx.example", "80", NULL);
}
