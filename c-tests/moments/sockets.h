// A transcript of socket calls. It is kept in memory until it is printed, so that adding to it needs no
// system call.
#ifndef SOCKETS_H
#define SOCKETS_H

#include "../stress/stress.h"

static char transcript[1 << 16];
static size_t transcript_length;

static inline int expect(const char *what, int result)
{
	int saved = errno;

	transcript_length += snprintf(transcript + transcript_length, sizeof(transcript) - transcript_length,
				      "%s = %d%s%s\n", what, result, result < 0 ? " " : "",
				      result < 0 ? strerrorname_np(saved) : "");
	errno = saved;
	return result;
}

static inline void print_transcript(void)
{
	size_t written = 0;

	while (written < transcript_length)
		written += CHECK(write(1, transcript + written, transcript_length - written));
	transcript_length = 0;
}

// One connection over TCP, and calls that fail.
static inline void use_sockets(void)
{
	struct sockaddr_in address = loopback(0);
	socklen_t length = sizeof(address);
	int listener = expect("socket", socket(AF_INET, SOCK_STREAM, 0));

	expect("bind", bind(listener, ADDRESS(address)));
	expect("listen", listen(listener, 5));
	expect("getsockname", getsockname(listener, (struct sockaddr *)&address, &length));
	int client = expect("socket", socket(AF_INET, SOCK_STREAM, 0));
	expect("connect", connect(client, ADDRESS(address)));
	int server = expect("accept", accept(listener, NULL, NULL));
	expect("send", send(client, "x", 1, 0));
	expect("recv", recv(server, &(char){0}, 1, 0));
	expect("bind again", bind(listener, ADDRESS(address)));
	expect("send on the listener", send(listener, "x", 1, MSG_NOSIGNAL));
	expect("no family", socket(12345, SOCK_STREAM, 0));
	expect("close", close(server));
	expect("close", close(client));
	expect("close", close(listener));
	expect("close again", close(listener));
}

#endif
