// A child of clone(2) with CLONE_VM, but without CLONE_THREAD, is another process in the same memory. Its end and its exec are
// not the program's, and it may run beside the thread that has made it, on the same thread-local storage.
#include "writer.h"

enum { ROUNDS = 500 };

static char stack[256 * 1024] __attribute__((aligned(16)));
static const char *way;
static int pair[2];

static void talk(int end)
{
	char byte;
	for (int i = 0; i < ROUNDS; i++) {
		MUST(send(pair[end], "x", 1, 0));
		MUST(recv(pair[end], &byte, 1, 0));
		MUST(close(MUST(socket(AF_UNIX, SOCK_STREAM, 0))));
	}
}

static int guest(void *unused)
{
	(void)unused;
	if (strcmp(way, "exec") == 0)
		execl("/bin/true", "true", (char *)NULL);
	else if (strcmp(way, "_exit") == 0)
		_exit(3);
	else if (strcmp(way, "exit_group") == 0)
		syscall(SYS_exit_group, 4);
	else if (strcmp(way, "talk") == 0)
		talk(1);
	return 5;
}

static void host(const char *how, int flags)
{
	pid_t child;
	way = how;
	child = MUST(clone(guest, stack + sizeof stack, flags | SIGCHLD, NULL));
	if (strcmp(way, "talk") == 0)
		talk(0);
	say_child(how, child);
	use_sockets();
	say_children(how, getpid());
}

int main(void)
{
	static const int flags[] = {CLONE_VM, CLONE_VM | CLONE_FILES, CLONE_VM | CLONE_VFORK, CLONE_VM | CLONE_FILES | CLONE_FS};
	static const char *const ways[] = {"exec", "_exit", "exit_group", "return", "talk"};

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++)
		for (unsigned j = 0; j < sizeof ways / sizeof *ways; j++)
			// A child that its parent waits for cannot talk to it.
			if (strcmp(ways[j], "talk") != 0 || !(flags[i] & CLONE_VFORK))
				host(ways[j], flags[i]);
	return 0;
}
