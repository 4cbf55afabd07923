// What a program gives back by closing it is free at once, also in the moment in which a writer begins.
#include "writer.h"
#include <arpa/inet.h>
#include <netinet/in.h>

enum { CLOSE, DUP2, DUP3, CLOSE_RANGE, CLOSEFROM, FCLOSE, WAYS };
static const char *const ways[] = {"close", "dup2", "dup3", "close_range", "closefrom", "fclose"};

static void give_back(int way, int fd)
{
	int null = way == DUP2 || way == DUP3 ? MUST(open("/dev/null", O_RDWR)) : -1;

	switch (way) {
	case CLOSE: MUST(close(fd)); break;
	case DUP2: MUST(dup2(null, fd)); break;
	case DUP3: MUST(dup3(null, fd, O_CLOEXEC)); break;
	case CLOSE_RANGE: MUST(close_range(fd, fd, 0)); break;
	case CLOSEFROM: closefrom(fd); break;
	case FCLOSE: fclose(fdopen(fd, "r+")); break;
	}
}

// In a process of its own, whose first call it is: the writer begins there.
static void child(int way, int fd, struct sockaddr_in name)
{
	socklen_t length = sizeof(name);
	int again;

	listen(fd, 1);
	getsockname(fd, (struct sockaddr *)&name, &length);
	give_back(way, fd);
	again = MUST(socket(AF_INET, SOCK_STREAM, 0));
	printf("%s: %s\n", ways[way], bind(again, (struct sockaddr *)&name, length) == 0 ? "0" : errno_name(errno));
	fflush(stdout);
	_exit(0);
}

int main(void)
{
	for (int way = 0; way < WAYS; way++) {
		struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
		MUST(bind(fd, (struct sockaddr *)&name, sizeof(name)));
		int go[2];
		MUST(pipe(go));
		pid_t pid = MUST(fork());
		if (pid == 0) {
			char byte;
			close(go[1]);
			MUST(read(go[0], &byte, 1));
			child(way, fd, name);
		}
		// The child has the only one left.
		MUST(close(fd));
		MUST(write(go[1], "x", 1));
		MUST(waitpid(pid, NULL, 0));
		close(go[0]);
		close(go[1]);
	}
	return 0;
}
