// posix_spawn() opens, closes and duplicates descriptors in the child, where no hook sees it.
#include "../transcript.h"
#include <spawn.h>

extern char **environ;

int main(int argc, char **argv)
{
	char buffer[16] = "";
	if (argc > 1) {
		say_name("descriptor 0", getpeername, 0);
		printf("SO_TYPE %d, at the old number %d\n", int_option(0, SOL_SOCKET, SO_TYPE),
		       int_option(atoi(argv[1]), SOL_SOCKET, SO_TYPE));
		CALL(write(0, "spawned", 7));
		return 9;
	}
	int pair[2];
	char number[16];
	pid_t child;
	posix_spawn_file_actions_t actions;
	tcp_pair(pair);
	snprintf(number, sizeof number, "%d", pair[0]);
	char *arguments[] = {argv[0], number, NULL};
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pair[0], 0);
	posix_spawn_file_actions_addclose(&actions, pair[0]);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	for (int search = 0; search <= 1; search++) {
		int result = (search ? posix_spawnp : posix_spawn)(&child, "/proc/self/exe", &actions, NULL,
								   arguments, environ);
		// The child is already running, so the parent prints nothing before the child ends.
		say_child("child", child);
		printf("%s: %s\n", search ? "posix_spawnp" : "posix_spawn",
		       result ? errno_name(result) : "no error");
		CALL(read(pair[1], buffer, sizeof buffer));
	}
	posix_spawn_file_actions_destroy(&actions);
	CALL(send(pair[0], "still", 5, 0));
	printf("%s\n", errno_name(posix_spawn(&child, "/missing/program", NULL, NULL, arguments, environ)));
	CALL(WEXITSTATUS(system("exit 3")));
	FILE *pipe_stream = popen("echo from a pipe", "r");
	printf("%s", fgets(buffer, sizeof buffer, pipe_stream));
	CALL(pclose(pipe_stream));
}
