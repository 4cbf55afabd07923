// What a program can take away from itself, before its first socket and after it: it gets on as ever.
#include "writer.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

static void no_processes(void)
{
	struct rlimit none = {0, 0};
	// Root is not limited. Nobody else has this user.
	if (geteuid() == 0)
		MUST(setresuid(123456, 123456, 123456));
	CALL(setrlimit(RLIMIT_NPROC, &none));
	CALL(fork());
}

static void no_memory(void)
{
	struct rlimit none = {0, 0};
	CALL(setrlimit(RLIMIT_AS, &none));
}

static void no_descriptors(void)
{
	struct rlimit few = {8, 8};
	CALL(setrlimit(RLIMIT_NOFILE, &few));
}

static void no_file_size(void)
{
	struct rlimit none = {0, 0};
	signal(SIGXFSZ, SIG_DFL);
	CALL(setrlimit(RLIMIT_FSIZE, &none));
}

static void no_processor_time(void)
{
	struct rlimit few = {5, 5};
	CALL(setrlimit(RLIMIT_CPU, &few));
}

static void no_dumps(void)
{
	CALL(prctl(PR_SET_DUMPABLE, 0));
	CALL(prctl(PR_GET_DUMPABLE));
}

static void no_privileges(void)
{
	CALL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CALL(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

static void no_time_stamps(void)
{
	CALL(prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
}

static void no_stderr(void)
{
	CALL(close(2));
}

static void no_root(void)
{
	MUST(mkdir("empty", 0755));
	CALL(chroot("empty"));
	CALL(chdir("/"));
}

static void filter(void)
{
	// Whatever the log's process does from here on is no affair of the filter's, which kills for it.
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_writev, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog all = {COUNT(program), program};
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CALL(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &all));
}

static void strict(void)
{
	int pair[2];
	char byte = 0;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	fflush(stdout);
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	for (int i = 0; i < 1000; i++)
		if (write(pair[0], "x", 1) != 1 || read(pair[1], &byte, 1) != 1 || byte != 'x')
			syscall(SYS_exit, 2);
	syscall(SYS_exit, 1);
}

static const struct {
	const char *name;
	void (*take)(void);
} taken[] = {
	{"processes", no_processes}, {"memory", no_memory},         {"descriptors", no_descriptors},
	{"file size", no_file_size}, {"time", no_processor_time},   {"dumps", no_dumps},
	{"privileges", no_privileges}, {"time stamps", no_time_stamps}, {"stderr", no_stderr},
	{"root", no_root},           {"calls", filter},             {"nearly all calls", strict},
};

int main(void)
{
	for (size_t i = 0; i < COUNT(taken); i++)
		for (int before = 0; before < 3; before++) {
			MUST(mkdir("here", 0777));
			MUST(chdir("here"));
			fflush(stdout);
			pid_t child = MUST(fork());
			if (child == 0) {
				if (before)
					use_sockets();
				if (before == 2)
					usleep(20000);
				taken[i].take();
				for (int j = 0; j < 100; j++)
					use_sockets();
				exit(0);
			}
			say_child(text("%s, %d", taken[i].name, before), child);
			rmdir("empty");
			MUST(chdir(".."));
			MUST(rmdir("here"));
		}
	use_sockets();
	return 0;
}
