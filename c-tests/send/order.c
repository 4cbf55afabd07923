// send() and recv() check the buffer's address before the descriptor, but only whether it is a user
// address.
#include "../transcript.h"

int main(void)
{
	void *kernel = (void *)0xffff800000000000; // Not a user address.
	int file = MUST(memfd_create("file", 0)), path = MUST(open(".", O_PATH)), pair[2];
	char byte;
	CALL(send(-1, "x", 1, 0));
	CALL(send(-1, kernel, 1, 0));
	CALL(recv(-1, kernel, 1, 0));
	CALL(send(file, "x", 1, 0));
	CALL(recv(file, &byte, 1, 0));
	CALL(send(path, "x", 1, 0));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CALL(send(pair[0], NOWHERE, 1, 0));
	CALL(send(pair[0], NULL, 0, 0));
	CALL(send(pair[0], "x", 1, 0));
	CALL(recv(pair[1], NOWHERE, 1, 0));
	CALL(recv(pair[1], &byte, 1, MSG_DONTWAIT)); // Nothing was lost.
	CALL(send(pair[0], "x", 1, MSG_OOB));
}
