// Privileges that a program acquires for one call and drops at once, as ping does: a call is judged by the
// privileges at its time, not by those a moment later.
#include "../transcript.h"
#include <linux/capability.h>

// libc has the function, but no header declares it.
int capget(struct __user_cap_header_struct *, struct __user_cap_data_struct *);
int capset(struct __user_cap_header_struct *, const struct __user_cap_data_struct *);

enum { ROUNDS = 100 };

static void set_raw(int on)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct caps[2];
	MUST(capget(&header, caps));
	if (!(caps[0].permitted & 1u << CAP_NET_RAW))
		errno = EPERM, NEEDS(-1);
	caps[0].effective &= ~(1u << CAP_NET_RAW);
	caps[0].effective |= (unsigned)on << CAP_NET_RAW;
	MUST(capset(&header, caps));
}

int main(void)
{
	int made = 0, refused = 0;
	for (int round = 0; round < ROUNDS; round++) {
		set_raw(1);
		int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
		set_raw(0);
		made += fd >= 0;
		refused += socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) == -1 && errno == EPERM;
		if (fd >= 0)
			MUST(close(fd));
	}
	printf("with the privilege %d of %d were made, without it %d were refused\n", made, ROUNDS, refused);
}
