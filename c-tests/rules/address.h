// Socket addresses from text and as text.
#ifndef ADDRESS_H
#define ADDRESS_H

#include "raw.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

struct address {
	socklen_t length;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un un;
		struct sockaddr_storage storage;
	};
};

// Where the program runs.
static inline const char *here(void)
{
	static char path[200];

	if (path[0] == 0)
		RAW(SYS_getcwd, path, sizeof(path));
	return path;
}

// "127.0.0.1:80", "[::1]:80", "@name", or a path, in which "$" stands for the directory.
static inline struct address address_of(const char *text)
{
	struct address to = {.length = 0};
	char host[64], whole[256];
	int port;

	if (sscanf(text, "[%63[^]]]:%d", host, &port) == 2) {
		to.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
		inet_pton(AF_INET6, host, &to.v6.sin6_addr);
		to.length = sizeof(to.v6);
	} else if (sscanf(text, "%63[0-9.]:%d", host, &port) == 2) {
		to.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
		inet_pton(AF_INET, host, &to.v4.sin_addr);
		to.length = sizeof(to.v4);
	} else {
		if (text[0] == '$') {
			strcpy(stpcpy(whole, here()), text + 1);
			text = whole;
		}
		to.un.sun_family = AF_UNIX;
		memcpy(to.un.sun_path, text, strlen(text));
		to.length = offsetof(struct sockaddr_un, sun_path) + strlen(text);
		if (text[0] == '@')
			to.un.sun_path[0] = 0;
		else
			to.length++;
	}
	return to;
}

// The text is valid until the eighth call after this one. A port that nobody has asked for is "port".
static inline const char *text_of(const struct address *of)
{
	static char texts[8][160];
	static int next;
	char *to = texts[next++ % 8], host[64];
	int port = 0;

	if (of->length < sizeof(of->any.sa_family)) {
		strcpy(to, "none");
	} else if (of->any.sa_family == AF_UNIX) {
		int length = of->length - offsetof(struct sockaddr_un, sun_path);
		size_t known = strlen(here());
		if (length == 0)
			strcpy(to, "unnamed");
		else if (of->un.sun_path[0] == 0)
			snprintf(to, 160, "@%.*s", length - 1, of->un.sun_path + 1);
		else if (strncmp(of->un.sun_path, here(), known) == 0)
			snprintf(to, 160, "$%.*s", length - (int)known, of->un.sun_path + known);
		else
			snprintf(to, 160, "%.*s", length, of->un.sun_path);
	} else {
		if (of->any.sa_family == AF_INET)
			inet_ntop(AF_INET, &of->v4.sin_addr, host, sizeof(host)), port = ntohs(of->v4.sin_port);
		else
			inet_ntop(AF_INET6, &of->v6.sin6_addr, host, sizeof(host)), port = ntohs(of->v6.sin6_port);
		snprintf(to, 160, port > 0 && port < 10000 ? "%s:%d" : port ? "%s:port" : "%s:0", host, port);
	}
	return to;
}

// What the kernel says.
static inline const char *raw_name(int fd, int peer)
{
	struct address name = {.length = sizeof(name.storage)};
	long result = RAW(peer ? SYS_getpeername : SYS_getsockname, fd, &name.any, &name.length);

	return result < 0 ? strerrorname_np(-result) : text_of(&name);
}

// What the program is told.
static inline const char *told_name(int fd, int peer)
{
	struct address name = {.length = sizeof(name.storage)};
	int result = (peer ? getpeername : getsockname)(fd, &name.any, &name.length);

	return result < 0 ? strerrorname_np(errno) : text_of(&name);
}

#endif
