// All threads of a process have the same credentials: after each change they must be equal, in threads that
// libc knows and in others. The exception is capset, which changes the calling thread only. Prints the
// credentials after each step, and how many different ones the threads have.
#include "stress.h"
#include <dirent.h>
#include <grp.h>
#include <linux/capability.h>

// libc has the function, but no header declares it.
int capget(struct __user_cap_header_struct *, struct __user_cap_data_struct *);
int capset(struct __user_cap_header_struct *, const struct __user_cap_data_struct *);

enum { MOST = 64, SIZE = 512 };

// The lines of a thread's status that contain its credentials.
static void read_identity(const char *tid, char *identity)
{
	char path[64], line[256];
	snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
	FILE *status = fopen(path, "r");
	identity[0] = 0;
	if (!status)
		return; // The thread has ended meanwhile.
	while (fgets(line, sizeof(line), status))
		if (!strncmp(line, "Uid:", 4) || !strncmp(line, "Gid:", 4) || !strncmp(line, "Groups:", 7) ||
		    !strncmp(line, "CapEff:", 7))
			strncat(identity, line, SIZE - 1 - strlen(identity));
	fclose(status);
}

static void report(const char *step)
{
	static char identities[MOST][SIZE];
	int count = 0;
	DIR *tasks = opendir("/proc/self/task");
	if (!tasks)
		die("opendir");
	for (struct dirent *entry; count < MOST && (entry = readdir(tasks));) {
		if (entry->d_name[0] == '.')
			continue;
		read_identity(entry->d_name, identities[count]);
		int known = identities[count][0] == 0;
		for (int i = 0; i < count && !known; i++)
			known = !strcmp(identities[i], identities[count]);
		count += !known;
	}
	closedir(tasks);
	printf("%s: %d\n%s", step, count, identities[0]);
}

static void *wait_for_ever(void *unused)
{
	for (;;)
		pause(); // Changing credentials interrupts it.
	return unused;
}

int main(void)
{
	pthread_t thread;
	check(-pthread_create(&thread, NULL, wait_for_ever, NULL), "pthread_create");
	close(check(socket(AF_INET, SOCK_STREAM, 0), "socket")); // So that the log is not empty.
	report("at first");
	const gid_t groups[] = {5, 6, 7};
	check(setgroups(3, groups), "setgroups");
	check(setegid(100), "setegid");
	report("other groups");
	check(setresgid(100, 100, 100), "setresgid");
	check(seteuid(1000), "seteuid");
	report("for a while another user");
	check(seteuid(0), "seteuid back");
	report("root again");
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct caps[2];
	check(capget(&header, caps), "capget");
	caps[0].effective &= ~(1u << CAP_NET_RAW);
	check(capset(&header, caps), "capset");
	report("without raw sockets");
	check(setuid(65534), "setuid");
	report("nobody for good");
	fflush(stdout);
	if (fork() == 0) {
		report("a child");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	return 0;
}
