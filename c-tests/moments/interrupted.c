// Repeats calls that can block, while signals interrupt them. Each call must succeed or, if a signal may
// end it, fail with EINTR; a connect that was interrupted completes by itself.
//
//   interrupted ROUNDS
#include "sockets.h"

static int wrong;

static long right(const char *what, long result)
{
	if (result < 0 && errno != EINTR) {
		expect(what, (int)result);
		wrong++;
	}
	return result;
}
#define TRY(call) ({ errno = 0; right(#call, (call)); })
// Repeats a call until it is not interrupted.
#define RETRY(call) ({ long r; while ((r = TRY(call)) < 0 && errno == EINTR) ; r; })

static void *echo(void *socket)
{
	char byte;

	while (recv((int)(long)socket, &byte, 1, 0) == 1) {
		usleep(300);
		if (send((int)(long)socket, &byte, 1, MSG_NOSIGNAL) != 1)
			break;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address;
	int rounds = argc > 1 ? atoi(argv[1]) : 100, pair[2];
	int listener = tcp_listener(16, &address);
	sigset_t all, before;
	pthread_t other;
	char byte;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_create(&other, NULL, echo, (void *)(long)pair[1]);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	for (int i = 0; i < rounds; i++) {
		int client = (int)TRY(socket(AF_INET, SOCK_STREAM, 0));
		if (TRY(connect(client, ADDRESS(address))) < 0) {
			struct pollfd wanted = {.fd = client, .events = POLLOUT};
			RETRY(poll(&wanted, 1, -1));
		}
		int server = (int)RETRY(accept(listener, NULL, NULL));
		RETRY(send(client, "x", 1, 0));
		RETRY(recv(server, &byte, 1, 0));
		RETRY(send(pair[0], "y", 1, 0));
		struct pollfd wanted = {.fd = pair[0], .events = POLLIN};
		TRY(poll(&wanted, 1, 1));
		byte = 0;
		RETRY(recv(pair[0], &byte, 1, 0));
		wrong += byte != 'y';
		TRY(close(server));
		TRY(close(client));
	}
	shutdown(pair[0], SHUT_RDWR);
	pthread_join(other, NULL);
	expect("wrong", wrong);
	print_transcript();
	return 0;
}
