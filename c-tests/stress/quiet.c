// Uses sockets, forks, spawns and executes itself, and prints nothing. At each stage it writes to a file
// what an observer of its process could see: how many threads, which descriptors, which environment, which
// signals.
//
//   quiet FILE           the stages one after the other, each in the order below
//   quiet FILE STAGE     one stage: "spawned", "bare" (executed with an empty environment) or "executed"
#include "stress.h"
#include <dirent.h>
#include <spawn.h>

extern char **environ;

static char report[1 << 20];
static size_t length;

static void say(const char *stage, const char *what, const char *value)
{
	length += snprintf(report + length, sizeof(report) - length, "%s %s %s\n", stage, what, value);
	if (length >= sizeof(report))
		die("the report is too long");
}

static void say_threads(const char *stage)
{
	DIR *tasks = opendir("/proc/self/task");
	int count = 0;

	if (!tasks)
		die("/proc/self/task");
	for (struct dirent *entry; (entry = readdir(tasks));)
		count += entry->d_name[0] != '.';
	closedir(tasks);
	char text[16];
	snprintf(text, sizeof(text), "%d", count);
	say(stage, "threads", text);
}

// Each number with its target, without inode numbers, which differ from run to run.
static void say_descriptors(const char *stage)
{
	DIR *directory = opendir("/proc/self/fd");

	if (!directory)
		die("/proc/self/fd");
	for (struct dirent *entry; (entry = readdir(directory));) {
		char target[1024], line[2048];
		if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(directory))
			continue;
		ssize_t size = CHECK(readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1));
		target[size] = 0;
		target[strcspn(target, "[")] = 0;
		snprintf(line, sizeof(line), "%s %s", entry->d_name, target);
		say(stage, "fd", line);
	}
	closedir(directory);
}

static void say_signals(const char *stage)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[256];

	if (!status)
		die("/proc/self/status");
	while (fgets(line, sizeof(line), status)) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "Sig", 3) == 0 && strncmp(line, "SigQ", 4) != 0)
			say(stage, "signals", line);
	}
	fclose(status);
}

static void observe(const char *stage, const char *path)
{
	say_threads(stage);
	say_descriptors(stage);
	say_signals(stage);
	for (char **variable = environ; variable && *variable; variable++)
		say(stage, "env", *variable);
	int file = CHECK(open(path, O_WRONLY | O_APPEND | O_CREAT, 0644));
	if (write(file, report, length) != (ssize_t)length)
		die(path);
	CHECK(close(file));
	length = 0;
}

// Leaves a connection, a datagram socket and a pair open, so that the list of descriptors is not empty.
static void use_sockets(void)
{
	struct sockaddr_in address;
	int listener = tcp_listener(5, &address), client = make(TCP), pair[2];
	char byte = 'x';

	CHECK(connect(client, ADDRESS(address)));
	int server = CHECK(accept(listener, NULL, NULL));
	CHECK(send(client, &byte, 1, 0));
	CHECK(recv(server, &byte, 1, 0));
	make(UDP);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CHECK(write(pair[0], &byte, 1));
	CHECK(read(pair[1], &byte, 1));
	CHECK(close(listener));
}

static void expect_success(pid_t child)
{
	int status;

	CHECK(waitpid(child, &status, 0));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		die("a child failed");
}

int main(int argc, char **argv)
{
	char *spawned[] = {argv[0], argv[1], "spawned", NULL};
	char *bare[] = {argv[0], argv[1], "bare", NULL};
	char *executed[] = {argv[0], argv[1], "executed", NULL};
	char *nothing[] = {NULL};

	if (argc < 2)
		return 2;
	if (argc > 2) {
		use_sockets();
		observe(argv[2], argv[1]);
		return 0;
	}
	use_sockets();
	observe("first", argv[1]);

	pid_t child = CHECK(fork());
	if (child == 0) {
		use_sockets();
		observe("forked", argv[1]);
		_exit(0);
	}
	expect_success(child);
	if (posix_spawn(&child, argv[0], NULL, NULL, spawned, environ) != 0)
		die("posix_spawn");
	expect_success(child);
	child = CHECK(fork());
	if (child == 0) {
		execve(argv[0], bare, nothing);
		die("execve");
	}
	expect_success(child);
	execv(argv[0], executed);
	die("execv");
}
