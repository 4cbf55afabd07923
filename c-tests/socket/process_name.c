// A process's name may contain any bytes. Without an argument it is the sequence that clears a terminal.
#include "../transcript.h"
#include <sys/prctl.h>

int main(int argc, char **argv)
{
	char name[16];
	CALL(prctl(PR_SET_NAME, argc > 1 ? argv[1] : "a\x1b[2J\rb"));
	MUST(prctl(PR_GET_NAME, name));
	printf("%d bytes\n", (int)strlen(name));
	CALL(close(MUST(socket(AF_UNIX, SOCK_STREAM, 0))));
}
