// A program changes its name: the kernel knows it at once, and so does everybody who looks.
#include "writer.h"

static const char *const names[] = {
	"first", "second", "a name that is longer than the kernel's", "", "esc\033[31m", "cr\r", "lf\n", "tab\t", "quote\"",
	"back\\slash", "del\177", "\303\244\303\266", "\377\376", "last",
};

int main(void)
{
	char name[17] = "";
	use_sockets();
	for (size_t i = 0; i < COUNT(names); i++) {
		CALL_AS("prctl(PR_SET_NAME)", prctl(PR_SET_NAME, names[i]));
		use_sockets();
		CALL_AS("prctl(PR_GET_NAME)", prctl(PR_GET_NAME, name));
		printf("%s\n", strncmp(name, names[i], 15) ? "another name" : "that name");
		use_sockets();
	}
	return 0;
}
