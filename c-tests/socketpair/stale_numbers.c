// The kernel gives out numbers again that machine code has closed: a socket that was known there is gone, and the pair is new.
#include "../transcript.h"

static void close_by_machine_code(int fd)
{
	long ret;
	__asm__ volatile("syscall" : "=a"(ret) : "0"(SYS_close), "D"((long)fd) : "rcx", "r11", "memory");
	MUST(ret);
}

int main(void)
{
	int pair[2];
	for (int round = 0; round < 4; round++) {
		int first = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), second = MUST(socket(AF_INET, SOCK_DGRAM, 0));
		round & 1 ? MUST(close(first)) : (close_by_machine_code(first), 0);
		round & 2 ? MUST(close(second)) : (close_by_machine_code(second), 0);
		CALL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
		printf("the same numbers %d\n", pair[0] == first && pair[1] == second);
		CALL(shutdown(pair[0], SHUT_WR));
		CALL(shutdown(pair[1], SHUT_WR));
		MUST(close(pair[0]));
		MUST(close(pair[1]));
	}
}
