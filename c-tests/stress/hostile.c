// After its start, it takes something away that a library in the same process may rely on, and goes on
// using its sockets.
//
//   hostile closefrom|close_range|stdio|chroot DIRECTORY|setuid|nofile|seccomp-kill|seccomp-errno
//
// Prints what each call returned, as long as there is a stdout; exits with 0 when everything is as it
// should be.
#include "stress.h"
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static int failures;
static int silent; // Once stdout is closed, its number belongs to a socket.

static int expect(const char *what, int result, int wanted)
{
	if (!silent)
		printf("%s = %d%s%s\n", what, result, result < 0 ? " " : "", result < 0 ? strerrorname_np(errno) : "");
	failures += result != wanted;
	return result;
}

// Its descriptors must be the lowest free ones, from `first` on.
static void use_sockets(int first)
{
	struct sockaddr_in address = loopback(0);
	socklen_t length = sizeof(address);
	int listener = expect("socket", socket(AF_INET, SOCK_STREAM, 0), first);

	expect("bind", bind(listener, ADDRESS(address)), 0);
	expect("listen", listen(listener, 5), 0);
	expect("getsockname", getsockname(listener, (struct sockaddr *)&address, &length), 0);
	int client = expect("socket", socket(AF_INET, SOCK_STREAM, 0), first + 1);
	expect("connect", connect(client, ADDRESS(address)), 0);
	int server = expect("accept", accept(listener, NULL, NULL), first + 2);
	expect("send", send(client, "x", 1, 0), 1);
	expect("recv", recv(server, &(char){0}, 1, 0), 1);
	expect("close", close(server), 0);
	expect("close", close(client), 0);
	expect("close", close(listener), 0);
}

// Forbids calls that the program does not make, but a library might.
static void filter(unsigned action)
{
	static const int forbidden[] = {
		SYS_getsockopt, SYS_futex, SYS_clone, SYS_clone3, SYS_openat, SYS_rt_sigaction,
#ifdef SYS_open
		SYS_open,
#endif
	};
	enum { COUNT = sizeof(forbidden) / sizeof(*forbidden) };
	struct sock_filter program[COUNT + 3] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog loaded = {COUNT + 3, program};

	for (int i = 0; i < COUNT; i++)
		program[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, forbidden[i], COUNT - i, 0);
	program[COUNT + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program[COUNT + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
	expect("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	expect("seccomp", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &loaded), 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	struct rlimit limit, lowered;
	int first = 3;

	if (strcmp(what, "closefrom") == 0) {
		closefrom(0);
		first = 0, silent = 1;
	} else if (strcmp(what, "close_range") == 0) {
		silent = 1;
		expect("close_range", close_range(0, ~0U, 0), 0);
		first = 0;
	} else if (strcmp(what, "stdio") == 0) {
		int null = CHECK(open("/dev/null", O_RDWR));
		expect("dup2", dup2(null, 2), 2);
		expect("dup2", dup2(null, 0), 0);
		expect("close", close(null), 0);
	} else if (strcmp(what, "chroot") == 0 && argc > 2) {
		expect("chroot", chroot(argv[2]), 0);
		expect("chdir", chdir("/"), 0);
	} else if (strcmp(what, "setuid") == 0) {
		expect("setgroups", setgroups(0, NULL), 0);
		expect("setgid", setgid(65534), 0);
		expect("setuid", setuid(65534), 0);
		expect("raw socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), -1);
	} else if (strcmp(what, "nofile") == 0) {
		CHECK(getrlimit(RLIMIT_NOFILE, &limit));
		lowered = limit;
		lowered.rlim_cur = 3;
		expect("setrlimit", setrlimit(RLIMIT_NOFILE, &lowered), 0);
		expect("socket", socket(AF_INET, SOCK_STREAM, 0), -1);
		expect("dup", dup(0), -1);
		expect("setrlimit", setrlimit(RLIMIT_NOFILE, &limit), 0);
	} else if (strcmp(what, "seccomp-kill") == 0) {
		filter(SECCOMP_RET_KILL_PROCESS);
	} else if (strcmp(what, "seccomp-errno") == 0) {
		filter(SECCOMP_RET_ERRNO | EPERM);
	} else {
		return 2;
	}
	use_sockets(first);
	return failures;
}
