// A vfork() child shares its parent's memory but has descriptors of its own: it closes and duplicates them
// for the program that it then executes, and the parent's are unchanged.
#include "../transcript.h"

int main(int argc, char **argv)
{
	char buffer[16] = "";
	if (argc > 1) {
		say_name("descriptor 0", getpeername, 0);
		CALL(write(0, "program", 7));
		CALL(getpeername(atoi(argv[1]), NOWHERE, NOWHERE));
		return 6;
	}
	static int pair[2];
	static char number[16];
	tcp_pair(pair);
	snprintf(number, sizeof number, "%d", pair[1]);
	pid_t child = vfork();
	if (child == 0) {
		dup2(pair[0], 0);
		close(pair[0]);
		close(pair[1]);
		execl("/proc/self/exe", argv[0], number, NULL);
		_exit(SETUP_STATUS);
	}
	say_child("child", child);
	CALL(read(pair[1], buffer, sizeof buffer));
	printf("%s\n", buffer);
	CALL(write(pair[0], "still", 5)); // Neither of the parent's was closed.
	CALL(read(pair[1], buffer, sizeof buffer));
	CALL(listen(0, 1)); // The parent's descriptor 0 is not a socket.
}
