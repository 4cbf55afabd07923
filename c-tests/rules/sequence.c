// Makes each of ten calls many times, all of which the kernel would answer, and prints the results in order.
//
//     sequence prepare PROGRAM ARGUMENT…    makes the sockets, and executes the program
//     sequence COUNT [WHO…]                 makes the calls on them
//
// Every WHO is another maker: "self", "child" (forked), "thread", "exec" (the program, executed), "killed" (a forked child that
// is killed after half of its calls), "four" (forked children at once), "threads" (four at once). Without one it is
// "self".
//
// Whatever else is needed is done by other system calls, because strace counts them all.

#include "address.h"
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>

// The numbers of the sockets.
enum { STREAM = 600, DATAGRAMS, NAMED, LISTENER, CLIENTS_END, OTHER_END };
// How many clients wait at the listener.
enum { CLIENTS = 1500 };

static long make_connect(void)
{
	struct address to = address_of("127.0.0.1:7001");

	return connect(DATAGRAMS, &to.any, to.length);
}

// It has a name already, and the kernel is content.
static long make_bind(void)
{
	struct sockaddr any = {.sa_family = AF_UNIX};

	return bind(NAMED, &any, sizeof(any.sa_family));
}

static long make_listen(void)
{
	return listen(STREAM, 5);
}

static long make_accept4(void)
{
	int fd = accept4(LISTENER, NULL, NULL, 0);

	return fd < 0 ? -1 : close(fd);
}

static long make_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? -1 : close(fd);
}

static long make_sendto(void)
{
	char byte;
	long result = sendto(CLIENTS_END, "x", 1, 0, NULL, 0);

	if (result == 1)
		MUST_RAW(SYS_read, OTHER_END, &byte, 1);
	return result;
}

static long make_recvfrom(void)
{
	char byte;
	long result;

	MUST_RAW(SYS_write, OTHER_END, "y", 1);
	result = recvfrom(CLIENTS_END, &byte, 1, 0, NULL, NULL);
	if (result != 1)
		MUST_RAW(SYS_read, CLIENTS_END, &byte, 1);
	return result;
}

static long make_setsockopt(void)
{
	int on = 1;

	return setsockopt(STREAM, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static long make_getsockopt(void)
{
	int on;
	socklen_t length = sizeof(on);

	return getsockopt(STREAM, SOL_SOCKET, SO_KEEPALIVE, &on, &length);
}

static long make_shutdown(void)
{
	int both[2];
	MUST_RAW(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, both);
	long result = shutdown(both[0], SHUT_WR);

	RAW(SYS_close, both[0]);
	RAW(SYS_close, both[1]);
	return result;
}

static const struct {
	const char *name;
	long (*make)(void);
} CALLS[] = {
	{"connect", make_connect},       {"bind", make_bind},         {"listen", make_listen},
	{"accept4", make_accept4},       {"socket", make_socket},     {"sendto", make_sendto},
	{"recvfrom", make_recvfrom},     {"setsockopt", make_setsockopt}, {"getsockopt", make_getsockopt},
	{"shutdown", make_shutdown},
};
enum { CALL_COUNT = sizeof(CALLS) / sizeof(*CALLS) };

static void put(int fd, int number)
{
	MUST_RAW(SYS_dup2, fd, number);
	MUST_RAW(SYS_close, fd);
}

static void prepare(void)
{
	struct address any = address_of("127.0.0.1:0"), named = address_of("@named"), listener = address_of("@listener");
	int pair[2];

	put(MUST_RAW(SYS_socket, AF_INET, SOCK_STREAM, 0), STREAM);
	MUST_RAW(SYS_bind, STREAM, &any.any, any.length);
	put(MUST_RAW(SYS_socket, AF_INET, SOCK_DGRAM, 0), DATAGRAMS);
	put(MUST_RAW(SYS_socket, AF_UNIX, SOCK_DGRAM, 0), NAMED);
	MUST_RAW(SYS_bind, NAMED, &named.any, named.length);
	MUST_RAW(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair);
	put(pair[0], CLIENTS_END);
	put(pair[1], OTHER_END);
	put(MUST_RAW(SYS_socket, AF_UNIX, SOCK_STREAM, 0), LISTENER);
	MUST_RAW(SYS_bind, LISTENER, &listener.any, listener.length);
	MUST_RAW(SYS_listen, LISTENER, CLIENTS);
	// They have gone already, but they can be accepted.
	for (int i = 0; i < CLIENTS; i++) {
		int client = MUST_RAW(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
		MUST_RAW(SYS_connect, client, &listener.any, listener.length);
		MUST_RAW(SYS_close, client);
	}
}

static int count;

// Each line in one piece, because several may be written at once.
static void make_all(const char *who, int times)
{
	char line[4096], *at;

	for (int i = 0; i < CALL_COUNT; i++) {
		at = line + sprintf(line, "%s %s:", who, CALLS[i].name);
		for (int j = 0; j < times; j++) {
			errno = 0;
			long result = CALLS[i].make();
			at += sprintf(at, " %s", result < 0 ? strerrorname_np(errno) : "ok");
		}
		puts(line);
	}
	fflush(stdout);
}

static void *in_thread(void *unused)
{
	(void)unused;
	make_all("thread", count);
	return NULL;
}

static void fork_one(bool is_killed)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		make_all(is_killed ? "killed" : "child", is_killed ? count / 2 : count);
		if (is_killed)
			raise(SIGKILL);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void fork_four(void)
{
	fflush(stdout);
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			// All lines in one piece.
			static char buffer[1 << 20];
			setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
			make_all("one", count);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
}

static void run_four(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, in_thread, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc < 2)
		return 2;
	if (strcmp(argv[1], "prepare") == 0) {
		prepare();
		execvp(argv[2], argv + 2);
		return 4;
	}
	count = atoi(argv[1]);
	alarm(60);
	if (argc == 2)
		make_all("self", count);
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "self") == 0)
			make_all("self", count);
		else if (strcmp(argv[i], "child") == 0)
			fork_one(false);
		else if (strcmp(argv[i], "killed") == 0)
			fork_one(true);
		else if (strcmp(argv[i], "four") == 0)
			fork_four();
		else if (strcmp(argv[i], "threads") == 0)
			run_four();
		else if (strcmp(argv[i], "thread") == 0) {
			pthread_create(&thread, NULL, in_thread, NULL);
			pthread_join(thread, NULL);
		} else if (strcmp(argv[i], "exec") == 0) {
			// The rest is for the new program.
			char *arguments[20] = {argv[0], argv[1], "executed"};
			for (int j = i + 1; j < argc && j < 18; j++)
				arguments[j - i + 2] = argv[j];
			fflush(stdout);
			execv(argv[0], arguments);
			return 3;
		} else {
			make_all(argv[i], count);
		}
	}
	return 0;
}
