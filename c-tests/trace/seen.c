// Calls that `sockshim trace` shows in its views.
//
//     seen              each kind of call once
//     seen data         every way to send and to receive
//     seen many N       N calls
//     seen killed N     N calls, and then SIGKILL
//     seen tree N       N forked children, each with a call, and one after it
//     seen resolve      what the resolver refuses without asking anybody, and in whose words
//     seen waits        children that wait, each in another call, until there is something on stdin
//     seen behind       a child that waits, and stays when the program ends, which it does after SIGUSR1

#include "../transcript.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

static void each_kind(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in own = any, peer;
	struct sockaddr_un nowhere = {.sun_family = AF_UNIX, .sun_path = "/no/where"};
	socklen_t length = sizeof(own);
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
	char bytes[8];

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	bind(listener, (struct sockaddr *)&any, sizeof(any));
	listen(listener, 5);
	getsockname(listener, (struct sockaddr *)&own, &length);
	fcntl(listener, F_SETFL, O_RDWR | O_NONBLOCK);
	length = sizeof(peer);
	accept(listener, (struct sockaddr *)&peer, &length);

	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	connect(client, (struct sockaddr *)&own, sizeof(own));
	length = sizeof(peer);
	int server = accept(listener, (struct sockaddr *)&peer, &length);
	send(client, "hello", 5, MSG_NOSIGNAL);
	recv(server, bytes, sizeof(bytes), 0);
	shutdown(client, SHUT_WR);
	close(client);

	socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP);
	int un = socket(AF_UNIX, SOCK_STREAM, 0);
	connect(un, (struct sockaddr *)&nowhere, sizeof(nowhere));
	close(un);
	struct addrinfo *found, numeric = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
	if (getaddrinfo("127.0.0.1", "80", &numeric, &found) == 0)
		freeaddrinfo(found);
	getaddrinfo("no-number", NULL, &numeric, &found);
}

static void every_way(void)
{
	int pair[2], datagrams[2], number = 0;
	char text[] = "one\ttwo\n\"three\"", bytes[100];
	struct iovec parts[2] = {{"first", 5}, {"second", 6}}, into[2] = {{bytes, 3}, {bytes + 3, 50}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2}, received = {.msg_iov = into, .msg_iovlen = 2};
	struct mmsghdr many = {.msg_hdr = message}, got = {.msg_hdr = received};
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0seen"};
	struct linger linger = {1, 5};
	struct timeval time = {1, 500000};
	socklen_t length = sizeof(linger);

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams);
	send(pair[0], text, strlen(text), 0);
	recv(pair[1], bytes, sizeof(bytes), 0);
	write(pair[0], "\0001\377", 3);
	read(pair[1], bytes, sizeof(bytes));
	writev(pair[0], parts, 2);
	readv(pair[1], into, 2);
	sendmsg(pair[0], &message, 0);
	recvmsg(pair[1], &received, 0);
	sendmmsg(datagrams[0], &many, 1, 0);
	recvmmsg(datagrams[1], &got, 1, 0, NULL);
	memset(bytes, 'x', sizeof(bytes));
	send(pair[0], bytes, sizeof(bytes), 0);
	// What is peeked at with less room than there is.
	recv(pair[1], bytes, 2, MSG_PEEK);
	sendto(datagrams[0], "to nobody", 9, 0, (struct sockaddr *)&name, 7);
	setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	getsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, &length);
	length = sizeof(number);
	getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &number, &length);
}

static void calls(int count)
{
	struct sockaddr_in own;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	for (int i = 0; i < count; i++) {
		socklen_t length = sizeof(own);
		getsockname(fd, (struct sockaddr *)&own, &length);
	}
}

static void tree(int count)
{
	for (int i = 0; i < count; i++) {
		pid_t child = fork();
		if (child == 0) {
			socket(AF_UNIX, SOCK_DGRAM, 0);
			_exit(0);
		}
		waitpid(child, NULL, 0);
		close(socket(AF_INET, SOCK_DGRAM, 0));
	}
}

static void resolve(void)
{
	struct addrinfo *found, wrong[] = {
		{.ai_flags = -1},
		{.ai_family = 9999},
		{.ai_socktype = 9999},
		{.ai_flags = AI_NUMERICHOST},
	};

	for (int i = 0; i < 4; i++)
		puts(gai_strerror(getaddrinfo("no-number", NULL, &wrong[i], &found)));
	// A service that is no number needs to be looked up, which is not wanted.
	struct addrinfo numeric = {.ai_flags = AI_NUMERICSERV | AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
	puts(gai_strerror(getaddrinfo("127.0.0.1", "no-number", &numeric, &found)));
}

static int pair[2];

static void in_recv(void)
{
	char byte;

	recv(pair[0], &byte, sizeof(byte), 0);
}

static void in_read(void)
{
	char byte;

	read(pair[0], &byte, sizeof(byte));
}

static void in_accept(void)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	bind(listener, (struct sockaddr *)&own, sizeof(own));
	listen(listener, 5);
	accept(listener, NULL, NULL);
}

static void in_connect(void)
{
	struct sockaddr_un own = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	// The kernel chooses a name that nobody has.
	socklen_t length = sizeof(own);
	bind(listener, (struct sockaddr *)&own, sizeof(sa_family_t));
	getsockname(listener, (struct sockaddr *)&own, &length);
	listen(listener, 0);
	for (int i = 0; i < 2; i++)
		connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&own, length);
}

static void in_poll(void)
{
	struct pollfd one = {.fd = pair[0], .events = POLLIN};

	poll(&one, 1, -1);
}

// Waits for no socket.
static void in_pause(void)
{
	close(socket(AF_INET, SOCK_DGRAM, 0));
	pause();
}

static void waits(void)
{
	void (*const all[])(void) = {in_accept, in_connect, in_poll, in_pause, in_read, in_recv};
	pid_t children[6];
	char byte;

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	for (int i = 0; i < 6; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			all[i]();
			_exit(0);
		}
	}
	read(STDIN_FILENO, &byte, sizeof(byte));
	for (int i = 0; i < 5; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
	send(pair[1], "x", 1, 0);
	waitpid(children[5], NULL, 0);
}

static void behind(void)
{
	sigset_t told;
	int signal;

	sigemptyset(&told);
	sigaddset(&told, SIGUSR1);
	sigprocmask(SIG_BLOCK, &told, NULL);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	pid_t child = fork();
	if (child == 0)
		in_recv();
	printf("child %d\n", child);
	fflush(stdout);
	sigwait(&told, &signal);
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[2]) : 0;

	if (argc == 1)
		each_kind();
	else if (strcmp(argv[1], "data") == 0)
		every_way();
	else if (strcmp(argv[1], "tree") == 0)
		tree(count);
	else if (strcmp(argv[1], "resolve") == 0)
		resolve();
	else if (strcmp(argv[1], "waits") == 0)
		waits();
	else if (strcmp(argv[1], "behind") == 0)
		behind();
	else
		calls(count);
	if (argc > 1 && strcmp(argv[1], "killed") == 0)
		kill(getpid(), SIGKILL);
	return 0;
}
