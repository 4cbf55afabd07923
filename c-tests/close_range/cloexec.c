// CLOSE_RANGE_CLOEXEC closes nothing: it only sets FD_CLOEXEC on the range.
#include "../transcript.h"
#include <linux/close_range.h>

int main(void)
{
	int pair[2];
	char byte;
	tcp_pair(pair);
	say_flags("before", pair[0]);
	CALL(close_range(3, ~0u, CLOSE_RANGE_CLOEXEC));
	say_flags("after", pair[0]);
	say_flags("after", pair[1]);
	CALL(write(pair[0], "x", 1));
	CALL(read(pair[1], &byte, 1));
	say_name("getpeername", getpeername, pair[0]);
	say_flags("new", MUST(socket(AF_INET, SOCK_STREAM, 0)));
}
