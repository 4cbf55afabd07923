// execl(), execlp() and execle() with arguments in registers, on the stack, or both, in every number: each
// child executes this program again and prints what it got. Then the same calls fail and return.
#include "../transcript.h"

static const char self[] = "/proc/self/exe";
static char *environment[] = {"VARIABLE=new", NULL};

#define A1 "1"
#define A2 A1, "2"
#define A3 A2, "3"
#define A4 A3, "4"
#define A5 A4, "5"
#define A6 A5, "6"
#define A7 A6, "7"
#define A8 A7, "8"
#define A40 A8, A8, A8, A8, A8

#define EACH(form, ...)                                                                                      \
	form(__VA_ARGS__, NULL);                                                                             \
	form(__VA_ARGS__, A1, NULL);                                                                         \
	form(__VA_ARGS__, A2, NULL);                                                                         \
	form(__VA_ARGS__, A3, NULL);                                                                         \
	form(__VA_ARGS__, A4, NULL);                                                                         \
	form(__VA_ARGS__, A5, NULL);                                                                         \
	form(__VA_ARGS__, A6, NULL);                                                                         \
	form(__VA_ARGS__, A7, NULL);                                                                         \
	form(__VA_ARGS__, A8, NULL);                                                                         \
	form(__VA_ARGS__, A40, NULL);

// In a child, because a successful exec would end the transcript.
#define BECOME(call)                                                                                         \
	do {                                                                                                 \
		pid_t child = MUST(fork());                                                                  \
		if (child == 0) {                                                                            \
			call;                                                                                \
			_exit(SETUP_STATUS);                                                                 \
		}                                                                                            \
		say_child("child", child);                                                                   \
	} while (0)

#define LIST(...) BECOME(execl(self, "list", __VA_ARGS__))
#define SEARCH(...) BECOME(execlp(self, "search", __VA_ARGS__))
#define WITH(...) BECOME(execle(self, "with", __VA_ARGS__, environment))
#define NO_LIST(...) CALL_AS("execl", execl("/missing/program", __VA_ARGS__))
#define NO_SEARCH(...) CALL_AS("execlp", execlp("no-such-program-anywhere", __VA_ARGS__))
#define NO_WITH(...) CALL_AS("execle", execle("/missing/program", __VA_ARGS__, environment))

int main(int argc, char **argv)
{
	if (argc > 1 || strcmp(argv[0], "list") == 0 || strcmp(argv[0], "search") == 0 ||
	    strcmp(argv[0], "with") == 0) {
		printf("%s:", argv[0]);
		for (int i = 1; i < argc; i++)
			printf(" %s", argv[i]);
		printf(" VARIABLE=%s\n", getenv("VARIABLE"));
		return 0;
	}
	setenv("VARIABLE", "old", 1);
	BECOME(execl(self, "list", NULL));
	BECOME(execlp(self, "search", NULL));
	BECOME(execle(self, "with", NULL, environment));
	EACH(LIST, "0")
	EACH(SEARCH, "0")
	EACH(WITH, "0")
	EACH(NO_LIST, "0")
	EACH(NO_SEARCH, "0")
	EACH(NO_WITH, "0")
	CALL(execl(NOWHERE, "x", NULL));
	CALL(execlp("", "x", NULL));
	CALL(execle("/", "x", NULL, NULL));
}
