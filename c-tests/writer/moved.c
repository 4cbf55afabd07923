// A program that goes into another root, another directory, another mount namespace, or changes its mask of modes: its
// sockets work on, and its log goes on where it was.
#include "writer.h"
#include <sys/mount.h>

static void another_root(void)
{
	if (mkdir("root", 0755) < 0)
		printf("setup failed\n");
	CALL(chroot("root"));
	CALL(chdir("/"));
}

static void another_mount_namespace(void)
{
	int gate[2], ready[2];
	char byte;
	MUST(pipe(gate));
	MUST(pipe(ready));
	pid_t child = MUST(fork());
	if (child == 0) {
		close(gate[1]);
		int result = unshare(CLONE_NEWNS);
		// Where a path leads to something else.
		if (result == 0)
			result = mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("none", "/tmp", "tmpfs", 0, NULL);
		MUST(write(ready[1], result ? "n" : "y", 1));
		_exit(read(gate[0], &byte, 1) != 0);
	}
	MUST(read(ready[0], &byte, 1));
	printf("somebody is elsewhere: %c\n", byte);
	int fd = MUST(open(text("/proc/%d/ns/mnt", child), O_RDONLY));
	CALL(setns(fd, CLONE_NEWNS));
	close(gate[1]);
	say_child("the child", child);
}

static void own_mount_namespace(void)
{
	if (CALL(unshare(CLONE_NEWNS)) == 0) {
		MUST(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
		CALL(mount("none", "/tmp", "tmpfs", 0, NULL));
	}
}

static void another_mask(void)
{
	CALL(umask(0));
	use_sockets();
	CALL(umask(077));
}

static void another_user(void)
{
	CALL(setgid(65534));
	CALL(setuid(65534));
}

static void another_session(void)
{
	CALL(setsid() == getpid());
}

static void (*const moves[])(void) = {
	another_root, another_mount_namespace, own_mount_namespace, another_mask, another_user, another_session,
};

int main(int argc, char **argv)
{
	size_t first = argc > 1 ? atoi(argv[1]) : 0, end = argc > 1 ? first + 1 : COUNT(moves);
	if (argc > 2 && strcmp(argv[2], "itself") == 0) {
		use_sockets();
		moves[first]();
		for (int i = 0; i < 10; i++)
			use_sockets();
		return 0;
	}
	for (size_t i = first; i < end; i++) {
		IN_CHILD(text("move %zu", i), moves[i](); use_sockets(); pid_t child = MUST(fork()); if (child == 0) {
			use_sockets();
			exit(0);
		} say_child("its child", child));
		rmdir("root");
	}
	use_sockets();
	return 0;
}
