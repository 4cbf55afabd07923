// When a program has ended, nothing of it is left at the moment when its parent learns of it.
#include "writer.h"

static void *end_later(void *status)
{
	usleep(10000);
	use_sockets();
	return status;
}

static void *exit_now(void *unused)
{
	use_sockets();
	exit(20);
	return unused;
}

static void start(void *(*function)(void *), void *argument)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, function, argument))
		_exit(SETUP_STATUS);
}

static const char *const ways[] = {
	"exit", "_exit", "_Exit", "quick_exit", "return", "SYS_exit_group", "exec", "an exec that fails",
	"SYS_exit of the only thread", "exit after threads", "pthread_exit of main",
	"exit of a thread", "pthread_exit of the only thread", "_exit in a handler", "exit after vfork",
};

static void leave(int signal)
{
	(void)signal;
	use_sockets();
	_exit(23);
}

// Returns what main returns.
static int end(int way)
{
	pid_t child;
	switch (way) {
	case 0: exit(10);
	case 1: _exit(11);
	case 2: _Exit(12);
	case 3: quick_exit(13);
	case 4: return 14;
	case 5: syscall(SYS_exit_group, 15); break;
	case 6: execl("/bin/sh", "sh", "-c", "exit 16", NULL); break;
	case 7:
		execl("/nonexistent/program", "program", NULL);
		use_sockets();
		exit(17);
	case 8: syscall(SYS_exit, 18); break;
	case 9:
		start(end_later, (void *)19);
		usleep(20000);
		use_sockets();
		exit(19);
	case 10:
		start(end_later, (void *)19);
		pthread_exit(NULL);
	case 11:
		start(exit_now, NULL);
		for (;;)
			pause();
	case 12: pthread_exit(NULL);
	case 13:
		signal(SIGUSR1, leave);
		raise(SIGUSR1);
		break;
	case 14:
		child = vfork();
		if (child == 0)
			_exit(0);
		MUST(waitpid(child, NULL, 0));
		use_sockets();
		exit(24);
	}
	return 1;
}

static int run(int way, int uses)
{
	fflush(stdout);
	pid_t child = MUST(fork());
	if (child == 0) {
		for (int i = 0; i < uses; i++)
			use_sockets();
		return end(way);
	}
	siginfo_t info;
	MUST(waitid(P_PID, child, &info, WEXITED | WNOWAIT));
	printf("%s after %d uses\n", ways[way], uses);
	say_children("below the dead child", child);
	say_child("the child", child);
	// As a subreaper it has every orphan.
	say_children("below its parent", getpid());
	return -1;
}

int main(void)
{
	static const int uses[] = {0, 1, 50};

	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	for (size_t way = 0; way < COUNT(ways); way++)
		for (size_t i = 0; i < COUNT(uses); i++) {
			int status = run(way, uses[i]);
			if (status >= 0)
				return status;
		}
	use_sockets();
	return 0;
}
