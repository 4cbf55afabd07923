// Netlink, packet, raw, vsock and xdp sockets each check an address in their own way. (AF_UNIX is left out:
// zeros are a valid name there, which another process may have.)
#include "../transcript.h"
#include "../kinds.h"

int main(void)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct sockaddr_storage address = {.ss_family = 99};
		const char *name = kinds[i].name;
		int fd = kinds[i].family == AF_UNIX ? -1 : open_kind(&kinds[i]);
		if (fd < 0)
			continue;
		CALL_AS(text("%s: length 0", name), bind(fd, SA(address), 0));
		CALL_AS(text("%s: family 99", name), bind(fd, SA(address), 20));
		address.ss_family = AF_UNSPEC;
		CALL_AS(text("%s: AF_UNSPEC", name), bind(fd, SA(address), 16));
		address.ss_family = kinds[i].family;
		CALL_AS(text("%s: zeros, length 12", name), bind(fd, SA(address), 12));
		CALL_AS(text("%s: zeros, length 20", name), bind(fd, SA(address), 20));
		CALL_AS(text("%s: zeros, length 28", name), bind(fd, SA(address), 28));
		MUST(close(fd));
	}
}
