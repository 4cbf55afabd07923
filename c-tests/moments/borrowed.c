// Children made by clone(2) in other ways than fork: with the parent's memory, with its descriptors too,
// and with neither, by the bare system call. Each changes descriptors, and afterwards the parent's must be
// as before.
#include "sockets.h"
#include <sys/mman.h>

static int fds[3];

static int child(void *unused)
{
	(void)unused;
	int copy = dup(fds[0]);
	close(fds[0]);
	dup2(fds[1], fds[0]);
	close(copy);
	close(socket(AF_INET, SOCK_DGRAM, 0));
	_exit(5);
}

static void ask(void)
{
	for (int i = 0; i < 3; i++) {
		int type = -1;
		socklen_t length = sizeof(type);
		expect("getsockopt", getsockopt(fds[i], SOL_SOCKET, SO_TYPE, &type, &length));
		expect("type", type);
		expect("listen", listen(fds[i], 1));
	}
}

int main(void)
{
	static const int flags[] = {CLONE_VM | CLONE_VFORK, CLONE_VM, CLONE_FILES, CLONE_VM | CLONE_VFORK | CLONE_FILES, 0};
	size_t size = 256 * 1024;
	char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (unsigned i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		int status = -1;
		fds[0] = socket(AF_INET, SOCK_STREAM, 0);
		fds[1] = socket(AF_UNIX, SOCK_DGRAM, 0);
		fds[2] = socket(AF_UNIX, SOCK_STREAM, 0);
		int pid = CHECK(clone(child, stack + size, flags[i] | SIGCHLD, NULL));
		CHECK(waitpid(pid, &status, 0));
		expect("status", status);
		ask();
		for (int j = 0; j < 3; j++)
			expect("close", close(fds[j]));
	}
	// A fork that bypasses libc.
	for (int i = 0; i < 3; i++) {
		int status = -1;
		long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		if (pid == 0) {
			use_sockets();
			print_transcript();
			_exit(6);
		}
		CHECK(waitpid((int)pid, &status, 0));
		expect("status", status);
	}
	print_transcript();
	return 0;
}
