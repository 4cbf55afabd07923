// Forbids one system call, also for the programs it executes, and executes a program.
//
//   confine NUMBER ARGUMENT MASK VALUE ERRNO PROGRAM …    the call whose argument, under the mask, has the value
//
// With ERRNO 0 the call kills the process.
#include "sockets.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

int main(int argc, char **argv)
{
	if (argc < 7)
		return 2;
	unsigned argument = offsetof(struct seccomp_data, args) + 8 * atoi(argv[2]), error = atoi(argv[5]);
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(argv[1]), 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (unsigned)strtoul(argv[3], NULL, 0)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)strtoul(argv[4], NULL, 0), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, error ? SECCOMP_RET_ERRNO | error : SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog loaded = {sizeof(program) / sizeof(*program), program};

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &loaded));
	execv(argv[6], argv + 6);
	die(argv[6]);
}
