// Installs a filter that allows only the program's own system calls, and goes on using its sockets.
//
//   sandbox prctl|seccomp|tsync kill|errno|trap [threads]
//   sandbox refused kill|errno|trap       one filter, which the kernel refuses
//   sandbox twice kill|errno|trap         one filter on this thread, then one on all
//
// Prints what each call returned, and how many system calls were trapped.
#include "sockets.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

static atomic_int trapped, stop, ready;

static void on_trap(int signal)
{
	(void)signal;
	trapped++;
}

static struct sock_filter program[64];
static struct sock_fprog loaded = {0, program};

static void prepare(unsigned action)
{
	static const int allowed[] = {
		SYS_socket, SYS_bind, SYS_listen, SYS_getsockname, SYS_connect, SYS_accept, SYS_sendto, SYS_recvfrom,
		SYS_close, SYS_write, SYS_exit_group, SYS_rt_sigreturn, SYS_seccomp, SYS_prctl,
	};
	enum { COUNT = sizeof(allowed) / sizeof(*allowed) };

	program[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (int i = 0; i < COUNT; i++)
		program[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], COUNT - i, 0);
	program[COUNT + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
	program[COUNT + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	loaded.len = COUNT + 3;
}

static void *name_sockets(void *unused)
{
	struct sockaddr_un address;
	int fd = CHECK(socket(AF_UNIX, SOCK_DGRAM, 0));

	ready = 1;
	while (!stop) {
		socklen_t length = sizeof(address);
		CHECK(getsockname(fd, (struct sockaddr *)&address, &length));
	}
	CHECK(close(fd));
	ready = 0;
	for (;;)
		; // The call that ends a thread is not allowed; the end of the process ends it.
	return unused;
}

static long seccomp(unsigned flags)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &loaded);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "", *what = argc > 2 ? argv[2] : "";
	struct sigaction action = {.sa_handler = on_trap};
	pthread_t thread;

	CHECK(sigaction(SIGSYS, &action, NULL));
	prepare(strcmp(what, "kill") == 0    ? SECCOMP_RET_KILL_PROCESS
		: strcmp(what, "trap") == 0 ? SECCOMP_RET_TRAP
					    : SECCOMP_RET_ERRNO | EPERM);
	// The library must know one socket from before the filter.
	int before = expect("socket before", socket(AF_INET, SOCK_DGRAM, 0));
	if (argc > 3) {
		pthread_create(&thread, NULL, name_sockets, NULL);
		while (!ready)
			;
	}
	expect("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	if (strcmp(how, "prctl") == 0) {
		expect("prctl", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &loaded));
	} else if (strcmp(how, "seccomp") == 0) {
		expect("seccomp", seccomp(0));
	} else if (strcmp(how, "tsync") == 0) {
		expect("seccomp", seccomp(SECCOMP_FILTER_FLAG_TSYNC));
	} else if (strcmp(how, "twice") == 0) {
		expect("seccomp", seccomp(0));
		expect("seccomp", seccomp(SECCOMP_FILTER_FLAG_TSYNC));
	} else if (strcmp(how, "refused") == 0) {
		expect("seccomp", seccomp(SECCOMP_FILTER_FLAG_TSYNC | 1 << 30));
		loaded.len = 0;
		expect("seccomp", seccomp(SECCOMP_FILTER_FLAG_TSYNC));
	} else {
		return 2;
	}
	// Enough events to exhaust the library's own memory if it could only get more from the kernel. Without a
	// filter it can get more, and these calls might fill the log's memory.
	for (int i = 0; strcmp(how, "refused") != 0 && i < 20000; i++) {
		struct sockaddr_in address;
		socklen_t length = sizeof(address);
		CHECK(getsockname(before, (struct sockaddr *)&address, &length));
	}
	use_sockets();
	expect("close before", close(before));
	if (argc > 3) {
		stop = 1;
		while (ready)
			;
	}
	expect("trapped", trapped);
	print_transcript();
	return 0;
}
