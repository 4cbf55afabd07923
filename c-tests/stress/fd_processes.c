// What processes do to each other's descriptors: fork, exec, spawn, clone, and threads with a table of their own.
//
//   fd_processes FILE [threads]
#include "fd_check.h"
#include <linux/sched.h>
#include <pty.h>
#include <spawn.h>
#include <utmp.h>

static char *program; // For exec of this very program.

// In a new program: inherited sockets are unknown until they are used.
static void inspect(const char *step) { look_after_use(step); }

static char *const *arguments(const char *stage)
{
	static char *list[5];
	list[0] = program, list[1] = (char *)report_path, list[2] = "inspect", list[3] = (char *)stage;
	return list;
}

static void changes(void)
{
	CHECK(dup2(4, 3)), CHECK(close(5));
	make(UNIX_DGRAM);
	look("in the child");
	closefrom(4);
	look("in the child, after closefrom");
}

static void three(void) { make(TCP), make(UDP), make(UNIX_STREAM); }

static void forks(void)
{
	three();
	pid_t child = CHECK(fork());
	if (child == 0) {
		changes();
		_exit(0);
	}
	wait_for(child);
	look("fork");
	child = CHECK(_Fork());
	if (child == 0) {
		changes();
		_exit(0);
	}
	wait_for(child);
	look("_Fork");
	child = CHECK(syscall(SYS_fork));
	if (child == 0) {
		changes();
		_exit(0);
	}
	wait_for(child);
	look("SYS_fork");
}

static void vforks(void)
{
	three();
	pid_t child = CHECK(vfork());
	if (child == 0) {
		close(3), dup2(4, 5), close_range(6, ~0U, 0), socket(AF_INET, SOCK_STREAM, 0);
		_exit(0);
	}
	wait_for(child);
	look("vfork, and the child closes and dups");
	child = CHECK(vfork());
	if (child == 0) {
		dup2(4, 3), close(5);
		execv(program, arguments("vfork and exec"));
		_exit(BROKEN);
	}
	wait_for(child);
	look("vfork, and the child execs");
}

static void spawns(void)
{
	posix_spawn_file_actions_t actions;
	extern char **environ;
	pid_t child;

	three();
	CHECK(fcntl(5, F_DUPFD, 30));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, 4, 3);
	posix_spawn_file_actions_addclose(&actions, 5);
	posix_spawn_file_actions_addclosefrom_np(&actions, 30);
	posix_spawn_file_actions_addopen(&actions, 8, "/dev/null", O_RDWR, 0);
	if (posix_spawn(&child, program, &actions, NULL, arguments("posix_spawn"), environ) != 0)
		die("posix_spawn");
	wait_for(child);
	if (posix_spawnp(&child, program, &actions, NULL, arguments("posix_spawnp"), environ) != 0)
		die("posix_spawnp");
	wait_for(child);
	look("posix_spawn with file actions");
	if (system("exec 3>&- 4>&-") != 0)
		die("system");
	look("system");
}

static void execs(void)
{
	three();
	CHECK(fcntl(4, F_SETFD, FD_CLOEXEC)), CHECK(close_range(5, 5, CLOSE_RANGE_CLOEXEC));
	CHECK(fcntl(3, F_DUPFD_CLOEXEC, 20)), CHECK(dup3(5, 6, O_CLOEXEC)), CHECK(dup(5));
	look("before exec");
	FAILS(execl("/nowhere", "nowhere", NULL), ENOENT);
	look("after an exec that fails");
	pid_t child = CHECK(fork());
	if (child == 0) {
		execv(program, arguments("exec"));
		die("execv");
	}
	wait_for(child);
	child = CHECK(fork());
	if (child == 0) {
		extern char **environ;
		syscall(SYS_execve, program, arguments("SYS_execve"), environ);
		die("SYS_execve");
	}
	wait_for(child);
	closefrom(0);
	make(TCP), make(UDP);
	execv(program, arguments("exec with sockets for stdio"));
	die("execv");
}

// As systemd starts a server: its sockets begin at 3; one is a connection and one is a listener.
static void activated(void)
{
	struct sockaddr_in address;
	int listener = tcp_listener(2, &address), udp = make(UDP), client = make(TCP);

	CHECK(connect(client, ADDRESS(address)));
	int server = CHECK(accept(listener, NULL, NULL));
	CHECK(dup2(server, 6)), CHECK(connect(make(TCP), ADDRESS(address)));
	if (listener != 3 || udp != 4)
		die("the lowest numbers");
	setenv("LISTEN_FDS", "2", 1);
	pid_t child = CHECK(fork());
	if (child == 0) {
		char pid[16];
		snprintf(pid, sizeof(pid), "%d", getpid());
		setenv("LISTEN_PID", pid, 1);
		CHECK(dup2(server, 7)), CHECK(close(5));
		execv(program, arguments("activated"));
		die("execv");
	}
	wait_for(child);
	look("after the server");
}

static void serve(void)
{
	if (strcmp(getenv("LISTEN_FDS"), "2") != 0 || atoi(getenv("LISTEN_PID")) != getpid())
		die("the environment");
	CHECK(accept(3, NULL, NULL));
	look_after_use("the first call is an accept");
	CHECK(fcntl(4, F_DUPFD, 40)), CHECK(dup(3));
	look("duplicates of inherited ones");
	CHECK(listen(8, 5)), CHECK(shutdown(7, SHUT_WR));
	look("listening again, and one direction shut");
}

