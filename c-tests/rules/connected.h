// Kinds of sockets with a peer, for calls that send and receive.
#ifndef CONNECTED_H
#define CONNECTED_H

#include "ways.h"

// With an address of their own are kinds that send to an address; a pair has none at all.
static const struct kind KINDS[] = {
	{"tcp4", AF_INET, SOCK_STREAM, "127.0.0.2:0", "127.0.0.1:7001", NULL},
	{"tcp6", AF_INET6, SOCK_STREAM, NULL, "[::1]:7002", NULL},
	{"mapped", AF_INET6, SOCK_STREAM, "[::ffff:127.0.0.2]:0", "[::ffff:127.0.0.1]:7003", NULL},
	{"dual", AF_INET, SOCK_STREAM, "127.0.0.2:0", "127.0.0.1:7004", NULL},
	{"unix", AF_UNIX, SOCK_STREAM, NULL, "$/server", NULL},
	{"relative", AF_UNIX, SOCK_STREAM, NULL, "server", NULL},
	{"abstract", AF_UNIX, SOCK_STREAM, NULL, "@server", NULL},
	{"pair", AF_UNIX, SOCK_STREAM, NULL, NULL, NULL},
	{"packets", AF_UNIX, SOCK_SEQPACKET, NULL, NULL, NULL},
	{"udp4", AF_INET, SOCK_DGRAM, "127.0.0.2:0", "127.0.0.1:7006", NULL},
#ifdef SENDS
	{"to4", AF_INET, SOCK_DGRAM, "127.0.0.2:0", "127.0.0.1:7006", "127.0.0.1:7009"},
	{"to6", AF_INET6, SOCK_DGRAM, NULL, "[::1]:7006", "[::ffff:127.0.0.1]:7009"},
	{"to-mapped", AF_INET6, SOCK_DGRAM, NULL, "[::ffff:127.0.0.1]:7006", "[::ffff:127.0.0.1]:7009"},
	{"to-unix", AF_UNIX, SOCK_DGRAM, NULL, "$/datagrams", "@other"},
	{"to-relative", AF_UNIX, SOCK_DGRAM, NULL, "datagrams", "@other"},
	{"to-abstract", AF_UNIX, SOCK_DGRAM, NULL, "@datagrams", "@other"},
#endif
};

static inline bool is_addressed(const struct kind *kind)
{
	return kind->other != NULL;
}

static inline bool is_connected(const struct kind *kind)
{
	return !is_addressed(kind);
}

static inline bool is_stream(const struct kind *kind)
{
	return is_connected(kind) && kind->type == SOCK_STREAM;
}

// Receivers of datagrams, the second of each pair for a rule's address.
enum { SINK_4, SINK_6, SINK_UNIX, SINK_ABSTRACT, OTHER_4, OTHER_UNIX, SINKS };
static const char *const SINK_NAMES[SINKS] = {"127.0.0.1:7006", "[::1]:7006", "$/datagrams",
					      "@datagrams",     "127.0.0.1:7009", "@other"};

static inline void make_sinks(void)
{
	for (int i = 0; i < SINKS; i++) {
		int fd = raw_server(address_of(SINK_NAMES[i]).any.sa_family, SOCK_DGRAM, SINK_NAMES[i]);
		MUST_RAW(SYS_dup2, fd, FIRST_SERVER + i);
		MUST_RAW(SYS_close, fd);
	}
}

// A socket with its peer.
static inline struct made connected(const struct kind *kind)
{
	struct made made = {-1, -1, -1};
	int pair[2];

	if (kind->peer == NULL) {
		// The library sees how this pair is made.
		if (socketpair(kind->family, kind->type, 0, pair) < 0)
			perror("socketpair"), _exit(99);
		return (struct made){pair[0], pair[1], -1};
	}
	if (kind->type == SOCK_DGRAM) {
		made.fd = socket(kind->family, kind->type, 0);
		if (kind->own != NULL)
			raw_bind(made.fd, kind->own);
		if (is_connected(kind))
			raw_connect(made.fd, kind->peer);
		return made;
	}
	if (strcmp(kind->name, "dual") == 0) {
		// The end that was accepted by a socket for both families.
		made = raw_connected(kind, "[::]:7004");
		int accepted = made.peer;
		made.peer = made.fd;
		made.fd = accepted;
		return made;
	}
	return raw_connected(kind, kind->peer);
}

#endif
