// Loads a library at run time, uses sockets before and after, and unloads it.
//
//   late LIBRARY now|lazy|global|deep|namespace [HOG COUNT]
//
// With HOG, a library with static thread-local storage, COUNT copies of it are loaded first: HOG is a
// pattern that contains a number. Whatever the LIBRARY, the output must be the same as with "none".
#include "sockets.h"
#include <dlfcn.h>

int main(int argc, char **argv)
{
	char path[1024];
	int flags = RTLD_NOW;

	if (argc < 3)
		return 2;
	if (strcmp(argv[2], "lazy") == 0)
		flags = RTLD_LAZY | RTLD_LOCAL;
	else if (strcmp(argv[2], "global") == 0)
		flags |= RTLD_GLOBAL;
	else if (strcmp(argv[2], "deep") == 0)
		flags |= RTLD_DEEPBIND;
	use_sockets();
	if (argc > 4) {
		int loaded = 0;
		for (int i = 0; i < atoi(argv[4]); i++) {
			snprintf(path, sizeof(path), argv[3], i);
			loaded += dlopen(path, RTLD_NOW) != NULL;
		}
		expect("some were refused", loaded < atoi(argv[4]));
	}
	if (strcmp(argv[1], "none") != 0) {
		int namespace = strcmp(argv[2], "namespace") == 0;
		void *library = namespace ? dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW) : dlopen(argv[1], flags);
		// If there is no space for its thread-local words, dlopen must fail.
		if (!library && argc <= 4) {
			fprintf(stderr, "%s\n", dlerror());
			return 1;
		}
		use_sockets();
		if (library)
			dlclose(library);
	} else {
		use_sockets();
	}
	use_sockets();
	print_transcript();
	return 0;
}
