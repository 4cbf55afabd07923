// sendfile() and splice() into sockets and out of them: sendfile() can send a file to a socket, but cannot
// read from a socket.
#include "../transcript.h"
#include <sys/sendfile.h>

int main(void)
{
	int file = MUST(memfd_create("file", 0)), fresh = MUST(socket(AF_INET, SOCK_STREAM, 0)), pair[2],
	    ends[2];
	char buffer[16] = "";
	signal(SIGPIPE, SIG_IGN);
	MUST(write(file, "hello world", 11));
	tcp_pair(pair);
	off_t offset = 6;
	CALL(sendfile(pair[0], file, &offset, 100));
	printf("offset %d\n", (int)offset);
	CALL(recv(pair[1], buffer, 5, MSG_WAITALL));
	printf("%.5s\n", buffer);
	CALL(sendfile(pair[0], file, NULL, 100)); // The file's offset is at its end.
	offset = 0;
	CALL(sendfile(fresh, file, &offset, 100));
	CALL(sendfile(file, pair[0], NULL, 100));
	CALL(sendfile(pair[0], pair[1], NULL, 100));
	CALL(sendfile(-1, file, NULL, 1));
	CALL(sendfile64(pair[0], file, &offset, 5));
	CALL(recv(pair[1], buffer, 5, MSG_WAITALL));

	MUST(pipe(ends));
	MUST(write(ends[1], "piped", 5));
	CALL(splice(ends[0], NULL, pair[0], NULL, 5, 0));
	wait_for(pair[1], POLLIN);
	CALL(splice(pair[1], NULL, ends[1], NULL, 5, 0));
	CALL(read(ends[0], buffer, sizeof buffer));
	CALL(splice(pair[1], &offset, ends[1], NULL, 5, 0));
	CALL(splice(fresh, NULL, ends[1], NULL, 5, 0));
	CALL(splice(pair[1], NULL, pair[0], NULL, 5, 0));
	CALL(copy_file_range(file, &offset, pair[0], NULL, 5, 0));
}
