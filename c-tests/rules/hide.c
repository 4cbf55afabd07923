// What a program believes whose addresses rules replace, and hide.

#include "address.h"
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

static int made(int type, const char *at, const char *to)
{
	struct address own, peer;
	int fd = socket(address_of(at ? at : to).any.sa_family, type, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at != NULL) {
		own = address_of(at);
		int result = bind(fd, &own.any, own.length);
		printf("bind %s: %s\n", at, result ? strerrorname_np(errno) : "ok");
	}
	if (to != NULL) {
		peer = address_of(to);
		int result = connect(fd, &peer.any, peer.length);
		printf("connect %s: %s\n", to, result ? strerrorname_np(errno) : "ok");
	}
	return fd;
}

static void say(const char *what, int fd)
{
	printf("  %s: own %s", what, told_name(fd, 0));
	printf(", peer %s", told_name(fd, 1));
	// The names in a buffer that is too short, and in none.
	struct address cut = {.length = 4};
	getsockname(fd, &cut.any, &cut.length);
	printf(", its length %u\n", cut.length);
	// The same by number.
	struct address name = {.length = sizeof(name.storage)};
	if (syscall(SYS_getsockname, fd, &name.any, &name.length) == 0 && strcmp(text_of(&name), told_name(fd, 0)) != 0)
		printf("  by number: own %s\n", text_of(&name));
	name.length = sizeof(name.storage);
	if (syscall(SYS_getpeername, fd, &name.any, &name.length) == 0 && strcmp(text_of(&name), told_name(fd, 1)) != 0)
		printf("  by number: peer %s\n", text_of(&name));
}

static void served(int listener, const char *to)
{
	int client = made(SOCK_STREAM, NULL, to);
	struct address from = {.length = sizeof(from.storage)};
	int accepted = accept(listener, &from.any, &from.length);

	say("listener", listener);
	say("client", client);
	say("accepted", accepted);
	printf("  accepted from %s\n", text_of(&from));
	close(client);
	close(accepted);
}

int main(int argc, char **argv)
{
	int listener, fd, other, status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(20);
	if (argc > 1) {
		say("after exec", atoi(argv[1]));
		return 0;
	}
	struct rlimit limit = {10000, 10000};
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 6;
	// Ports below 1024 without any privilege.
	MUST_RAW(SYS_setresgid, 65534, 65534, 65534);
	MUST_RAW(SYS_setresuid, 65534, 65534, 65534);
	listener = made(SOCK_STREAM, "127.0.0.1:80", NULL);
	listen(listener, 5);
	served(listener, "127.0.0.1:7080");
	served(listener, "127.0.0.1:80");
	close(listener);
	listener = made(SOCK_STREAM, "0.0.0.0:80", NULL);
	listen(listener, 5);
	served(listener, "127.0.0.1:7080");
	close(listener);
	listener = made(SOCK_STREAM, "[::]:80", NULL);
	listen(listener, 5);
	served(listener, "[::ffff:127.0.0.1]:7080");
	close(listener);
	// Not hidden.
	fd = made(SOCK_STREAM, "127.0.0.1:81", NULL);
	say("not hidden", fd);
	close(fd);
	fd = made(SOCK_STREAM, "127.0.0.1:82", NULL);
	say("another rule", fd);
	close(fd);
	// A port that the kernel chooses.
	fd = made(SOCK_DGRAM, "127.0.0.9:0", NULL);
	say("any port", fd);
	// It is passed on.
	other = dup(fd);
	say("dup", other);
	if (fork() == 0) {
		say("in a child", fd);
		exit(0);
	}
	wait(&status);
	// The number of a socket that is gone.
	close(fd);
	close(other);
	fd = made(SOCK_DGRAM, "127.0.0.1:7333", NULL);
	say("the same number", fd);
	close(fd);
	// A peer that changes.
	fd = made(SOCK_DGRAM, NULL, "10.1.2.3:5432");
	say("elsewhere", fd);
	struct address to = address_of("127.0.0.1:7444");
	connect(fd, &to.any, to.length);
	say("another peer", fd);
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	connect(fd, &none, sizeof(none));
	say("no peer", fd);
	to = address_of("10.1.2.3:5432");
	connect(fd, &to.any, to.length);
	say("elsewhere again", fd);
	// An executed program is told what the kernel says.
	if (fork() == 0) {
		char number[12];
		snprintf(number, sizeof(number), "%d", fd);
		execl("/proc/self/exe", "hide", number, NULL);
		exit(9);
	}
	wait(&status);
	// Many sockets at once, whose places are free again when they are gone.
	for (int round = 0; round < 8; round++) {
		int fds[900], right = 0;
		for (int i = 0; i < 900; i++) {
			to = address_of("10.1.2.3:5432");
			fds[i] = socket(AF_INET, SOCK_DGRAM, 0);
			if (connect(fds[i], &to.any, to.length) < 0)
				return 7;
		}
		for (int i = 0; i < 900; i++) {
			right += strcmp(told_name(fds[i], 1), "10.1.2.3:5432") == 0;
			close(fds[i]);
		}
		printf("of 900: %d\n", right);
	}
	// More than can be remembered: what is told is one of the two.
	int right = 0, kernels = 0;
	static int fds[8000];
	for (int i = 0; i < 8000; i++) {
		to = address_of("10.1.2.3:5432");
		fds[i] = socket(AF_INET, SOCK_DGRAM, 0);
		if (connect(fds[i], &to.any, to.length) < 0)
			return 8;
	}
	for (int i = 0; i < 8000; i++) {
		const char *told = told_name(fds[i], 1);
		right += strcmp(told, "10.1.2.3:5432") == 0;
		kernels += strcmp(told, "127.0.0.1:7444") == 0;
	}
	printf("of 8000: %d%s\n", right + kernels, right > 2000 && kernels > 2000 ? ", of both" : "");
	return 0;
}
