// Starts itself by every call that starts a program, with the environment that the first argument names,
// from a fork() child and from a vfork() child. Each child prints its arguments and its environment, and
// makes a socket.
//
//   environment cleared|empty|plain|preload|renamed|level|small|medium|large
//
// PRELOAD names the library for preload and renamed.
#include "../transcript.h"
#include <spawn.h>

extern char **environ;

static const char self[] = "/proc/self/exe", missing[] = "/missing/program";

enum form {
	EXECL,
	EXECLE,
	EXECLP,
	EXECV,
	EXECVE,
	EXECVP,
	EXECVPE,
	FEXECVE,
	EXECVEAT,
	SYSCALL,
	SYSCALLAT,
	SPAWN,
	SPAWNP,
	FORMS,
};

#define MORE "3", "4", "5", "6", "7", "8", "9"

// Returns -1 and sets errno when it fails.
static int start(enum form form, const char *path, char **environment, pid_t *spawned)
{
	char name[16];
	snprintf(name, sizeof name, "%d", form);
	char *arguments[] = {"self", "child", name, MORE, NULL};
	// A call without an environment argument uses the program's environment.
	environ = environment;
	switch (form) {
	case EXECL: return execl(path, "self", "child", name, MORE, NULL);
	case EXECLE: return execle(path, "self", "child", name, MORE, NULL, environment);
	case EXECLP: return execlp(path, "self", "child", name, MORE, NULL);
	case EXECV: return execv(path, arguments);
	case EXECVE: return execve(path, arguments, environment);
	case EXECVP: return execvp(path, arguments);
	case EXECVPE: return execvpe(path, arguments, environment);
	case FEXECVE: return fexecve(open(path, O_RDONLY | O_CLOEXEC), arguments, environment);
	case EXECVEAT: return execveat(AT_FDCWD, path, arguments, environment, 0);
	case SYSCALL: return syscall(SYS_execve, path, arguments, environment);
	case SYSCALLAT: return syscall(SYS_execveat, AT_FDCWD, path, arguments, environment, 0);
	case SPAWN: errno = posix_spawn(spawned, path, NULL, NULL, arguments, environment); break;
	case SPAWNP: errno = posix_spawnp(spawned, path, NULL, NULL, arguments, environment); break;
	default: return -1;
	}
	return errno ? -1 : 0;
}

// A start that fails changes nothing and sets errno. For fexecve() the descriptor is the bad argument.
static int fails_first(enum form form, char **environment)
{
	pid_t none;
	errno = 0;
	int result = start(form, missing, environment, &none);
	int expected = form == FEXECVE ? EBADF : ENOENT;
	return result != -1 || (errno != expected && !(form == FEXECVE && errno == EINVAL));
}

__attribute__((noinline)) static void child(enum form form, char **environment)
{
	if (fails_first(form, environment))
		_exit(90);
	start(form, self, environment, NULL);
	_exit(91);
}

static void report(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		printf("%s%c", argv[i], i + 1 < argc ? ' ' : '\n');
	for (char **line = environ; line && *line; line++)
		printf("  %.200s\n", *line);
	printf("  fd %d\n", socket(AF_INET, SOCK_STREAM, 0));
}

__attribute__((noinline)) static char **many(int count)
{
	char **lines = calloc(count + 1, sizeof *lines);
	for (int i = 0; i < count; i++)
		if (asprintf(&lines[i], "LINE_%d=%d", i, i) < 0)
			exit(SETUP_STATUS);
	return lines;
}

__attribute__((noinline)) static char **wanted(const char *kind)
{
	static char line[4096];
	const char *preload = getenv("PRELOAD");
	static char *plain[] = {"A=1", "PATH=/bin", NULL}, *none[] = {NULL};
	static char *preloaded[] = {"A=1", line, "B=2", NULL};
	if (!strcmp(kind, "cleared"))
		return NULL;
	if (!strcmp(kind, "empty"))
		return none;
	if (!strcmp(kind, "plain"))
		return plain;
	if (!strcmp(kind, "level"))
		strcpy(line, "SOCKSHIM_LOG=off");
	else if (!strcmp(kind, "preload") || !strcmp(kind, "renamed"))
		snprintf(line, sizeof line, "LD_PRELOAD=%s", preload ? preload : "");
	else
		return many(!strcmp(kind, "small") ? 40 : !strcmp(kind, "medium") ? 500 : 3000);
	return preloaded;
}

int main(int argc, char **argv)
{
	if (argc > 2) {
		report(argc, argv);
		return 0;
	}
	static char **environment;
	environment = wanted(argv[1]);
	static enum form form; // Static, because a vfork() child shares it with its parent.
	for (form = 0; form < FORMS; form++) {
		if (form == SPAWN || form == SPAWNP) {
			pid_t spawned;
			printf("%d failed first: %d\n", form, !fails_first(form, environment));
			if (start(form, self, environment, &spawned))
				return SETUP_STATUS;
			say_child("spawned", spawned);
			continue;
		}
		pid_t forked = MUST(fork());
		if (forked == 0)
			child(form, environment);
		say_child("forked", forked);
		pid_t borrowing = vfork();
		if (borrowing == 0)
			child(form, environment);
		say_child("vforked", borrowing);
	}
	// A bad pointer, which only the kernel may detect.
	char *const arguments[] = {"self", NULL};
	CALL(execve(self, arguments, NOWHERE));
	CALL(syscall(SYS_execve, self, arguments, NOWHERE));
	char *bad[] = {"A=1", NOWHERE, NULL};
	CALL(execve(self, arguments, bad));
	return 0;
}
