// Every wait finds the program's children and no others; SIGCHLD tells of them alone.
#include "writer.h"

static volatile sig_atomic_t told;

static void handler(int signal)
{
	(void)signal;
	told++;
}

// One name for each way to wait for anybody.
enum { WAIT, WAITPID, WAIT3, WAIT4, WAITPID_GROUP, WAITID, RAW_WAIT4, RAW_WAITID, WAYS };
static const char *const ways[] = {"wait", "waitpid", "wait3", "wait4", "waitpid(0)", "waitid", "SYS_wait4", "SYS_waitid"};

static long wait_for_any(int way, int options)
{
	int status = 0;
	struct rusage usage;
	siginfo_t info = {0};
	long pid = -1;
	switch (way) {
	case WAIT: pid = wait(&status); break;
	case WAITPID: pid = waitpid(-1, &status, options); break;
	case WAIT3: pid = wait3(&status, options, &usage); break;
	case WAIT4: pid = wait4(-1, &status, options, &usage); break;
	case WAITPID_GROUP: pid = waitpid(0, &status, options); break;
	case RAW_WAIT4: pid = syscall(SYS_wait4, -1, &status, options, NULL); break;
	case WAITID: pid = waitid(P_ALL, 0, &info, WEXITED | options) ? -1 : info.si_pid; break;
	case RAW_WAITID:
		pid = syscall(SYS_waitid, P_ALL, 0, &info, WEXITED | options, NULL) ? -1 : info.si_pid;
		break;
	}
	return pid;
}

static const struct {
	int flags;
	const char *name;
} options[] = {
	{0, "0"},
	{__WALL, "__WALL"},
	{__WCLONE, "__WCLONE"},
	{__WNOTHREAD, "__WNOTHREAD"},
	{__WALL | __WNOTHREAD, "__WALL | __WNOTHREAD"},
};

static pid_t child_that_ends(int status)
{
	pid_t child = MUST(fork());
	if (child == 0) {
		use_sockets();
		_exit(status);
	}
	return child;
}

static const char *who(long pid, pid_t child)
{
	return pid == -1 ? text("-1 %s", errno_name(errno)) : pid == 0 ? "nobody" : pid == child ? "the child" : "a stranger";
}

static void try_all(void)
{
	for (int way = 0; way < WAYS; way++) {
		for (size_t i = 0; i < COUNT(options); i++) {
			const char *label = text("%s(%s)", ways[way], options[i].name);
			use_sockets();
			printf("%s: without children %s", label, who(wait_for_any(way, options[i].flags), -1));
			printf(", at once %s\n", way == WAIT ? "-" : who(wait_for_any(way, options[i].flags | WNOHANG), -1));
			pid_t child = child_that_ends(7);
			use_sockets();
			printf("%s: one child %s", label, who(wait_for_any(way, options[i].flags), child));
			use_sockets();
			printf(", then %s\n", who(wait_for_any(way, options[i].flags), child));
			while (waitpid(child, NULL, 0) == child)
				;
		}
	}
}

static void *wait_in_thread(void *child)
{
	long pid = waitpid(-1, NULL, __WALL);
	printf("a thread waits for any: %s\n", who(pid, *(pid_t *)child));
	printf("then: %s\n", who(waitpid(-1, NULL, __WALL), -1));
	return NULL;
}

int main(void)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	int pipe_ends[2];
	char byte;

	use_sockets();
	sigaction(SIGCHLD, &action, NULL);
	use_sockets();
	usleep(20000);
	execl("/nonexistent/program", "program", NULL);
	use_sockets();
	printf("told of %d ends without a child\n", told);
	try_all();
	printf("told of %d ends\n", told);

	// A thread waits for any child while another one uses sockets, and before there were any in a child.
	for (int fresh = 0; fresh < 2; fresh++) {
		fflush(stdout);
		pid_t process = MUST(fork());
		if (process == 0) {
			if (!fresh)
				use_sockets();
			MUST(pipe(pipe_ends));
			pid_t child = MUST(fork());
			if (child == 0) {
				close(pipe_ends[1]);
				if (read(pipe_ends[0], &byte, 1) == 0)
					_exit(0);
				_exit(1);
			}
			pthread_t thread;
			pthread_create(&thread, NULL, wait_in_thread, &child);
			usleep(20000);
			use_sockets();
			usleep(20000);
			close(pipe_ends[1]);
			pthread_join(thread, NULL);
			use_sockets();
			exit(0);
		}
		say_child(fresh ? "without sockets before" : "with sockets before", process);
	}

	// Nobody wants to know: the kernel reaps, and a wait ends when there is nobody left.
	signal(SIGCHLD, SIG_IGN);
	child_that_ends(0);
	use_sockets();
	printf("ignored: %s\n", who(waitpid(-1, NULL, __WALL), -1));
	use_sockets();
	return 0;
}
