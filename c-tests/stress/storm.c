// Forks children while three threads create sockets, under a timer that interrupts every thread each
// millisecond; its handler makes socket calls too. One child in three executes this program again, one ends
// by exit, one by _exit; each exits with a code of its own.
//
//   storm CHILDREN
//
// Prints how many children ended with a wrong code, and whether one was not reaped.
#include "stress.h"
#include <sys/time.h>

enum { THREADS = 3, AT_ONCE = 4 };

static atomic_long alarms;
static atomic_int over;

static void on_alarm(int signal)
{
	(void)signal;
	call_in_handler();
	alarms++;
}

static void storm(int microseconds)
{
	struct itimerval timer = {{0, microseconds}, {0, microseconds}};
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};

	CHECK(sigaction(SIGALRM, &action, NULL));
	CHECK(setitimer(ITIMER_REAL, &timer, NULL));
}

static void block_alarm(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(how, &set, NULL);
}

// Returns 0 when everything arrived.
static int use_sockets(void)
{
	struct sockaddr_un any = {.sun_family = AF_UNIX};
	int pair[2], fd, wrong = 0;
	char byte;

	for (char i = 0; i < 20; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
			return 1;
		wrong |= send(pair[0], &i, 1, 0) != 1 || recv(pair[1], &byte, 1, 0) != 1 || byte != i;
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		wrong |= bind(fd, (struct sockaddr *)&any, sizeof(sa_family_t)) < 0 || listen(fd, 1) < 0;
		wrong |= close(fd) | close(pair[0]) | close(pair[1]);
	}
	return wrong;
}

static void *use_sockets_all_the_time(void *unused)
{
	(void)unused;
	while (!over)
		if (use_sockets())
			die("a thread's sockets");
	return NULL;
}

static void child(int number, int code, char *program)
{
	char text[16];

	storm(1000);
	if (use_sockets())
		_exit(98);
	if (number % 3 == 0)
		_exit(code);
	if (number % 3 == 1)
		exit(code);
	// The timer survives exec but the handler does not, so the signal is blocked until the program has a
	// handler again.
	block_alarm(SIG_BLOCK);
	snprintf(text, sizeof(text), "%d", code);
	execl(program, program, "again", text, (char *)NULL);
	_exit(97);
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	int children = argc > 1 ? atoi(argv[1]) : 12, wrong = 0;

	if (argc > 2) {
		storm(1000);
		block_alarm(SIG_UNBLOCK);
		return use_sockets() ? 98 : atoi(argv[2]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, use_sockets_all_the_time, NULL);
	storm(1000);
	for (int first = 0; first < children; first += AT_ONCE) {
		pid_t pids[AT_ONCE];
		for (int i = 0; i < AT_ONCE; i++) {
			pids[i] = CHECK(fork());
			if (pids[i] == 0)
				child(first + i, 1 + (first + i) % 90, argv[0]);
		}
		for (int i = 0; i < AT_ONCE; i++) {
			int status, reaped;
			while ((reaped = waitpid(pids[i], &status, 0)) < 0 && errno == EINTR)
				;
			int right = reaped == pids[i] && WIFEXITED(status) && WEXITSTATUS(status) == 1 + (first + i) % 90;
			if (!right)
				fprintf(stderr, "child %d ended with status %x\n", first + i, status);
			wrong += !right;
		}
	}
	storm(0);
	over = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%d wrong, %s, %s\n", wrong, waitpid(-1, NULL, WNOHANG) < 0 ? "none left" : "some left",
	       alarms > 0 ? "stormy" : "no storm");
	return wrong != 0;
}
