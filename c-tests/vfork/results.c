// What vfork() returns to the parent, after children that exit, exec, or make children of their own, and
// when no child was made; everything that a function must keep over a call is kept.
#include "../transcript.h"

static volatile int depth_reached;

static void end_child(pid_t child, int code)
{
	int status = 0;
	pid_t reaped = waitpid(child, &status, 0);
	printf("reaped %s, code %s\n", reaped == child ? "it" : "another",
	       WIFEXITED(status) && WEXITSTATUS(status) == code ? "right" : "wrong");
}

// The child overwrites everything below its caller's frame.
__attribute__((noinline)) static int write_over_stack(int value)
{
	volatile char room[4096];
	memset((char *)room, value, sizeof room);
	return room[value];
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return 7;
	volatile long kept[6] = {11, 12, 13, 14, 15, 16};
	for (volatile int i = 0; i < 50; i++) {
		pid_t child = vfork();
		if (child == 0)
			_exit(write_over_stack(i));
		if (i % 10 == 0)
			end_child(child, i);
		else
			MUST(waitpid(child, NULL, 0));
		kept[i % 6]++;
	}
	printf("kept %ld %ld %ld %ld %ld %ld\n", kept[0], kept[1], kept[2], kept[3], kept[4], kept[5]);

	pid_t child = vfork();
	if (child == 0) {
		execl("/proc/self/exe", argv[0], "1", "2", "3", "4", "5", "6", "7", NULL);
		_exit(SETUP_STATUS);
	}
	end_child(child, 7);

	// A child of a child, made by vfork and by fork.
	for (volatile int forks = 0; forks < 2; forks++) {
		child = vfork();
		if (child == 0) {
			pid_t inner = forks ? fork() : vfork();
			if (inner == 0) {
				if (forks) {
					pid_t third = vfork();
					if (third == 0)
						_exit(5);
					int status;
					_exit(waitpid(third, &status, 0) == third && WEXITSTATUS(status) == 5 ? 4 : 1);
				}
				_exit(4);
			}
			int status = 0;
			if (waitpid(inner, &status, 0) == inner && WEXITSTATUS(status) == 4)
				depth_reached++;
			_exit(9);
		}
		end_child(child, 9);
	}
	printf("inner children %d\n", depth_reached);

	// No more processes are allowed, for a user to whom the limit applies.
	if (geteuid() == 0)
		MUST(setuid(65534));
	struct rlimit none = {0, 0};
	MUST(setrlimit(RLIMIT_NPROC, &none));
	errno = UNTOUCHED;
	child = vfork();
	if (child == 0)
		_exit(0);
	transcript_call("vfork", child);
}
