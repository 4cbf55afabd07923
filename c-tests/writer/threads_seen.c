// A program with a log has as many threads as without, by every measure that it can take, at each stage of its life.
#include "writer.h"
#include <sys/single_threaded.h>

static long number_in(const char *path, const char *name)
{
	char line[256];
	long value = -1;
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		if (strncmp(line, name, strlen(name)) == 0)
			value = atol(line + strlen(name));
	if (file)
		fclose(file);
	return value;
}

static long threads_in_stat(void)
{
	char line[1024] = "", state;
	long value = -1;
	FILE *file = fopen("/proc/self/stat", "re");
	if (file && fgets(line, sizeof line, file))
		sscanf(strrchr(line, ')') + 2,
		       "%c %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %ld", &state, &value);
	if (file)
		fclose(file);
	return value;
}

static int entries_of(const char *path)
{
	int count = 0;
	DIR *directory = opendir(path);
	for (struct dirent *entry; directory && (entry = readdir(directory));)
		count += entry->d_name[0] != '.';
	if (directory)
		closedir(directory);
	return count;
}

static void say_threads(const char *stage)
{
	struct stat task = {0};
	stat("/proc/self/task", &task);
	printf("%s: Threads %ld, num_threads %ld, %d tasks, %d links, single %d\n", stage,
	       number_in("/proc/self/status", "Threads:"), threads_in_stat(), entries_of("/proc/self/task"),
	       (int)task.st_nlink, (int)__libc_single_threaded);
	printf("%s: signal queue %s\n", stage, number_in("/proc/self/status", "SigQ:") >= 0 ? "known" : "unknown");
}

static void handler(int signal)
{
	(void)signal;
	say_threads("in a handler");
}

static pthread_barrier_t barrier;

static void *other(void *unused)
{
	use_sockets();
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return unused;
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		say_threads("executed, before");
		use_sockets();
		say_threads("executed, after");
		return 0;
	}
	say_threads("before");
	use_sockets();
	say_threads("after sockets");
	usleep(20000);
	say_threads("later");
	signal(SIGUSR1, handler);
	raise(SIGUSR1);
	execl("/nonexistent/program", "program", NULL);
	say_threads("after an exec that failed");
	use_sockets();
	say_threads("and sockets");

	pid_t child = MUST(fork());
	if (child == 0) {
		say_threads("forked");
		use_sockets();
		say_threads("forked, after sockets");
		exit(0);
	}
	say_child("the child", child);

	pthread_t thread;
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, other, NULL);
	pthread_barrier_wait(&barrier);
	say_threads("beside a thread");
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	// The kernel lets go of a thread a little after it has let pthread_join return.
	for (int i = 0; i < 1000 && entries_of("/proc/self/task") != 1; i++)
		usleep(1000);
	say_threads("after the thread");
	execl("/proc/self/exe", argv[0], "executed", NULL);
	return 1;
}
