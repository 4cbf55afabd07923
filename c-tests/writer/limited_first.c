// The first thing that a program does is to limit itself, in the way of each line; then it makes a socket.
// Whether its log has that socket is the matter of the test `writer::ends`, which gives the way as the argument.
#include "writer.h"

struct limit {
	int resource;
	const struct rlimit *to;
};

static int by_setrlimit(struct limit limit)
{
	return setrlimit(limit.resource, limit.to);
}

static int by_setrlimit64(struct limit limit)
{
	return setrlimit64(limit.resource, (const struct rlimit64 *)limit.to);
}

static int by_prlimit(struct limit limit)
{
	return prlimit(0, limit.resource, limit.to, NULL);
}

static int by_prlimit64(struct limit limit)
{
	return prlimit64(getpid(), limit.resource, (const struct rlimit64 *)limit.to, NULL);
}

static int by_number(struct limit limit)
{
	return syscall(SYS_setrlimit, limit.resource, limit.to);
}

static int by_number_of_prlimit64(struct limit limit)
{
	return syscall(SYS_prlimit64, 0, limit.resource, limit.to, NULL);
}

static const struct {
	const char *name;
	int (*set)(struct limit);
} ways[] = {
	{"setrlimit", by_setrlimit}, {"setrlimit64", by_setrlimit64}, {"SYS_setrlimit", by_number},
	{"prlimit", by_prlimit},     {"prlimit64", by_prlimit64},     {"SYS_prlimit64", by_number_of_prlimit64},
};

static void limited(int resource, int (*set)(struct limit))
{
	struct rlimit none = {0, 0};
	CALL(set((struct limit){resource, &none}));
	use_sockets();
}

int main(int count, char **arguments)
{
	for (size_t i = 0; i < COUNT(ways); i++) {
		if (count == 3 && strcmp(arguments[1], ways[i].name) == 0)
			limited(strcmp(arguments[2], "processes") == 0 ? RLIMIT_NPROC : RLIMIT_FSIZE, ways[i].set);
		if (count != 1)
			continue;
		pid_t child = MUST(fork());
		if (child == 0) {
			limited(RLIMIT_FSIZE, ways[i].set);
			_exit(0);
		}
		say_child(ways[i].name, child);
	}
	return 0;
}
