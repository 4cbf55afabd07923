// Makes calls that the kernel permits only to a process with one thread: unsharing what threads share, and
// entering a user namespace. Prints what each call returned, and uses sockets before and after.
//
//   namespaces threads|unshare|syscall|setns
#include "stress.h"

static void say(const char *what, int result)
{
	printf("%s = %d%s%s\n", what, result, result < 0 ? " " : "", result < 0 ? strerrorname_np(errno) : "");
}

static void use_socket(void)
{
	struct sockaddr_in any = loopback(0);
	int fd = make(TCP);

	say("bind", bind(fd, ADDRESS(any)));
	say("close", close(fd));
}

// Makes a child in a user namespace of its own, and returns the namespace's descriptor; -1 if that is not
// possible.
static int other_user_namespace(pid_t *child)
{
	int ready[2];
	char path[64], made = 0;

	CHECK(pipe(ready));
	*child = CHECK(fork());
	if (*child == 0) {
		made = unshare(CLONE_NEWUSER) == 0;
		CHECK(write(ready[1], &made, 1));
		pause();
		_exit(0);
	}
	CHECK(read(ready[0], &made, 1));
	CHECK(close(ready[0]));
	CHECK(close(ready[1]));
	say("the child's unshare", made - 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)*child);
	return made ? CHECK(open(path, O_RDONLY | O_CLOEXEC)) : -1;
}

static void enter_the_childs(void)
{
	pid_t child;
	int namespace = other_user_namespace(&child);

	say("setns(CLONE_NEWUSER)", setns(namespace, CLONE_NEWUSER));
	use_socket();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	use_socket();
	if (strcmp(what, "threads") == 0) {
		say("unshare(CLONE_THREAD)", unshare(CLONE_THREAD));
		say("unshare(CLONE_SIGHAND)", unshare(CLONE_SIGHAND));
		say("unshare(CLONE_VM)", unshare(CLONE_VM));
		say("unshare(CLONE_FS)", unshare(CLONE_FS));
		say("unshare(CLONE_FILES)", unshare(CLONE_FILES));
	} else if (strcmp(what, "unshare") == 0) {
		say("unshare(CLONE_NEWUSER)", unshare(CLONE_NEWUSER));
	} else if (strcmp(what, "syscall") == 0) {
		say("syscall(SYS_unshare, CLONE_NEWUSER)", syscall(SYS_unshare, CLONE_NEWUSER));
	} else if (strcmp(what, "setns") == 0) {
		enter_the_childs();
	} else {
		return 2;
	}
	use_socket();
	return 0;
}
