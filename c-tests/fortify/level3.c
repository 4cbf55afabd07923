// cflags: -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
// Level 3 also checks buffers whose size is known only at run time.
#include "../transcript.h"

__attribute__((noinline, alloc_size(1))) static char *make_buffer(size_t size)
{
	return calloc(1, size);
}

int main(int argc, char **argv)
{
	(void)argv;
	size_t size = (size_t)argc * 8;
	volatile size_t wanted = size; // Equal, but the compiler cannot know.
	char *buffer = malloc(size), *other = make_buffer(size);
	int pair[2];
	struct sockaddr_in address;
	int receiver = udp_bound(&address), sender = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	tcp_pair(pair);
	MUST(write(pair[0], "hello world", 11));
	CALL(read(pair[1], buffer, wanted));
	CALL(recv(pair[1], other, wanted, 0));
	MUST(sendto(sender, "datagram", 8, 0, SA(address), sizeof address));
	CALL(recvfrom(receiver, buffer, wanted, MSG_TRUNC, NULL, NULL));
	struct pollfd *fds = calloc(size, sizeof *fds);
	fds[0].fd = pair[1];
	for (size_t i = 1; i < size; i++)
		fds[i].fd = -1;
	CALL(poll(fds, wanted, 0));
	free(fds);
	free(other);
	free(buffer);
}
