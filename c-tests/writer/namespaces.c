// What only a process with one thread and a memory of its own may do: enter a user, a mount or a time namespace, and
// stop sharing what it shares with nobody.
#include "writer.h"

static void enter(const char *name)
{
	int fd = MUST(open(text("/proc/self/ns/%s", name), O_RDONLY | O_CLOEXEC));
	CALL_AS(text("setns(%s)", name), setns(fd, 0));
	use_sockets();
	close(fd);
}

static void become_nobody(void)
{
	MUST(setresgid(65534, 65534, 65534));
	MUST(setresuid(65534, 65534, 65534));
	MUST(prctl(PR_SET_DUMPABLE, 1));
}

// A process in namespaces of its own, which stays there until it is killed.
static pid_t somewhere_else(int flags)
{
	int ready[2];
	char byte;
	MUST(pipe(ready));
	pid_t child = MUST(fork());
	if (child == 0) {
		if (unshare(flags) == 0)
			MUST(write(ready[1], "x", 1));
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	printf("%s\n", read(ready[0], &byte, 1) == 1 ? "somebody is elsewhere" : "nobody is elsewhere");
	close(ready[0]);
	return child;
}

static void follow(pid_t child, const char *name)
{
	int fd = MUST(open(text("/proc/%d/ns/%s", child, name), O_RDONLY | O_CLOEXEC));
	CALL_AS(text("setns(the %s of a child)", name), setns(fd, 0));
	use_sockets();
	close(fd);
}

int main(void)
{
	static const struct {
		int flag;
		const char *name;
	} flags[] = {
		{CLONE_VM, "CLONE_VM"},           {CLONE_SIGHAND, "CLONE_SIGHAND"}, {CLONE_THREAD, "CLONE_THREAD"},
		{CLONE_FS, "CLONE_FS"},           {CLONE_FILES, "CLONE_FILES"},     {CLONE_SYSVSEM, "CLONE_SYSVSEM"},
		{CLONE_NEWUSER, "CLONE_NEWUSER"}, {CLONE_NEWNS, "CLONE_NEWNS"},     {CLONE_NEWNET, "CLONE_NEWNET"},
		{CLONE_NEWUTS, "CLONE_NEWUTS"},   {CLONE_NEWIPC, "CLONE_NEWIPC"},   {0x80, "CLONE_NEWTIME"},
		{CLONE_NEWUSER | CLONE_NEWNET, "CLONE_NEWUSER | CLONE_NEWNET"},
	};
	static const char *const names[] = {"user", "mnt", "net", "time", "uts", "ipc", "pid", "cgroup"};

	use_sockets();
	for (size_t i = 0; i < COUNT(flags); i++) {
		const char *label = text("unshare(%s)", flags[i].name);
		IN_CHILD(label, CALL_AS(label, unshare(flags[i].flag)));
		label = text("syscall(SYS_unshare, %s)", flags[i].name);
		IN_CHILD(label, CALL_AS(label, syscall(SYS_unshare, flags[i].flag)));
	}
	for (size_t i = 0; i < COUNT(names); i++)
		IN_CHILD(names[i], enter(names[i]));

	// A user namespace of the own, and then what that allows.
	IN_CHILD("twice", CALL(unshare(CLONE_NEWUSER)); use_sockets(); CALL(unshare(CLONE_NEWNET)); use_sockets();
		 CALL(unshare(CLONE_NEWUSER)));
	// Far from the log, whose directory is another user's.
	if (geteuid() == 0) {
		IN_CHILD("nobody", become_nobody(); CALL(unshare(CLONE_NEWUSER)); use_sockets();
			 CALL(unshare(CLONE_NEWNET)));
		IN_CHILD("nobody at once", become_nobody(); CALL(unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS)));
	}

	pid_t child = somewhere_else(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS);
	IN_CHILD("after the net", follow(child, "net"));
	IN_CHILD("after the mounts", follow(child, "mnt"));
	IN_CHILD("after the user", follow(child, "user"); follow(child, "net"));
	MUST(kill(child, SIGKILL));
	say_child("elsewhere", child);
	use_sockets();
	return 0;
}
