// read() and its relatives on sockets: a count of 0 does nothing, and an offset is an error.
#include "../transcript.h"

static volatile int minus_one = -1; // Volatile, so that the compiler does not warn of it.

int main(void)
{
	int fresh = MUST(socket(AF_INET, SOCK_STREAM, 0)), pair[2];
	char first[4] = "", second[8] = "";
	struct iovec parts[] = {{first, 3}, {second, 7}}, bad[] = {{first, -1}}, empty[] = {{NULL, 0}};
	CALL(read(fresh, first, 0));
	CALL(read(fresh, first, 1));
	CALL(read(fresh, NOWHERE, 0));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CALL(write(pair[0], "hello world", 11));
	CALL(readv(pair[1], parts, 2));
	printf("%s %s\n", first, second);
	CALL(read(pair[1], NOWHERE, 1));
	CALL(read(pair[1], first, sizeof first));
	CALL(readv(pair[1], bad, 1));
	CALL(readv(pair[1], parts, minus_one));
	CALL(readv(pair[1], parts, 0));
	CALL(readv(pair[1], empty, 1));
	CALL(readv(pair[1], NOWHERE, 1));
	CALL(pread(pair[1], first, 1, 0));
	CALL(preadv(pair[1], parts, 1, 0));
	CALL(lseek(pair[1], 0, SEEK_CUR));
	MUST(write(pair[0], "x", 1));
	CALL(preadv2(pair[1], parts, 1, -1, 0)); // The offset -1 means no offset.
	CALL(read(-1, first, 1));
	MUST(close(pair[0]));
	CALL(read(pair[1], first, sizeof first));
}
