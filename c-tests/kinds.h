// One socket of every kind that a machine may have, for programs that make the same calls on all of them.

#ifndef KINDS_H
#define KINDS_H

static const struct kind {
	const char *name;
	int family, type, protocol;
} kinds[] = {
	{"tcp", AF_INET, SOCK_STREAM, 0},
	{"udp", AF_INET, SOCK_DGRAM, 0},
	{"udplite", AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE},
	{"mptcp", AF_INET, SOCK_STREAM, IPPROTO_MPTCP},
	{"raw icmp", AF_INET, SOCK_RAW, IPPROTO_ICMP},
	{"raw raw", AF_INET, SOCK_RAW, IPPROTO_RAW},
	{"inet packet", AF_INET, SOCK_PACKET, 0},
	{"tcp6", AF_INET6, SOCK_STREAM, 0},
	{"udp6", AF_INET6, SOCK_DGRAM, 0},
	{"mptcp6", AF_INET6, SOCK_STREAM, IPPROTO_MPTCP},
	{"raw icmp6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6},
	{"unix stream", AF_UNIX, SOCK_STREAM, 0},
	{"unix dgram", AF_UNIX, SOCK_DGRAM, 0},
	{"unix raw", AF_UNIX, SOCK_RAW, 0},
	{"unix seqpacket", AF_UNIX, SOCK_SEQPACKET, 0},
	{"netlink route", AF_NETLINK, SOCK_RAW, 0},
	{"netlink generic", AF_NETLINK, SOCK_DGRAM, 16},
	{"packet raw", AF_PACKET, SOCK_RAW, 0},
	{"packet dgram", AF_PACKET, SOCK_DGRAM, 0},
	{"packet packet", AF_PACKET, SOCK_PACKET, 0},
	{"vsock stream", AF_VSOCK, SOCK_STREAM, 0},
	{"vsock seqpacket", AF_VSOCK, SOCK_SEQPACKET, 0},
	{"xdp", AF_XDP, SOCK_RAW, 0},
};

// Opens a non-blocking socket of the kind, or prints why it cannot.
static inline int open_kind(const struct kind *kind)
{
	int fd = socket(kind->family, kind->type | SOCK_NONBLOCK, kind->protocol);
	if (fd < 0)
		printf("%s: not here, %s\n", kind->name, errno_name(errno));
	return fd;
}

#endif
