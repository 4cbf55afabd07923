// AF_UNIX names that look alike but differ: a file whose name begins with '@' and an abstract name, names
// with NULs, names of bytes that are not UTF-8. A file's name ends at its first NUL, if there is one. No
// socket has these names, so the error shows how the kernel read each.
#include "../transcript.h"

static void try(const char *label, const char *path, size_t length)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	memcpy(address.sun_path, path, length);
	CALL_AS(label, connect(fd, SA(address), offsetof(struct sockaddr_un, sun_path) + length));
	MUST(close(fd));
}

#define TRY(path) try(#path, path, sizeof path - 1)

int main(void)
{
	TRY("@sockshim-none");
	TRY("@sockshim-none\0");
	TRY("@sockshim-none\0behind");
	TRY("\0sockshim-none");
	TRY("\0sockshim-none\0");
	TRY("\0sockshim\0none");
	TRY("\0sockshim-\xfe");
	TRY("\0sockshim-\xff");
	TRY("\0");
	TRY("");
}
