// fclose() of a socket that was passed to fdopen() closes the socket inside libc, and the number may then
// be reused.
#include "../transcript.h"

int main(void)
{
	int pair[2];
	char line[16] = "";
	tcp_pair(pair);
	MUST(dup(0)); // No lower number is free now.
	FILE *stream = fdopen(pair[0], "r+");
	CALL(fprintf(stream, "hello\n"));
	CALL(fflush(stream));
	CALL(read(pair[1], line, sizeof line));
	printf("%s", line);
	CALL(write(pair[1], "world\n", 6));
	printf("%s", fgets(line, sizeof line, stream));
	CALL(fclose(stream));
	CALL(read(pair[1], line, sizeof line));
	CALL(listen(pair[0], 1));
	CALL(socket(AF_UNIX, SOCK_SEQPACKET, 0)); // The same number, another socket.
	printf("SO_DOMAIN %d, SO_TYPE %d\n", int_option(pair[0], SOL_SOCKET, SO_DOMAIN),
	       int_option(pair[0], SOL_SOCKET, SO_TYPE));
	CALL(listen(pair[0], 1));
	CALL(close(pair[0]));

	CALL(dprintf(pair[1], "bye"));
	stream = fdopen(pair[1], "w");
	CALL(fclose(stream));
	CALL(socket(AF_INET, SOCK_STREAM, 0));
	CALL(listen(pair[0], 1));
}