// A process that shares the descriptors but not the memory, so that its changes are not seen here.
static void changes_for_both(void)
{
	RAW1(SYS_close, 3), RAW3(SYS_dup3, 4, 5, 0);
	RAW3(SYS_socket, AF_UNIX, SOCK_DGRAM, 0);
}

static int changes_in_clone(void *unused)
{
	(void)unused;
	changes_for_both();
	return 0;
}

static void clones(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct clone_args args = {.exit_signal = SIGCHLD};

	three();
	pid_t child = CHECK(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
	if (child == 0) {
		changes();
		_exit(0);
	}
	wait_for(child);
	look("SYS_clone");
	child = CHECK(syscall(SYS_clone3, &args, sizeof(args)));
	if (child == 0) {
		changes();
		_exit(0);
	}
	wait_for(child);
	look("SYS_clone3");
	child = CHECK(clone(changes_in_clone, stack + sizeof(stack), SIGCHLD, NULL));
	wait_for(child);
	look("clone");
}

// Three ways to make a process with the same descriptors. Each runs in a process of its own, because its
// effect on the library is permanent.
static void shares_by_syscall(void)
{
	three();
	pid_t child = CHECK(syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL));
	if (child == 0) {
		changes_for_both();
		RAW1(SYS_exit_group, 0);
	}
	wait_for(child);
	look_and_expect_nothing("SYS_clone with CLONE_FILES");
}

static void shares_by_clone3(void)
{
	struct clone_args args = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};

	three();
	pid_t child = CHECK(syscall(SYS_clone3, &args, sizeof(args)));
	if (child == 0) {
		changes_for_both();
		RAW1(SYS_exit_group, 0);
	}
	wait_for(child);
	look_and_expect_nothing("SYS_clone3 with CLONE_FILES");
}

static void shares_by_clone(void)
{
	static char stack[65536] __attribute__((aligned(16)));

	three();
	wait_for(CHECK(clone(changes_in_clone, stack + sizeof(stack), CLONE_FILES | SIGCHLD, NULL)));
	look_and_expect_nothing("clone with CLONE_FILES");
}

// A thread with a descriptor table of its own: the same number is something else in other threads.
static pthread_barrier_t barrier;

static void *apart(void *unshares)
{
	CHECK(unshares ? close_range(5, ~0U, CLOSE_RANGE_UNSHARE) : unshare(CLONE_FILES));
	CHECK(dup2(4, 3));
	make(UNIX_DGRAM);
	look_and_expect_nothing("in the thread");
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	look_and_expect_nothing("in the thread, after others");
	return NULL;
}

static void threads_apart(void *unshares)
{
	pthread_t thread;

	three();
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, apart, unshares);
	pthread_barrier_wait(&barrier);
	look_and_expect_nothing("after the thread");
	CHECK(dup2(5, 4));
	make(NETLINK);
	look_and_expect_nothing("after own changes");
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
}

static void threads_unshare(void) { threads_apart(NULL); }
static void threads_close_range(void) { threads_apart(""); }

// Terminals, for which libc replaces descriptors itself.
static void terminals(void)
{
	int master, slave;
	pid_t child;

	CHECK(openpty(&master, &slave, NULL, NULL, NULL));
	look("openpty");
	child = CHECK(fork());
	if (child == 0) {
		closefrom(0);
		make(TCP), make(UDP), make(UNIX_STREAM), make(NETLINK);
		child = forkpty(&master, NULL, NULL, NULL);
		if (child == 0) {
			look("in forkpty's child");
			RAW1(SYS_exit_group, 0);
		}
		CHECK(child);
		wait_for(child);
		look("forkpty");
		CHECK(openpty(&master, &slave, NULL, NULL, NULL));
		CHECK(login_tty(slave));
		look("login_tty");
		RAW1(SYS_exit_group, 0);
	}
	wait_for(child);
}

static void daemons(void)
{
	int ready[2];
	char byte;

	closefrom(0);
	make(TCP), make(UDP), make(UNIX_STREAM);
	CHECK(pipe(ready));
	pid_t child = CHECK(fork());
	if (child == 0) {
		daemon(1, 0);
		look("daemon");
		RAW1(SYS_exit_group, 0);
	}
	CHECK(close(ready[1]));
	if (read(ready[0], &byte, 1) != 0) // The daemon keeps it open until it ends.
		die("read");
	wait_for(child);
}

int main(int argc, char **argv)
{
	static const struct row rows[] = {
		{"fork", forks, 0},
		{"vfork", vforks, 0},
		{"posix_spawn", spawns, 0},
		{"exec", execs, 1},
		{"activation", activated, 1},
		{"clone", clones, 0},
		{"a process that shares descriptors, SYS_clone", shares_by_syscall, 1},
		{"a process that shares descriptors, SYS_clone3", shares_by_clone3, 1},
		{"a process that shares descriptors, clone", shares_by_clone, 1},
		{"a thread apart, unshare", threads_unshare, 1},
		{"a thread apart, close_range", threads_close_range, 1},
		{"terminals", terminals, 1},
		{"daemon", daemons, 1},
	};

	if (argc < 2)
		return 2;
	program = argv[0];
	start(argv[1], argc > 2 && strcmp(argv[2], "threads") == 0);
	if (argc > 3) {
		row = "a new program";
		strcmp(argv[3], "activated") == 0 ? serve() : inspect(argv[3]);
		return 0;
	}
	run_rows(ROWS(rows));
	return 0;
}
