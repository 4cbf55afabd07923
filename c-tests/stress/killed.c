// A process is killed at a random moment while it makes calls; every call that had returned has to be in its log, in
// whole lines.
//
//   killed ROUNDS WAY LOG-DIRECTORY CALL PACE [SEED]
//
// ROUNDS children, one after the other, each count their calls in memory that they share with this process, which knows
// how many had returned, and reads the child's log, LOG-DIRECTORY/PID.jsonl, once its writer is gone. CALL is the call
// that is counted: getsockname, send or socket. After PACE calls the child rests for a moment; with 0 it never rests, and
// then what the log has no room for may be missing if it is counted. Ends with 1 and the reason when anything else is.
#include "stress.h"
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static volatile unsigned long *returned;
static const char *call;
static unsigned long pace;

static void one_more(void)
{
	++*returned;
	if (pace && *returned % pace == 0)
		usleep(100);
}

static void exit_at_once(int status)
{
	// What no hook sees.
	__asm__ volatile("syscall" : : "a"((long)SYS_exit_group), "D"((long)status) : "rcx", "r11", "memory");
}

static const struct {
	const char *name;
	int status;
} ways[] = {
	{"kill", SIGKILL},       {"group", SIGKILL},    {"segv", SIGSEGV},  {"term", SIGTERM}, {"abort", SIGABRT},
	{"handler-exit", 3 << 8}, {"raw-exit", 4 << 8}, {"raw-thread", 4 << 8}, {"fault", SIGSEGV},
};
static int way;

static void handler(int signal)
{
	(void)signal;
	if (way == 4)
		abort();
	if (way == 5)
		_exit(3);
	if (way == 8)
		*(volatile int *)(uintptr_t)(*returned & 0) = 0;
	exit_at_once(4);
}

static void *raw_thread(void *delay)
{
	usleep((uintptr_t)delay);
	exit_at_once(4);
	return NULL;
}

static void work(unsigned delay)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	int pair[2], fd;
	char byte;

	if (way == 1) {
		CHECK(setpgid(0, 0));
		// A log that began in the old group begins again in the new one.
		waitpid(-1, NULL, __WALL | WNOHANG);
	}
	if (way >= 4)
		signal(SIGUSR1, handler);
	if (way == 2)
		signal(SIGSEGV, SIG_DFL);
	returned[1] = 1;
	if (way == 7) {
		pthread_t thread;
		pthread_create(&thread, NULL, raw_thread, (void *)(uintptr_t)delay);
	}
	if (strcmp(call, "socket") == 0) {
		for (;;) {
			fd = CHECK(socket(AF_INET, SOCK_STREAM, 0));
			one_more();
			CHECK(close(fd));
		}
	}
	fd = CHECK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	if (strcmp(call, "send") == 0) {
		for (;;) {
			CHECK(send(pair[0], "x", 1, 0));
			one_more();
			CHECK(recv(pair[1], &byte, 1, 0));
		}
	}
	for (;;) {
		CHECK(getsockname(fd, (struct sockaddr *)&address, &length));
		one_more();
	}
}

// The file's content, which is freed by the caller.
static char *content(const char *path, size_t *length)
{
	struct stat stat;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) < 0)
		return NULL;
	char *text = malloc(stat.st_size + 1);
	ssize_t count = text ? read(fd, text, stat.st_size) : -1;
	close(fd);
	*length = count < 0 ? 0 : count;
	if (text)
		text[*length] = 0;
	return text;
}

// The lines about the call; -1 when a line is not whole, -2 while there is no summary yet.
static long count_lines(const char *text, size_t length, unsigned long *dropped)
{
	char wanted[64];
	long count = 0, summary = 0;
	*dropped = 0;
	snprintf(wanted, sizeof(wanted), "\"call\":\"%s\"", call);
	for (const char *line = text, *end; line < text + length; line = end + 1) {
		end = memchr(line, '\n', text + length - line);
		if (!end || line[0] != '{' || end[-1] != '}' || memmem(line + 1, end - line - 1, "{\"v\":", 5))
			return -1;
		count += memmem(line, end - line, wanted, strlen(wanted)) != NULL;
		summary += memmem(line, end - line, "\"call\":\"summary\"", 16) != NULL;
		if (memmem(line, end - line, "\"call\":\"dropped\"", 16))
			*dropped += strtoul(strstr(line, "\"count\":") + 8, NULL, 10);
	}
	return summary ? count : -2;
}

