// Makes one child after the other, in four ways: fork; fork and exec; vfork, dup, close and exec;
// posix_spawn. Meanwhile a timer interrupts the parent every millisecond, one thread sends the same signal
// to the current child, and one makes sockets of its own. The signal's handler makes sockets too.
//
//   cycles COUNT     COUNT children
//   cycles child N   what a child executes: N is its exit code
//
// Each child makes PAIRS socket pairs, and as many again after fork and exec; the log of a child that ended
// has them all. Prints what went wrong, and the resident memory of the process after a quarter and at the
// end.
#include "fill.h"
#include <dirent.h>
#include <spawn.h>
#include <sys/time.h>

enum { PAIRS = 3, CODES = 90 };

extern char **environ;

static atomic_long signals;
static atomic_int current, over;

static void on_alarm(int signal)
{
	(void)signal;
	call_in_handler();
	signals++;
}

static sigset_t alarm_only(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	return set;
}

static void mask(int how)
{
	sigset_t set = alarm_only();

	pthread_sigmask(how, &set, NULL);
}

static void storm(int microseconds)
{
	struct itimerval timer = {{0, microseconds}, {0, microseconds}};
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};

	CHECK(sigaction(SIGALRM, &action, NULL));
	CHECK(setitimer(ITIMER_REAL, &timer, NULL));
}

// Returns 0 when everything arrived.
static int use_sockets(void)
{
	int pair[2], wrong = 0;
	char byte;

	for (char i = 0; i < PAIRS; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
			return 1;
		wrong |= send(pair[0], &i, 1, 0) != 1 || recv(pair[1], &byte, 1, 0) != 1 || byte != i;
		wrong |= close(pair[0]) | close(pair[1]);
	}
	return wrong;
}

static void *use_sockets_all_the_time(void *unused)
{
	(void)unused;
	while (!over) {
		if (use_sockets())
			die("a thread's sockets");
		usleep(100);
	}
	return NULL;
}

// The child may already have been reaped; its number is not reused so soon.
static void *pester_children(void *unused)
{
	(void)unused;
	mask(SIG_BLOCK);
	while (!over) {
		int pid = current;
		if (pid > 0)
			kill(pid, SIGALRM);
		usleep(300);
	}
	return NULL;
}

// The signal stays blocked from before exec until the new program has a handler.
static _Noreturn void become(char *program, char *code)
{
	mask(SIG_BLOCK);
	execl(program, program, "child", code, (char *)NULL);
	_exit(97);
}

static pid_t by_fork(int code)
{
	pid_t pid = fork();

	if (pid == 0) {
		storm(1000);
		_exit(use_sockets() ? 98 : code);
	}
	return pid;
}

static pid_t by_fork_and_exec(char *program, char *code)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (use_sockets())
			_exit(98);
		become(program, code);
	}
	return pid;
}

// The child has the parent's memory, and must not change what the parent knows about its descriptors.
static pid_t by_vfork(char *program, char *code)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	sigset_t set = alarm_only(), before;
	volatile int copy = -1;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	pid_t pid = vfork();
	if (pid == 0) {
		current = getpid();
		copy = dup(fd);
		close(fd);
		if (dup2(copy, fd) != fd || close(copy) < 0 || close(fd) < 0)
			_exit(98);
		pthread_sigmask(SIG_BLOCK, &set, NULL);
		execl(program, program, "child", code, (char *)NULL);
		_exit(97);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	// The descriptor that the child closed is still open here.
	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0 || address.sin_family != AF_INET)
		die("the parent's socket after vfork");
	CHECK(close(fd));
	return pid;
}

static pid_t by_spawn(char *program, char *code)
{
	char *argv[] = {program, "child", code, NULL};
	sigset_t set = alarm_only();
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_t actions;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pid_t pid = -1;

	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &set);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, 100);
	posix_spawn_file_actions_addclose(&actions, 100);
	if ((errno = posix_spawn(&pid, program, &actions, &attributes, argv, environ)) != 0)
		die("posix_spawn");
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	CHECK(close(fd));
	return pid;
}

static int count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	if (!directory)
		die("/proc/self/fd");
	for (struct dirent *entry; (entry = readdir(directory));)
		count += entry->d_name[0] != '.';
	closedir(directory);
	return count;
}

// Private memory only: the kernel evicts pages of files as it likes.
static long resident_kib(void)
{
	long size, resident = 0, shared = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file || fscanf(file, "%ld %ld %ld", &size, &resident, &shared) != 3)
		die("/proc/self/statm");
	fclose(file);
	return (resident - shared) * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int argc, char **argv)
{
	int count, wrong = 0;
	long quarter = 0;
	pthread_t user, pest;

	if (argc > 2 && strcmp(argv[1], "child") == 0) {
		storm(1000);
		mask(SIG_UNBLOCK);
		return use_sockets() ? 98 : atoi(argv[2]);
	}
	count = argc > 1 ? atoi(argv[1]) : 100;
	int descriptors = count_descriptors();
	fill_the_log();
	pthread_create(&user, NULL, use_sockets_all_the_time, NULL);
	pthread_create(&pest, NULL, pester_children, NULL);
	storm(1000);
	for (int i = 0; i < count; i++) {
		int code = 1 + i % CODES, status = 0, reaped;
		char text[16];
		pid_t pid = -1;

		snprintf(text, sizeof(text), "%d", code);
		switch (i % 4) {
		case 0: pid = by_fork(code); break;
		case 1: pid = by_fork_and_exec(argv[0], text); break;
		case 2: pid = by_vfork(argv[0], text); break;
		case 3: pid = by_spawn(argv[0], text); break;
		}
		current = CHECK(pid);
		while ((reaped = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
			;
		current = 0;
		if (reaped != pid || !WIFEXITED(status) || WEXITSTATUS(status) != code) {
			fprintf(stderr, "child %d, made in way %d, ended with status %x\n", i, i % 4, status);
			wrong++;
		}
		if (i == count / 4)
			quarter = resident_kib();
	}
	storm(0);
	over = 1;
	pthread_join(user, NULL);
	pthread_join(pest, NULL);
	long last = resident_kib();
	int zombies = waitpid(-1, NULL, WNOHANG) >= 0;
	printf("children %d, wrong %d, zombies %d, descriptors %+d, %s\n", count, wrong, zombies,
	       count_descriptors() - descriptors, signals > count / 10 ? "stormy" : "no storm");
	printf("resident KiB of %d: %ld after a quarter, %ld at the end\n", getpid(), quarter, last);
	return wrong != 0 || zombies;
}
