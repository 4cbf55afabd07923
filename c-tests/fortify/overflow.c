// cflags: -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -Wno-stringop-overflow -Wno-attribute-warning
// A fortified call whose length exceeds its buffer ends the program, also with a library in between.
#include "../transcript.h"

static volatile size_t too_many = 17;

int main(void)
{
	int pair[2];
	struct rlimit no_core = {0, 0};
	MUST(setrlimit(RLIMIT_CORE, &no_core));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	MUST(write(pair[0], "hello", 5));
	for (int form = 0; form < 5; form++) {
		pid_t child = MUST(fork());
		if (child == 0) {
			char buffer[16];
			struct pollfd fds[2] = {{.fd = pair[0]}, {.fd = pair[1]}};
			struct timespec none = {0};
			long result = 0;
			switch (form) {
			case 0: result = recv(pair[1], buffer, too_many, 0); break;
			case 1: result = recvfrom(pair[1], buffer, too_many, 0, NULL, NULL); break;
			case 2: result = read(pair[1], buffer, too_many); break;
			case 3: result = poll(fds, too_many, 0); break;
			case 4: result = ppoll(fds, too_many, &none, NULL); break;
			}
			printf("survived with %ld\n", result);
			return 0;
		}
		say_child(text("form %d", form), child);
	}
	char buffer[16];
	CALL(recv(pair[1], buffer, sizeof buffer, 0)); // Nobody has read it.
}