// Kills the child that is left: the writer of a log that does not end.
static void kill_last_child(void)
{
	char path[64], line[512];
	for (int pid = 2; pid < 1 << 22; pid++) {
		int parent = 0;
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t length = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
		if (fd >= 0)
			close(fd);
		if (length <= 0)
			continue;
		line[length] = 0;
		char *end = strrchr(line, ')');
		// The writer of this process has no exit signal, so a wait does not find it.
		if (end && sscanf(end + 3, "%d", &parent) == 1 && parent == getpid() && kill(pid, SIGKILL) == 0 &&
		    waitpid(pid, NULL, 0) == pid)
			return;
	}
}

// Waits until the orphan that writes the log of a killed child is gone; it comes to this process, a subreaper. 0 when it
// stays.
static int wait_for_writer(void)
{
	for (int i = 0; i < 10000; i++) {
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			return 1;
		usleep(1000);
	}
	kill_last_child();
	return 0;
}

static int look(const char *path, unsigned long expected, int round)
{
	unsigned long dropped = 0;
	size_t length = 0;
	int gone = wait_for_writer();
	char *text = content(path, &length);
	long count = text && length ? count_lines(text, length, &dropped) : -2;
	free(text);
	// Killed before there was anything to count.
	if (count == -2 && expected == 0)
		count = 0;
	// The one that was about to return may be there too.
	if (gone && count >= 0 && count <= (long)expected + 1 && count + (pace ? 0 : dropped) >= expected)
		return 0;
	printf("round %d, %s, %s: %lu had returned, in the log: %ld%s, dropped: %lu%s\n", round, ways[way].name, path,
	       expected, count, count == -1 ? " (a line is not whole)" : count == -2 ? " (it has no end)" : "", dropped,
	       gone ? "" : ", and its writer does not end");
	return 1;
}

int main(int argc, char **argv)
{
	if (argc < 6)
		return 2;
	int rounds = atoi(argv[1]), failed = 0;
	unsigned seed = argc > 6 ? strtoul(argv[6], NULL, 0) : (unsigned)time(NULL) ^ getpid();
	char path[4096];

	for (way = 0; way < 9 && strcmp(ways[way].name, argv[2]); way++)
		;
	if (way == 9)
		return 2;
	call = argv[4];
	pace = strtoul(argv[5], NULL, 10);
	returned = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	prctl(PR_SET_DUMPABLE, 0);
	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	for (int round = 0; round < rounds; round++) {
		int status = 0;
		// Early moments are as interesting as late ones.
		unsigned delay = rand_r(&seed) % (1u << (4 + rand_r(&seed) % 11));
		returned[0] = returned[1] = 0;
		pid_t child = CHECK(fork());
		if (child == 0) {
			work(delay);
			_exit(1);
		}
		while (!returned[1])
			usleep(10);
		usleep(delay);
		if (way == 1)
			kill(-child, SIGKILL);
		else if (way != 7)
			kill(child, way == 0 ? SIGKILL : way == 2 ? SIGSEGV : way == 3 ? SIGTERM : SIGUSR1);
		CHECK(waitpid(child, &status, 0));
		if ((status & ~0x80) != ways[way].status) {
			printf("round %d, %s: it ended with %#x\n", round, argv[2], status);
			failed++;
		}
		snprintf(path, sizeof(path), "%s/%d.jsonl", argv[3], child);
		failed += look(path, returned[0], round);
		unlink(path);
	}
	if (failed)
		printf("%d of %d rounds failed\n", failed, rounds);
	return failed != 0;
}
