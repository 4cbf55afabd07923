// Prints what each vfork() returns to the parent. The last one fails.
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	for (volatile int i = 0; i < 4; i++) {
		pid_t child = vfork();
		if (child == 0) {
			if (i == 1) {
				pid_t inner = vfork();
				if (inner == 0)
					_exit(0);
				waitpid(inner, NULL, 0);
			}
			if (i == 2)
				execl("/bin/true", "true", (char *)NULL);
			if (i == 3)
				execl("/nonexistent/program", "x", (char *)NULL);
			_exit(0);
		}
		waitpid(child, NULL, 0);
		printf("%d\n", child);
	}
	struct rlimit none = {0, 0};
	if ((geteuid() == 0 && setuid(65534) != 0) || setrlimit(RLIMIT_NPROC, &none) != 0)
		return 1;
	pid_t child = vfork();
	if (child == 0)
		_exit(0);
	printf("%d\n", child);
	return 0;
}
