// A program whose log cannot be opened has no child that it does not know, not even a dead one.
#include "writer.h"

int main(void)
{
	for (int round = 0; round < 3; round++) {
		struct seen children[8];
		// The writer has a moment to find out.
		for (int i = 0; i < 1000; i++) {
			use_sockets();
			if (own_writer() || children_of(getpid(), children, 8) == 0)
				break;
			usleep(1000);
		}
		say_children("the program", getpid());
		pid_t child = MUST(fork());
		if (child == 0) {
			use_sockets();
			_exit(0);
		}
		say_child("the child", child);
	}
	return 0;
}
