// A thread that is blocked in accept() is woken by a shutdown() of the listener.
#include "../transcript.h"
#include <pthread.h>

static int listener;

static void *accept_one(void *unused)
{
	(void)unused;
	CALL(accept(listener, NULL, NULL));
	return NULL;
}

int main(void)
{
	struct sockaddr_in address;
	pthread_t thread;
	listener = tcp_listener(&address, 5);
	pthread_create(&thread, NULL, accept_one, NULL);
	// The result is the same whether it comes before or during accept().
	MUST(shutdown(listener, SHUT_RDWR));
	pthread_join(thread, NULL);
	CALL(close(listener));
}
