// A signal handler calls vfork() during the thread's own vfork(), and so do other threads: each gets its
// own children.
#include "../transcript.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/time.h>

enum { TURNS = 400 };

static atomic_int errors, handled;

static void one_child(int code)
{
	int status = 0;
	pid_t child = vfork();
	if (child == 0)
		_exit(code);
	pid_t reaped;
	while ((reaped = waitpid(child, &status, 0)) == -1 && errno == EINTR)
		;
	errors += reaped != child || !WIFEXITED(status) || WEXITSTATUS(status) != code;
}

static void on_alarm(int number)
{
	(void)number;
	int error = errno;
	one_child(3);
	handled++;
	errno = error;
}

static void *work(void *unused)
{
	for (int i = 0; i < TURNS; i++)
		one_child(i % 100);
	return unused;
}

int main(void)
{
	pthread_t threads[2];
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
	MUST(sigaction(SIGPROF, &action, NULL));
	MUST(setitimer(ITIMER_PROF, &often, NULL));
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_create(&threads[i], NULL, work, NULL);
	work(NULL);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	// Once in any case, not only by chance.
	raise(SIGPROF);
	MUST(setitimer(ITIMER_PROF, &never, NULL));
	printf("errors %d, handled %s\n", errors, handled > 0 ? "some" : "none");
}
