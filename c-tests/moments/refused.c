// Socket calls that something outside the socket layer refuses.
//
//   refused landlock [PORT]   enters a Landlock domain that allows no TCP; ends with 77 where there is no such thing
//   refused filter            installs a seccomp filter: no AF_INET6 (EAFNOSUPPORT), no connect (EPERM)
//   refused sockets           installs nothing
//   refused exec PROGRAM...   installs the filter and becomes another program
//
// Prints what each call returned.
#include "sockets.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>

static void landlock(void)
{
	struct { uint64_t files, net; } rules = {0, 3};
	int set = syscall(444, &rules, sizeof rules, 0);

	if (set < 0)
		exit(77);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(syscall(446, set, 0));
	CHECK(close(set));
}

static void filter(void)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 2, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
	};
	struct sock_fprog program = {sizeof(steps) / sizeof(*steps), steps};

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(argc > 2 ? atoi(argv[2]) : 0)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

	if (strcmp(how, "landlock") == 0) {
		landlock();
	} else if (strcmp(how, "filter") == 0) {
		filter();
	} else if (strcmp(how, "exec") == 0 && argc > 2) {
		filter();
		execv(argv[2], argv + 2);
		return 1;
	}
	int stream = expect("socket", socket(AF_INET, SOCK_STREAM, 0));
	expect("socket inet6", socket(AF_INET6, SOCK_STREAM, 0));
	expect("socket without a protocol", socket(AF_INET, SOCK_STREAM, 200));
	expect("bind", bind(stream, (struct sockaddr *)&address, sizeof(address)));
	expect("listen", listen(stream, 1));
	expect("connect", connect(stream, (struct sockaddr *)&address, sizeof(address)));
	expect("close", close(stream));
	print_transcript();
	return 0;
}
