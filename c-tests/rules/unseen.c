// Calls with addresses that are not on the caller's stack, before and after the program has a seccomp filter of its own that
// allows everything.
//
//     unseen        prints what came of its calls
//     unseen late   makes no call before the filter

#include "address.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>

static void call_all(const struct address *far)
{
	int tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
	struct iovec part = {"x", 1};
	struct msghdr message = {.msg_name = (void *)&far->any, .msg_namelen = far->length, .msg_iov = &part, .msg_iovlen = 1};

	printf("connect %s\n", connect(tcp, &far->any, far->length) ? strerrorname_np(errno) : "0");
	printf("bind %s\n", bind(udp, &far->any, far->length) ? strerrorname_np(errno) : "0");
	printf("sendto %s\n", sendto(udp, "x", 1, 0, &far->any, far->length) < 0 ? strerrorname_np(errno) : "1");
	printf("sendmsg %s\n", sendmsg(udp, &message, 0) < 0 ? strerrorname_np(errno) : "1");
	close(tcp);
	close(udp);
}

int main(int argc, char **argv)
{
	(void)argv;
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {.len = 1, .filter = &all};
	struct address *far = malloc(sizeof(*far));

	*far = address_of("127.0.0.2:9");
	if (argc == 1)
		call_all(far);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return 99;
	puts("filtered");
	call_all(far);
	return 0;
}
