// A handler forks by machine code while accept waits, and returns in the child: the call comes back in both.
#include "../transcript.h"

static int listener, forked, in_child;

static void handler(int number)
{
	(void)number;
	if (forked++)
		return;
	long ret;
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(SYS_clone), "D"((long)SIGCHLD), "S"(0L), "d"(0L), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	in_child = ret == 0;
}

int main(void)
{
	struct sockaddr_un address = unix_file("unseen_fork");
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + sizeof "unseen_fork";
	struct sigaction action = {.sa_handler = handler};
	listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(listener, SA(address), length));
	MUST(listen(listener, 1));
	MUST(sigaction(SIGUSR1, &action, NULL));
	pid_t parent = getpid(), child = MUST(fork());
	if (child == 0) {
		usleep(50000);
		MUST(kill(parent, SIGUSR1));
		_exit(0);
	}
	int result = accept(listener, NULL, NULL), error = errno;
	if (in_child) {
		// Its own calls are its own.
		_exit(result == -1 && error == EINTR && listen(listener, 2) == 0 ? 0 : 1);
	}
	printf("accept %d %s\n", result, errno_name(error));
	for (int status, ended; (ended = waitpid(-1, &status, 0)) > 0;)
		printf("a child ended with %d\n", status);
	CALL(listen(listener, 3));
	unlink("unseen_fork");
}
