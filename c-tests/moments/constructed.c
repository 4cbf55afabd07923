// A library whose constructor and destructor use sockets and print the results.
#include "sockets.h"

static int kept = -1;

__attribute__((constructor)) static void begin(void)
{
	use_sockets();
	kept = expect("kept", socket(AF_INET, SOCK_STREAM, 0));
	print_transcript();
}

__attribute__((destructor)) static void end(void)
{
	use_sockets();
	expect("close kept", close(kept));
	print_transcript();
}

int constructed(void)
{
	return kept;
}
