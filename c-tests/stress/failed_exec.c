// Every form of exec with a program that does not exist.
#include <stdio.h>
#include <unistd.h>

extern char **environ;

int main(void)
{
	char *arguments[] = {"x", NULL}, *nothing[] = {NULL};
	execv("/nonexistent/a", arguments);
	execvp("nonexistent-b", arguments);
	execve("/nonexistent/c", arguments, environ);
	execl("/nonexistent/d", "x", (char *)NULL);
	execlp("nonexistent-e", "x", "1", "2", "3", "4", "5", "6", "7", (char *)NULL);
	execle("/nonexistent/f", "x", "1", "2", "3", "4", (char *)NULL, nothing);
	return 0;
}
