// Process 1 of a pid namespace that reaps only its own child: nobody's orphan stays with it as a zombie.
#include "writer.h"
#include <sys/mount.h>

static int reaps_nothing(void)
{
	// /proc of the new namespace, for the one who looks.
	MUST(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	NEEDS(mount("proc", "/proc", "proc", 0, NULL));
	for (int round = 0; round < 5; round++) {
		pid_t child = MUST(fork());
		if (child == 0) {
			use_sockets();
			pid_t orphan = MUST(fork());
			if (orphan == 0) {
				use_sockets();
				exit(0);
			}
			say_child("grandchild", orphan);
			exit(0);
		}
		say_child("child", child);
		say_children("process 1", 1);
	}
	return 0;
}

int main(void)
{
	use_sockets();
	NEEDS(unshare(CLONE_NEWPID | CLONE_NEWNS));
	pid_t child = MUST(fork());
	if (child == 0)
		exit(reaps_nothing());
	int status = 0;
	MUST(waitpid(child, &status, 0));
	if (WIFEXITED(status) && WEXITSTATUS(status) == NEEDS_STATUS)
		return NEEDS_STATUS;
	printf("ended with %d\n", status);
	return 0;
}
