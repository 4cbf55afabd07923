// Uses sockets, also in a child, under the limits and filters that it was started with.
//
//   limited
//
// Prints what each call returned.
#include "sockets.h"

int main(void)
{
	int status = -1;

	use_sockets();
	pid_t pid = fork();
	if (pid == 0) {
		use_sockets();
		print_transcript();
		_exit(7);
	}
	transcript_length = 0;
	if (pid > 0)
		waitpid(pid, &status, 0);
	expect("fork", pid > 0 ? 0 : -1);
	expect("child's status", status);
	use_sockets();
	print_transcript();
	return 0;
}
