// What each kind of socket answers to calls that need a state which a fresh socket does not have.
#include "../transcript.h"
#include "../kinds.h"

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < COUNT(kinds); i++) {
		int fd = open_kind(&kinds[i]);
		if (fd < 0)
			continue;
		const char *name = kinds[i].name;
		char byte = 'x';
		struct sockaddr_storage address;
		socklen_t length = sizeof address;
		say_poll(name, fd);
		CALL_AS(text("%s: accept", name), accept(fd, NULL, NULL));
		CALL_AS(text("%s: getpeername", name), getpeername(fd, SA(address), &length));
		CALL_AS(text("%s: connect, length 0", name), connect(fd, SA(address), 0));
		CALL_AS(text("%s: recv", name), recv(fd, &byte, 1, 0));
		CALL_AS(text("%s: send", name), send(fd, &byte, 1, 0));
		CALL_AS(text("%s: write nothing", name), write(fd, &byte, 0));
		CALL_AS(text("%s: read nothing", name), read(fd, &byte, 0));
		CALL_AS(text("%s: listen", name), listen(fd, 5));
		CALL_AS(text("%s: shutdown how 3", name), shutdown(fd, 3));
		CALL_AS(text("%s: shutdown", name), shutdown(fd, SHUT_RDWR));
		say_poll(name, fd);
		MUST(close(fd));
	}
}
