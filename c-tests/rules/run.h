// The driver of a program that includes ways.h and defines KINDS, FORMS, set_up, prepare, show and drop.
#ifndef RUN_H
#define RUN_H

#include "ways.h"

// ---- How the descriptor comes to the process -----------------------------------------------------------------

static const char *const HOWS[] = {"plain",    "dup",      "dup2",     "dupfd",  "received", "pidfd",
				   "replaced", "was-null", "was-other", "exec"};

static int received(int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int pair[2], got = -1;

	MUST_RAW(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, pair);
	*header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	MUST_RAW(SYS_sendmsg, pair[0], &message, 0);
	// Not by a system call of its own: that descriptors arrive this way is what the library has to see.
	if (recvmsg(pair[1], &message, 0) == 1 && (header = CMSG_FIRSTHDR(&message)) != NULL)
		memcpy(&got, CMSG_DATA(header), sizeof(got));
	close(pair[0]);
	close(pair[1]);
	return got;
}

static int by_pidfd(int fd)
{
	int process = pidfd_open(getpid(), 0), got = pidfd_getfd(process, fd, 0);

	close(process);
	return got;
}

// A number at which the call was already made, when it meant something else.
static int renumbered(int fd, int before, const struct form *form, const struct kind *kind)
{
	dup2(before, RENUMBERED);
	form->call(RENUMBERED, kind);
	close(RENUMBERED);
	return dup2(fd, RENUMBERED);
}

static int passed_on(int fd, const char *how, const struct form *form, const struct kind *kind)
{
	int pair[2], got, null;

	if (strcmp(how, "dup") == 0)
		got = dup(fd);
	else if (strcmp(how, "dup2") == 0)
		got = dup2(fd, RENUMBERED + 1);
	else if (strcmp(how, "dupfd") == 0)
		got = fcntl(fd, F_DUPFD_CLOEXEC, 500);
	else if (strcmp(how, "received") == 0)
		got = received(fd);
	else if (strcmp(how, "pidfd") == 0)
		got = by_pidfd(fd);
	else if (strcmp(how, "replaced") == 0) {
		// The number of a socket whose name was asked for, so that it is known.
		MUST_RAW(SYS_dup2, null = MUST_RAW(SYS_socket, AF_INET, SOCK_DGRAM, 0), RENUMBERED);
		told_name(RENUMBERED, 0);
		got = dup2(fd, RENUMBERED);
		close(null);
	} else if (strcmp(how, "was-null") == 0) {
		null = open("/dev/null", O_RDWR);
		got = renumbered(fd, null, form, kind);
		close(null);
	} else if (strcmp(how, "was-other") == 0) {
		// Of another family, so that the call does nothing to it.
		pair[1] = -1;
		if (kind->family == AF_UNIX)
			pair[0] = raw_socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK);
		else
			MUST_RAW(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
		got = renumbered(fd, pair[0], form, kind);
		end(&pair[0]);
		end(&pair[1]);
	} else {
		return fd;
	}
	if (got < 0) {
		dprintf(2, "%s: %s\n", how, strerrorname_np(errno));
		_exit(99);
	}
	close(fd);
	return got;
}

// ---- One way -------------------------------------------------------------------------------------------------

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

// Marks the call in the list of system calls that strace makes.
static void mark(const char *what, int fd, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "/%s/%d/%s", what, fd, name);
	RAW(SYS_access, path, 0);
}

static void make(const char *context, const char *how, const struct form *form, const struct kind *kind, struct made made)
{
	char name[200];
	long result, start, time;

	snprintf(name, sizeof(name), "%s/%s/%s/%s", context, how, form->name, kind->name);
	mark("begin", made.fd, name);
	start = now();
	errno = 0;
	if (is_mode("skip") || is_mode("drop")) {
		if (is_mode("drop"))
			drop(&made);
		result = -1;
		errno = skipped_errno;
	} else {
		result = form->call(made.fd, kind);
	}
	int error = errno;
	time = now() - start;
	mark("end", made.fd, name);
	printf("%s|%ld %s|", name, result, error == 0 ? "0" : strerrorname_np(error));
	show(kind, &made, result);
	printf("|%ld\n", time);
}

#define EACH_WAY(form, kind)                                                                                 \
	for (const struct form *form = FORMS; form < FORMS + COUNT(FORMS); form++)                               \
		for (const struct kind *kind = KINDS; kind < KINDS + COUNT(KINDS); kind++)                       \
			if (form->is_for == NULL || form->is_for(kind))

static void make_all(const char *context, const char *how)
{
	EACH_WAY(form, kind)
	{
		struct made made = prepare(kind);
		if (made.fd >= 0)
			made.fd = passed_on(made.fd, how, form, kind);
		make(context, how, form, kind, made);
	}
}

// ---- Where the call is made ----------------------------------------------------------------------------------

static void *in_thread(void *context)
{
	make_all(context, "plain");
	return NULL;
}

static void run_thread(const char *context)
{
	pthread_t thread;

	pthread_create(&thread, NULL, in_thread, (void *)context);
	pthread_join(thread, NULL);
}

static void in_handler(int signal)
{
	(void)signal;
	make_all("handler", "plain");
}

static void in_child(void)
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		make_all("child", "plain");
		run_thread("child-thread");
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

// Makes all sockets, and executes the program, which goes on with them.
static void make_after_exec(char **argv)
{
	static char texts[3000][40];
	static char *arguments[3010];
	size_t count = 0, used = 0;

	for (; argv[count] != NULL; count++)
		arguments[count] = argv[count];
	if (skipped_errno == 0)
		arguments[count++] = "0";
	EACH_WAY(form, kind)
	{
		struct made made = prepare(kind);
		snprintf(texts[used], sizeof(texts[0]), "%d,%d,%d", made.fd, made.peer, made.extra);
		arguments[count++] = texts[used++];
	}
	fflush(stdout);
	execv("/proc/self/exe", arguments);
	_exit(98);
}

static void go_on(char **texts)
{
	EACH_WAY(form, kind)
	{
		struct made made;
		sscanf(*texts++, "%d,%d,%d", &made.fd, &made.peer, &made.extra);
		make("main", "exec", form, kind, made);
	}
}

int main(int argc, char **argv)
{
	static char buffer[1 << 20];
	struct rlimit many = {4096, 4096};

	if (argc < 2)
		return 2;
	mode = argv[1];
	skipped_errno = argc > 2 ? atoi(argv[2]) : 0;
	alarm(120);
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	if (argc > 3) {
		go_on(argv + 3);
		return 0;
	}
	setrlimit(RLIMIT_NOFILE, &many);
	set_up();
	for (size_t i = 0; i + 1 < sizeof(HOWS) / sizeof(*HOWS); i++)
		make_all("main", HOWS[i]);
	run_thread("thread");
	signal(SIGUSR1, in_handler);
	raise(SIGUSR1);
	in_child();
	make_after_exec(argv);
}

#endif
