// A program that gives up its rights leaves them nowhere: the process that shares its memory to write the log has the
// same user, groups and capabilities from the moment when the call returns.
#include "writer.h"
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>

// The lines of /proc/PID/status that say what a process may do.
static const char *rights_of(int pid, char *to, size_t room)
{
	static const char *const names[] = {"Uid:", "Gid:", "Groups:", "CapPrm:", "CapEff:", "CapBnd:"};
	char line[1024];
	FILE *file = fopen(text("/proc/%d/status", pid), "re");
	size_t used = 0;
	*to = 0;
	while (file && fgets(line, sizeof line, file))
		for (size_t i = 0; i < COUNT(names); i++)
			// What only bounds a later exec is of no use to somebody who never makes one.
			if (strcmp(names[i], "CapBnd:") && strncmp(line, names[i], strlen(names[i])) == 0)
				used += snprintf(to + used, room - used, "%s", line);
	if (file)
		fclose(file);
	return to;
}

static void compare(int writer)
{
	char own[2048], other[2048];
	rights_of(getpid(), own, sizeof own);
	if (writer && look_at(writer, &(struct seen){0}) && strcmp(own, rights_of(writer, other, sizeof other)))
		printf("the program:\n%sits writer:\n%s", own, other);
	writer = own_writer();
	if (writer && strcmp(own, rights_of(writer, other, sizeof other)))
		printf("the program:\n%sits next writer:\n%s", own, other);
}

static long set_capabilities(uint32_t permitted, uint32_t effective)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{effective, permitted, 0}, {0, 0, 0}};
	return syscall(SYS_capset, &header, data);
}

#define RAW() (1 << CAP_NET_RAW)
#define DROP(...)                                                                                                      \
	do {                                                                                                           \
		int writer = own_writer();                                                                             \
		__VA_ARGS__;                                                                                           \
		compare(writer);                                                                                       \
		use_sockets();                                                                                         \
		compare(0);                                                                                            \
		CALL(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));                                                         \
	} while (0)
#define CASE(label, ...) IN_CHILD(label, DROP(__VA_ARGS__))

static void *in_thread(void *unused)
{
	CALL(setresuid(1234, 1234, 1234));
	return unused;
}

static void in_a_thread(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, in_thread, NULL);
	pthread_join(thread, NULL);
}

int main(void)
{
	static const gid_t groups[] = {1, 2, 3};

	if (geteuid() != 0) {
		printf("needs root\n");
		return NEEDS_STATUS;
	}
	use_sockets();
	CASE("setuid", CALL(setuid(1234)));
	CASE("setreuid", CALL(setreuid(1234, 1234)));
	CASE("setresuid", CALL(setresuid(1234, 1234, 1234)));
	CASE("setresuid of some", CALL(setresuid(1, 2, 3)));
	CASE("seteuid", CALL(seteuid(1234)));
	CASE("seteuid and back", CALL(seteuid(1234)); compare(0); CALL(seteuid(0)));
	CASE("setgroups, setgid, setuid", CALL(setgroups(COUNT(groups), groups)); compare(0); CALL(setgid(1234));
	     compare(0); CALL(setuid(1234)));
	CASE("setresgid", CALL(setresgid(1, 2, 3)));
	CASE("setgroups", CALL(setgroups(0, NULL)));
	CASE("SYS_setresuid", CALL(syscall(SYS_setresuid, 1234, 1234, 1234)));
	CASE("SYS_setuid", CALL(syscall(SYS_setuid, 1234)));
	CASE("SYS_setresgid", CALL(syscall(SYS_setresgid, 1, 2, 3)));
	CASE("SYS_setgroups", CALL(syscall(SYS_setgroups, COUNT(groups), groups)));
	CASE("capset to one", CALL(set_capabilities(RAW(), RAW())));
	CASE("capset to none", CALL(set_capabilities(0, 0)));
	CASE("capset of the effective ones", CALL(set_capabilities(~0u >> 24, 0)));
	CASE("keepcaps", CALL(prctl(PR_SET_KEEPCAPS, 1)); CALL(setresuid(1234, 1234, 1234)));
	CASE("keepcaps, then one", CALL(prctl(PR_SET_KEEPCAPS, 1)); CALL(setresuid(1234, 1234, 1234));
	     CALL(set_capabilities(RAW(), RAW())));
	CASE("keepcaps through syscall", CALL(syscall(SYS_prctl, PR_SET_KEEPCAPS, 1));
	     CALL(syscall(SYS_setresuid, 1234, 1234, 1234)));
	CASE("no setuid fixup", CALL(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP));
	     CALL(setresuid(1234, 1234, 1234)));
	CASE("no setuid fixup, by its number", CALL(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_NOROOT));
	     CALL(syscall(SYS_setresuid, 1234, 1234, 1234)));
	CASE("a thread", in_a_thread());
	CASE("a namespace", CALL(unshare(CLONE_NEWUSER)));
	CASE("refused", CALL(setuid(1234)); CALL(setuid(0)); CALL(setgroups(0, NULL)));
	CASE("the bounding set", CALL(prctl(PR_CAPBSET_DROP, CAP_NET_RAW)));
	CASE("no dumps", CALL(prctl(PR_SET_DUMPABLE, 0)); CALL(setuid(1234)));
	CASE("no new privileges", CALL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); CALL(setuid(1234)));
	return 0;
}
