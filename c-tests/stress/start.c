// Starts a program from a forked child by the call that the first argument names, and prints nothing unless
// something is wrong. After a dash: "bare", an empty environment; "fails", the call must fail and leave the
// descriptors unchanged; "huge", with too many arguments; "any", any exit status is accepted.
#include "../transcript.h"
#include <dirent.h>
#include <spawn.h>

extern char **environ;

static int is(const char *form, const char *word)
{
	return strstr(form, word) != NULL;
}

static int descriptors(void)
{
	int count = 0;
	DIR *directory = opendir("/proc/self/fd");
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static int start(const char *form, const char *path, char **arguments)
{
	static char *none[] = {NULL};
	char **environment = is(form, "bare") ? none : environ;
	environ = environment;
	if (is(form, "execveat-empty"))
		return execveat(open(path, O_PATH | O_CLOEXEC), "", arguments, environment, AT_EMPTY_PATH);
	if (is(form, "execveat-dir"))
		return execveat(open(".", O_PATH | O_CLOEXEC), path, arguments, environment, 0);
	if (is(form, "execveat"))
		return execveat(AT_FDCWD, path, arguments, environment, 0);
	if (is(form, "fexecve"))
		return fexecve(open(path, O_RDONLY | O_CLOEXEC), arguments, environment);
	if (is(form, "execve-syscall"))
		return syscall(SYS_execve, path, arguments, environment);
	if (is(form, "execvpe"))
		return execvpe(path, arguments, environment);
	if (is(form, "execvp"))
		return execvp(path, arguments);
	if (is(form, "execve"))
		return execve(path, arguments, environment);
	if (is(form, "execv"))
		return execv(path, arguments);
	if (is(form, "execle"))
		return execle(path, arguments[0], arguments[1], NULL, environment);
	if (is(form, "execlp"))
		return execlp(path, arguments[0], arguments[1], NULL);
	if (is(form, "execl"))
		return execl(path, arguments[0], arguments[1], NULL);
	pid_t child;
	errno = (is(form, "posix_spawnp") ? posix_spawnp : posix_spawn)(&child, path, NULL, NULL, arguments,
									environment);
	if (errno)
		return -1;
	int status;
	MUST(waitpid(child, &status, 0));
	_exit(status != 0);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return SETUP_STATUS;
	const char *form = argv[1];
	char *arguments[] = {argv[2], is(form, "version") ? "--version" : "x", NULL, NULL};
	if (is(form, "huge")) {
		size_t size = 4 << 20; // Longer than an argument may be.
		memset(arguments[2] = calloc(1, size + 1), 'x', size);
	}
	if (is(form, "version") || is(form, "any"))
		MUST(dup2(MUST(open("/dev/null", O_WRONLY)), 1));
	pid_t child = MUST(fork());
	if (child == 0) {
		int before = descriptors();
		start(form, argv[2], arguments);
		int error = errno;
		if (!is(form, "fails"))
			printf("%s: %s\n", form, errno_name(error));
		if (descriptors() != before)
			printf("%s: %d descriptors became %d\n", form, before, descriptors());
		fflush(stdout);
		_exit(0);
	}
	int status;
	MUST(waitpid(child, &status, 0));
	return !is(form, "any") && status != 0;
}
