// Every family number, and numbers near them: a family is a whole int, so 258 is not AF_INET.
#include "../transcript.h"

static void probe(int family, int type, int protocol)
{
	const char *label = text("socket(%d, %d, %d)", family, type, protocol);
	int fd = CALL_AS(label, socket(family, type, protocol));
	if (fd >= 0)
		MUST(close(fd));
}

int main(void)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};
	for (int family = -2; family <= 48; family++)
		for (size_t i = 0; i < COUNT(types); i++)
			probe(family, types[i], 0);
	probe(258, SOCK_STREAM, 0);
	probe(65538, SOCK_STREAM, 0);
	probe(INT32_MIN, SOCK_STREAM, 0);
	probe(INT32_MAX, SOCK_STREAM, 0);
}
