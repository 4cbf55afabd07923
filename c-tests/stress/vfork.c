// Children made by vfork and posix_spawn close, replace and exec in a descriptor table of their own, but in
// the parent's memory. What the parent knows of its own descriptors must not change.
//
// Prints "probe FD OPS PROT" for each of the main thread's getsockname calls, with what the kernel says the
// descriptor is; "child PID" for each child, which must not appear in the log; and "worker FD COUNT", how
// many getsockname calls another thread made meanwhile, on a descriptor of its own.
#include "stress.h"
#include <spawn.h>

static int fds[KINDS];
static int worker_fd;
static atomic_long worker_calls;
static atomic_int over;

static void name_of(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	CHECK(getsockname(fd, (struct sockaddr *)&address, &length));
}

static void *work(void *unused)
{
	(void)unused;
	// Only now and then, and not for ever, so that the log can hold every call.
	for (long turn = 0; !over; turn++) {
		if (worker_calls < 1000 && turn % 64 == 0) {
			name_of(worker_fd);
			worker_calls++;
		}
		sched_yield();
	}
	return NULL;
}

// Also called in a vfork child: the memory is shared, so the other thread's progress is visible.
static void let_the_worker_work(void)
{
	long until = worker_calls + 20;

	while (worker_calls < until && worker_calls < 1000)
		sched_yield();
}

static void probe(void)
{
	for (int i = 0; i < KINDS; i++) {
		const struct kind *kind = kind_of(fds[i]);
		name_of(fds[i]);
		printf("probe %d %s %s\n", fds[i], kind->ops, kind->prot);
	}
}

static void reap(pid_t child, int code)
{
	int status;

	CHECK(waitpid(child, &status, 0));
	printf("child %d\n", child);
	printf("exit code %s\n", WIFEXITED(status) && WEXITSTATUS(status) == code ? "right" : "wrong");
	probe();
}

static void close_and_exit(void)
{
	pid_t child = vfork();

	if (child == 0) {
		close(fds[TCP]);
		socket(AF_UNIX, SOCK_DGRAM, 0); // Takes the number that has become free, in the child.
		dup2(fds[UNIX_STREAM], fds[UDP]);
		let_the_worker_work();
		fcntl(fds[NETLINK], F_DUPFD, 0);
		shutdown(fds[UNIX_DGRAM], SHUT_RDWR);
		close_range(0, ~0U, 0);
		_exit(3);
	}
	reap(CHECK(child), 3);
}

static void close_and_execute(void)
{
	char *arguments[] = {"true", NULL}, *nothing[] = {NULL};
	pid_t child = vfork();

	if (child == 0) {
		close(fds[UDP]);
		dup3(fds[NETLINK], fds[TCP], O_CLOEXEC);
		execve("/nonexistent/program", arguments, nothing);
		let_the_worker_work();
		execve("/bin/true", arguments, nothing);
		_exit(4);
	}
	reap(CHECK(child), 0);
}

static void fail_to_execute(void)
{
	char *arguments[] = {"true", NULL};
	pid_t child = vfork();

	if (child == 0) {
		close(fds[UNIX_STREAM]);
		execv("/nonexistent/program", arguments);
		execvp("no-such-program-anywhere", arguments);
		_exit(errno == ENOENT ? 5 : 6);
	}
	reap(CHECK(child), 5);
}

static void spawn(void)
{
	char *arguments[] = {"true", NULL}, *nothing[] = {NULL};
	posix_spawn_file_actions_t actions;
	pid_t child;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addclose(&actions, fds[TCP]);
	posix_spawn_file_actions_adddup2(&actions, fds[UNIX_DGRAM], fds[NETLINK]);
	if (posix_spawn(&child, "/bin/true", &actions, NULL, arguments, nothing) != 0)
		die("posix_spawn");
	posix_spawn_file_actions_destroy(&actions);
	reap(child, 0);
}

int main(void)
{
	pthread_t worker;

	for (int i = 0; i < KINDS; i++)
		fds[i] = make(i);
	worker_fd = make(TCP);
	pthread_create(&worker, NULL, work, NULL);
	probe();
	for (int i = 0; i < 3; i++) {
		close_and_exit();
		close_and_execute();
		fail_to_execute();
		spawn();
	}
	over = 1;
	pthread_join(worker, NULL);
	printf("worker %d %ld\n", worker_fd, (long)worker_calls);
	return 0;
}
