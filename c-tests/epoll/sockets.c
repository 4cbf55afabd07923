// epoll with sockets: level and edge triggered, one shot, and closing a socket while it is watched.
#include "../transcript.h"
#include <sys/epoll.h>

static void wait_and_say(const char *label, int set)
{
	struct epoll_event events[4];
	int count = CALL_AS(label, epoll_wait(set, events, COUNT(events), 0));
	for (int i = 0; i < count; i++)
		printf("  number %d: %s\n", events[i].data.fd, poll_names(events[i].events));
}

int main(void)
{
	int set = CALL(epoll_create1(EPOLL_CLOEXEC)), old = CALL(epoll_create(1)), pair[2];
	int file = MUST(open("/proc/self/status", O_RDONLY));
	struct epoll_event in = {.events = EPOLLIN, .data.fd = 1},
			   edge = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.fd = 2};
	struct epoll_event once = {.events = EPOLLOUT | EPOLLONESHOT, .data.fd = 3};
	char byte;
	say_flags("set", set);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CALL(epoll_ctl(set, EPOLL_CTL_ADD, pair[0], &in));
	CALL(epoll_ctl(set, EPOLL_CTL_ADD, pair[0], &in));
	CALL(epoll_ctl(set, EPOLL_CTL_ADD, file, &in));
	CALL(epoll_ctl(set, EPOLL_CTL_ADD, set, &in));
	CALL(epoll_ctl(set, EPOLL_CTL_ADD, -1, &in));
	CALL(epoll_ctl(pair[0], EPOLL_CTL_ADD, pair[1], &in));
	CALL(epoll_ctl(set, EPOLL_CTL_MOD, pair[1], &in));
	CALL(epoll_ctl(set, EPOLL_CTL_DEL, pair[1], NULL));
	CALL(epoll_ctl(set, 99, pair[0], &in));
	CALL(epoll_ctl(set, EPOLL_CTL_ADD, pair[1], NOWHERE));
	wait_and_say("nothing", set);
	MUST(write(pair[1], "x", 1));
	wait_and_say("level", set);
	wait_and_say("level again", set);
	CALL(epoll_ctl(set, EPOLL_CTL_MOD, pair[0], &edge));
	wait_and_say("edge", set);
	wait_and_say("edge again", set);
	CALL(epoll_ctl(set, EPOLL_CTL_MOD, pair[0], &once));
	wait_and_say("once", set);
	wait_and_say("once again", set);
	CALL(epoll_ctl(set, EPOLL_CTL_MOD, pair[0], &in));

	int copy = MUST(dup(pair[0]));
	MUST(close(pair[0]));
	wait_and_say("closed, but for a copy", set); // The open file is watched, not the descriptor.
	CALL(epoll_ctl(set, EPOLL_CTL_DEL, pair[0], NULL));
	MUST(close(copy));
	wait_and_say("closed", set);
	CALL(epoll_ctl(old, EPOLL_CTL_ADD, pair[1], &in));
	CALL(epoll_wait(old, &in, 1, -1));
	printf("  %s\n", poll_names(in.events));
	CALL(recv(pair[1], &byte, 1, 0));

	struct timespec none = {0};
	CALL(epoll_pwait(old, &in, 1, 0, NULL));
	CALL(syscall(SYS_epoll_pwait2, old, &in, 1, &none, NULL, 0));
	CALL(epoll_wait(old, &in, 0, 0));
	CALL(epoll_wait(pair[1], &in, 1, 0));
	CALL(epoll_wait(-1, &in, 1, 0));
	CALL(epoll_create(0));
	CALL(epoll_create1(-1));
}
