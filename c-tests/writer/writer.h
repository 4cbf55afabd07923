// What the programs of this directory share. The log is written by a process of its own that is a child of the program:
// they look for it where a program could meet it. Natively there is none.

#ifndef WRITER_H
#define WRITER_H

#include "../transcript.h"
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#define WRITER_NAME "sockshim-log"

// Control and data calls, so that at every level there is something to log.
static inline void use_sockets(void)
{
	int pair[2];
	char byte;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	MUST(send(pair[0], "x", 1, 0));
	MUST(recv(pair[1], &byte, 1, 0));
	MUST(close(pair[0]));
	MUST(close(pair[1]));
}

// What the kernel says of a process.
struct seen {
	int pid, parent;
	char state;
	char name[64];
};

static inline int look_at(int pid, struct seen *seen)
{
	char line[512];
	const char *path = text("/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
	if (fd >= 0)
		close(fd);
	if (length <= 0)
		return 0;
	line[length] = 0;
	char *begin = strchr(line, '('), *end = strrchr(line, ')');
	if (!begin || !end)
		return 0;
	*end = 0;
	snprintf(seen->name, sizeof seen->name, "%s", begin + 1);
	seen->pid = pid;
	return sscanf(end + 2, "%c %d", &seen->state, &seen->parent) == 2;
}

// Fills in the children of a process, at most `room`, and returns how many there are.
static inline int children_of(int parent, struct seen *children, int room)
{
	int count = 0;
	DIR *all = opendir("/proc");
	for (struct dirent *entry; all && (entry = readdir(all));) {
		struct seen seen;
		if (atoi(entry->d_name) > 0 && look_at(atoi(entry->d_name), &seen) && seen.parent == parent && count < room)
			children[count++] = seen;
	}
	if (all)
		closedir(all);
	return count;
}

// The process that writes the caller's log; 0 where there is none.
static inline int own_writer(void)
{
	struct seen children[64];
	for (int i = children_of(getpid(), children, 64); i-- > 0;)
		if (strcmp(children[i].name, WRITER_NAME) == 0 && children[i].state != 'Z')
			return children[i].pid;
	return 0;
}

// Prints every child of a process that a reader of /proc finds, but for the caller's own writer, which is there for as
// long as the caller.
static inline void say_children(const char *label, int parent)
{
	struct seen children[64];
	int own = own_writer(), count = children_of(parent, children, 64);
	for (int i = 0; i < count; i++)
		if (children[i].pid != own)
			printf("%s: %s (%c)\n", label, children[i].name, children[i].state);
	printf("%s: that is all\n", label);
}

// Runs a case in a child of its own, which has its sockets before.
#define IN_CHILD(label, ...)                                                                                           \
	do {                                                                                                           \
		pid_t in_child = MUST(fork());                                                                         \
		if (in_child == 0) {                                                                                   \
			use_sockets();                                                                                 \
			__VA_ARGS__;                                                                                   \
			use_sockets();                                                                                 \
			exit(0);                                                                                       \
		}                                                                                                      \
		say_child(label, in_child);                                                                            \
	} while (0)

#endif
