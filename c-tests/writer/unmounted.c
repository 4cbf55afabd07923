// A program leaves a directory that it has had its first sockets in, and unmounts the file system that it is on.
#include "writer.h"
#include <sys/mount.h>

// A writer that has just begun may still be where its program was.
static void wait_for_children(void)
{
	char target[4096];
	for (int i = 0, there = 1; there && i < 1000; i++) {
		struct seen children[64];
		there = 0;
		for (int j = children_of(getpid(), children, 64); j-- > 0;)
			there |= readlink(text("/proc/%d/cwd", children[j].pid), target, sizeof target) > 1;
		if (there)
			usleep(1000);
	}
}

int main(void)
{
	MUST(mkdir("mounted", 0755));
	if (CALL(unshare(CLONE_NEWNS)) < 0)
		return 0;
	MUST(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount("none", "mounted", "tmpfs", 0, NULL));
	int gate[2];
	char byte;
	MUST(pipe(gate));
	MUST(chdir("mounted"));
	pid_t child = MUST(fork());
	if (child == 0) {
		close(gate[1]);
		use_sockets();
		MUST(chdir(".."));
		// Until the parent is no longer there.
		if (read(gate[0], &byte, 1) == 0)
			wait_for_children();
		CALL(umount("mounted"));
		fflush(stdout);
		_exit(0);
	}
	MUST(chdir(".."));
	close(gate[1]);
	say_child("the child", child);
	return 0;
}
