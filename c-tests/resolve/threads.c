// cflags: -pthread
// All calls from several threads at once, each with answers of its own.
#include "../resolver.h"

enum { THREADS = 8, ROUNDS = 50 };

static void *ask(void *argument)
{
	long number = (long)argument, wrong = 0;
	char name[32], buffer[8192], found[NI_MAXHOST];
	snprintf(name, sizeof name, "127.0.%ld.1", number);
	struct in_addr expected = {inet_addr(name)}, loopback = {htonl(INADDR_LOOPBACK)};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = expected};
	use_server(5);
	for (int round = 0; round < ROUNDS; round++) {
		struct addrinfo *list = NULL;
		struct hostent host, *result;
		int host_error;
		wrong += getaddrinfo(name, "1", &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &list) != 0 ||
		         ((struct sockaddr_in *)list->ai_addr)->sin_addr.s_addr != expected.s_addr;
		freeaddrinfo(list);
		wrong += gethostbyname_r(name, &host, buffer, sizeof buffer, &result, &host_error) != 0 ||
		         memcmp(result->h_addr_list[0], &expected, sizeof expected) != 0;
		wrong += gethostbyname2_r(name, AF_INET6, &host, buffer, sizeof buffer, &result, &host_error) != 0 ||
		         result || host_error != HOST_NOT_FOUND;
		wrong += gethostbyaddr_r(&loopback, sizeof loopback, AF_INET, &host, buffer, sizeof buffer, &result,
		                         &host_error) != 0 ||
		         !result;
		wrong += getnameinfo(SA(address), sizeof address, found, sizeof found, NULL, 0, NI_NUMERICHOST) != 0 ||
		         strcmp(found, name) != 0;
		h_errno = UNSET;
		wrong += gethostbyname_r("nx.example", &host, buffer, sizeof buffer, &result, &host_error) != 0 || result ||
		         host_error != HOST_NOT_FOUND;
	}
	return (void *)wrong;
}

int main(void)
{
	pthread_t threads[THREADS];
	start_server();
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, ask, (void *)i);
	for (int i = 0; i < THREADS; i++) {
		void *wrong;
		pthread_join(threads[i], &wrong);
		printf("thread %d: %ld wrong answers\n", i, (long)wrong);
	}
}
