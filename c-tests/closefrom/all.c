// closefrom() closes every descriptor from a number on, including one that a library may use for its log.
#include "../transcript.h"

int main(void)
{
	int kept = MUST(socket(AF_INET, SOCK_STREAM, 0)), pair[2];
	tcp_pair(pair);
	MUST(dup2(pair[0], 700));
	closefrom(kept + 1);
	CALL(listen(kept, 1));
	CALL(write(pair[0], "x", 1));
	CALL(write(700, "x", 1));
	CALL(socket(AF_INET, SOCK_STREAM, 0));
	closefrom(-1); // Like 0.
	CALL(listen(kept, 1));
	CALL(socket(AF_INET, SOCK_STREAM, 0));
	_exit(MUST(listen(0, 1)) == 0 ? 42 : 1); // The descriptor 0 is a socket now. Stdout is closed.
}
