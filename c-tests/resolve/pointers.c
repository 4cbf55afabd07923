// Pointers that libc does not follow, and names that end where the memory does.
#include "../resolver.h"

// The text at the very end of a page, before one that cannot be read.
static char *at_the_end(const char *text)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED || mprotect(pages + 4096, 4096, PROT_NONE))
		transcript_must("mmap", -1, SETUP_STATUS);
	return strcpy(pages + 4096 - strlen(text) - 1, text);
}

int main(void)
{
	printf("%s\n", eai_name(getnameinfo(NOWHERE, 0, NOWHERE, 10, NOWHERE, 10, 0)));
	printf("%s\n", eai_name(getnameinfo(NOWHERE, 16, NOWHERE, 10, NOWHERE, 10, 0x4000)));
	ASK_HOST("gethostbyaddr of a bad pointer", gethostbyaddr(NOWHERE, 3, AF_INET));

	ask_addrinfo(at_the_end("127.0.0.1"), at_the_end("80"), NULL);
	ASK_HOST("gethostbyname at the end", gethostbyname(at_the_end("localhost")));
	char *name = at_the_end("");
	memset(name - 300, '1', 300);
	// Too long for the log, and for DNS.
	ask_addrinfo(name - 300, "80", &(struct addrinfo){.ai_flags = AI_NUMERICHOST});
	ask_addrinfo("\"\\\x1b[2J\xff", "\x80", &(struct addrinfo){.ai_flags = AI_NUMERICHOST});
	ask_addrinfo("", "", &(struct addrinfo){.ai_flags = AI_NUMERICHOST});
}
