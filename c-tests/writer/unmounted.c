// A program leaves a directory that it has had its first sockets in, and unmounts the file system that it is on.
#include "writer.h"
#include <sys/mount.h>

static void wait_for_writer(void)
{
	int writer = own_writer();
	char target[4096];
	for (int i = 0; writer && i < 1000; i++) {
		ssize_t length = readlink(text("/proc/%d/cwd", writer), target, sizeof target);
		if (length == 1)
			return;
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
		// Until the parent is no longer there, nor a writer that has just begun.
		if (read(gate[0], &byte, 1) == 0)
			wait_for_writer();
		CALL(umount("mounted"));
		fflush(stdout);
		_exit(0);
	}
	MUST(chdir(".."));
	close(gate[1]);
	say_child("the child", child);
	return 0;
}
