// Every form of exec: each child executes this program again and prints how it was called.
#include "../transcript.h"

extern char **environ;

int main(int argc, char **argv)
{
	if (argc > 1) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		printf("%s with %d arguments, VARIABLE=%s, next descriptor %d\n", argv[1], argc,
		       getenv("VARIABLE"), fd);
		return 0;
	}
	static const char self[] = "/proc/self/exe";
	static char *environment[1000] = {"VARIABLE=new"};
	for (size_t i = 0; environ[i] && i + 2 < COUNT(environment); i++)
		environment[i + 1] = environ[i];
	for (int form = 0; form < 8; form++) {
		static const char *const names[] = {"execl",  "execle", "execlp",  "execv",
						    "execve", "execvp", "execvpe", "fexecve"};
		char *arguments[] = {argv[0], (char *)names[form], "more", NULL};
		pid_t child = MUST(fork());
		if (child == 0) {
			int program = MUST(open(self, O_RDONLY | O_CLOEXEC));
			setenv("VARIABLE", "old", 1);
			switch (form) {
			case 0: execl(self, argv[0], names[form], "more", NULL); break;
			case 1: execle(self, argv[0], names[form], "more", NULL, environment); break;
			case 2: execlp(self, argv[0], names[form], "more", NULL); break;
			case 3: execv(self, arguments); break;
			case 4: execve(self, arguments, environment); break;
			case 5: execvp(self, arguments); break;
			case 6: execvpe(self, arguments, environment); break;
			case 7: fexecve(program, arguments, environment); break;
			}
			_exit(SETUP_STATUS);
		}
		say_child(names[form], child);
	}
	char *const arguments[] = {argv[0], NULL};
	CALL(execve(NOWHERE, arguments, environ));
	CALL(execvp("no-such-program-anywhere", arguments));
	CALL(execv("/", arguments));
	CALL(fexecve(-1, arguments, environ));
}
