// unshare(CLONE_NEWPID): the next child is process 1 of a new namespace, whoever that is.
#include "writer.h"

static void be_first(int depth)
{
	printf("depth %d: process %d of parent %d\n", depth, (int)getpid(), (int)getppid());
	use_sockets();
	if (depth == 2)
		return;
	// Others in the same namespace.
	for (int i = 0; i < 2; i++) {
		pid_t child = MUST(fork());
		if (child == 0) {
			use_sockets();
			exit(i);
		}
		say_child("its child", child);
	}
	use_sockets();
	CALL(unshare(CLONE_NEWPID));
	use_sockets();
	pid_t child = MUST(fork());
	if (child == 0) {
		be_first(depth + 1);
		exit(0);
	}
	say_child("the first of the next namespace", child);
	use_sockets();
}

int main(void)
{
	use_sockets();
	NEEDS(unshare(CLONE_NEWPID));
	use_sockets();
	pid_t child = MUST(fork());
	if (child == 0) {
		be_first(1);
		exit(0);
	}
	say_child("the first", child);
	use_sockets();
	// The namespace has ended with its first process.
	CALL(fork());
	use_sockets();
	return 0;
}
