// Somebody kills the process that writes the log: the program runs on and ends as ever, whatever it does then.
#include "writer.h"

static void run(int signal, int uses, int delay)
{
	int writer = own_writer();
	if (writer > 0)
		MUST(kill(writer, signal));
	usleep(delay);
	for (int i = 0; i < uses; i++)
		use_sockets();
	printf("wait: %s\n", waitpid(-1, NULL, 0) < 0 ? errno_name(errno) : "somebody");
	printf("wait for all: %s\n", waitpid(-1, NULL, __WALL) < 0 ? errno_name(errno) : "somebody");
	use_sockets();
	pid_t child = MUST(fork());
	if (child == 0) {
		use_sockets();
		exit(5);
	}
	say_child("its child", child);
}

int main(void)
{
	static const int signals[] = {SIGKILL, SIGTERM, SIGSEGV, SIGSTOP};
	static const int uses[] = {0, 1, 5000};

	for (size_t i = 0; i < COUNT(signals); i++)
		for (size_t j = 0; j < COUNT(uses); j++) {
			const char *label = text("%s, %d uses", sigabbrev_np(signals[i]), uses[j]);
			IN_CHILD(label, run(signals[i], uses[j], j ? 0 : 20000));
			IN_CHILD(label, run(signals[i], uses[j], j ? 20000 : 0));
		}
	IN_CHILD("exec", MUST(own_writer() > 0 ? kill(own_writer(), SIGKILL) : 0);
		 execl("/bin/sh", "sh", "-c", "exit 6", NULL));
	use_sockets();
	return 0;
}
