// Handlers that change the very socket that an interrupted call is about, while that call waits: afterwards each socket is
// what both calls have made of it.
#include "../transcript.h"
#include <sys/time.h>

static struct sockaddr_un address;
static socklen_t length; // Of the address: as much as it has, like most programs pass.
static int listener, client, accepted, rounds;
static enum { LISTEN_AGAIN, SHUT_DOWN, ACCEPT } wanted;

static void handler(int number)
{
	(void)number;
	int saved = errno;
	struct sockaddr_un name;
	socklen_t size = sizeof name;
	// The first time, the interrupted call waits for sure.
	if (rounds++ == 0) {
		switch (wanted) {
		case LISTEN_AGAIN:
			client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
			MUST(listen(listener, 3));
			MUST(connect(client, SA(address), length));
			break;
		case SHUT_DOWN: MUST(shutdown(listener, SHUT_RDWR)); break;
		case ACCEPT:
			// The connection under way has no peer yet.
			CALL(getpeername(client, SA(name), &size));
			accepted = MUST(accept(listener, NULL, NULL));
			break;
		}
	}
	errno = saved;
}

static void in_a_moment(int what)
{
	struct itimerval moment = {.it_value.tv_usec = 50000};
	wanted = what;
	rounds = 0;
	MUST(setitimer(ITIMER_REAL, &moment, NULL));
}

static void show(const char *what, int fd)
{
	struct sockaddr_un name;
	socklen_t size = sizeof name;
	int value;
	printf("%s:\n", what);
	CALL_AS("  getpeername", getpeername(fd, SA(name), &size));
	size = sizeof value;
	CALL_AS("  getsockopt", getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size));
	printf("  listens %d\n", value);
	CALL_AS("  listen", listen(fd, 1));
}

int main(void)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	MUST(sigaction(SIGALRM, &action, NULL));
	address = unix_file("meanwhile");
	length = offsetof(struct sockaddr_un, sun_path) + sizeof "meanwhile";

	listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(listener, SA(address), length));
	MUST(listen(listener, 1));
	// Some calls before, so that those below are not the first of their kind.
	for (int i = 0; i < 3; i++) {
		int other = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
		MUST(connect(other, SA(address), length));
		MUST(close(MUST(accept(listener, NULL, NULL))));
		MUST(close(other));
	}

	in_a_moment(LISTEN_AGAIN);
	accepted = CALL(accept(listener, NULL, NULL)) >= 0;
	show("the listener, made one again", listener);
	show("the client", client);

	// The queue is full, so connect waits for the handler's accept.
	MUST(listen(listener, 0));
	int first = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(connect(first, SA(address), length));
	client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	in_a_moment(ACCEPT);
	CALL(connect(client, SA(address), length));
	show("a client that has waited", client);
	show("what was accepted meanwhile", accepted);

	in_a_moment(SHUT_DOWN);
	MUST(close(MUST(accept(listener, NULL, NULL))));
	CALL(accept(listener, NULL, NULL));
	show("the listener, shut down", listener);
	unlink("meanwhile");

	// A TCP socket that is shut down listens no more, but the call that it ends began before.
	struct sockaddr_in inet = inet4("127.0.0.1", 0);
	action.sa_flags = 0;
	MUST(sigaction(SIGALRM, &action, NULL));
	listener = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(bind(listener, SA(inet), sizeof inet));
	MUST(listen(listener, 1));
	in_a_moment(SHUT_DOWN);
	CALL(accept(listener, NULL, NULL));
	CALL(accept(listener, NULL, NULL));
}
