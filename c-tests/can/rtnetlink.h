// Shared by the programs about interfaces over AF_NETLINK.
#ifndef RTNETLINK_H
#define RTNETLINK_H

#include "can.h"
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>

struct link_request {
	struct nlmsghdr head;
	struct ifinfomsg link;
	char attributes[256];
};

static inline struct link_request link_request(int type, int flags)
{
	static unsigned sequence = 100;
	return (struct link_request){
		.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = ++sequence},
	};
}

static inline void attribute(struct link_request *request, int type, const void *value, size_t len)
{
	struct rtattr *next = (struct rtattr *)((char *)request + NLMSG_ALIGN(request->head.nlmsg_len));
	next->rta_type = type;
	next->rta_len = RTA_LENGTH(len);
	memcpy(RTA_DATA(next), value, len);
	request->head.nlmsg_len = NLMSG_ALIGN(request->head.nlmsg_len) + RTA_ALIGN(next->rta_len);
}

static inline void name_attribute(struct link_request *request, const char *name)
{
	attribute(request, IFLA_IFNAME, name, strlen(name) + 1);
}

// IFLA_LINKINFO with a kind.
static inline void kind_attribute(struct link_request *request, const char *kind)
{
	char nested[64];
	struct rtattr *inner = (struct rtattr *)nested;
	inner->rta_type = IFLA_INFO_KIND;
	inner->rta_len = RTA_LENGTH(strlen(kind));
	memset(nested + sizeof *inner, 0, sizeof nested - sizeof *inner);
	memcpy(RTA_DATA(inner), kind, strlen(kind));
	attribute(request, IFLA_LINKINFO, nested, RTA_ALIGN(inner->rta_len));
}

static inline int route_socket(void)
{
	return MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
}

static inline void ask(int fd, const struct link_request *request)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct pollfd polled = {fd, POLLIN, 0};
	CALL_AS("poll before", poll(&polled, 1, 0));
	long sent = sendto(fd, request, request->head.nlmsg_len, 0, SA(kernel), sizeof kernel);
	printf("sent all: %d\n", sent == request->head.nlmsg_len);
}

static inline void say_attribute(const struct rtattr *attribute)
{
	const void *value = RTA_DATA(attribute);
	size_t len = RTA_PAYLOAD(attribute);
	unsigned word = 0;
	memcpy(&word, value, len < 4 ? len : 4);
	switch (attribute->rta_type & NLA_TYPE_MASK) {
	case IFLA_IFNAME: printf("    IFLA_IFNAME %s\n", (const char *)value); break;
	case IFLA_QDISC: printf("    IFLA_QDISC %s\n", (const char *)value); break;
	case IFLA_TXQLEN: printf("    IFLA_TXQLEN %u\n", word); break;
	case IFLA_OPERSTATE: printf("    IFLA_OPERSTATE %u\n", word); break;
	case IFLA_LINKMODE: printf("    IFLA_LINKMODE %u\n", word); break;
	case IFLA_MTU: printf("    IFLA_MTU %u\n", word); break;
	case IFLA_GROUP: printf("    IFLA_GROUP %u\n", word); break;
	case IFLA_PROMISCUITY: printf("    IFLA_PROMISCUITY %u\n", word); break;
	case IFLA_NUM_TX_QUEUES: printf("    IFLA_NUM_TX_QUEUES %u\n", word); break;
	case IFLA_NUM_RX_QUEUES: printf("    IFLA_NUM_RX_QUEUES %u\n", word); break;
	case IFLA_CARRIER: printf("    IFLA_CARRIER %u\n", word); break;
	case IFLA_ADDRESS: printf("    IFLA_ADDRESS, %zu bytes\n", len); break;
	case IFLA_BROADCAST: printf("    IFLA_BROADCAST, %zu bytes\n", len); break;
	case IFLA_STATS64: printf("    IFLA_STATS64 of %d words or more\n", len >= 23 * 8 ? 23 : 0); break;
	case IFLA_LINKINFO: {
		int left = len;
		for (const struct rtattr *inner = value; RTA_OK(inner, left); inner = RTA_NEXT(inner, left))
			if (inner->rta_type == IFLA_INFO_KIND)
				printf("    IFLA_INFO_KIND %.*s\n", (int)RTA_PAYLOAD(inner), (const char *)RTA_DATA(inner));
		break;
	}
	default: break;
	}
}

// A message of the answer. Whether it is the last one.
static inline int say_message(const struct nlmsghdr *message, unsigned sequence, const char *only)
{
	int multi = message->nlmsg_flags & NLM_F_MULTI;
	if (message->nlmsg_seq != sequence)
		printf("another sequence\n");
	if (message->nlmsg_type == NLMSG_DONE) {
		printf("NLMSG_DONE%s\n", multi ? ", NLM_F_MULTI" : "");
		return 1;
	}
	if (message->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *error = NLMSG_DATA(message);
		printf("NLMSG_ERROR %s about type %u\n", error->error ? errno_name(-error->error) : "0", error->msg.nlmsg_type);
		return 1;
	}
	const struct ifinfomsg *link = NLMSG_DATA(message);
	const char *name = "";
	int left = IFLA_PAYLOAD(message);
	for (const struct rtattr *next = IFLA_RTA(link); RTA_OK(next, left); next = RTA_NEXT(next, left))
		if (next->rta_type == IFLA_IFNAME)
			name = RTA_DATA(next);
	if (only && strcmp(only, name) != 0)
		return 0;
	printf("type %u%s: family %u, type %u, flags 0x%x, change 0x%x, index %s\n", message->nlmsg_type, multi ? ", NLM_F_MULTI" : "",
	       link->ifi_family, link->ifi_type, link->ifi_flags, link->ifi_change, link->ifi_index == (int)if_nametoindex(name) ? "of the name" : "another");
	left = IFLA_PAYLOAD(message);
	for (const struct rtattr *next = IFLA_RTA(link); RTA_OK(next, left); next = RTA_NEXT(next, left))
		say_attribute(next);
	return !multi;
}

// Reads until the answer is whole. Of a dump only the named interface is shown. `ack`: an acknowledgement follows.
static inline void say_answer(int fd, unsigned sequence, const char *only, int ack)
{
	static char buffer[1 << 17];
	for (int last = 0; !last;) {
		struct sockaddr_nl from = {0};
		struct iovec part = {NULL, 0};
		struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
		if (!wait_readable(fd)) {
			printf("no answer\n");
			return;
		}
		// As ip(8) does it: the length first.
		long length = recvmsg(fd, &message, MSG_PEEK | MSG_TRUNC);
		part = (struct iovec){buffer, sizeof buffer};
		long got = recvmsg(fd, &message, 0);
		if (length != got || message.msg_flags & MSG_TRUNC || from.nl_pid != 0 || from.nl_family != AF_NETLINK)
			printf("peeked %ld, got %ld, flags %d, from %u\n", length, got, message.msg_flags, from.nl_pid);
		int left = got;
		for (struct nlmsghdr *next = (struct nlmsghdr *)buffer; NLMSG_OK(next, left); next = NLMSG_NEXT(next, left))
			last = say_message(next, sequence, only) && !(ack && next->nlmsg_type == RTM_NEWLINK);
	}
	struct pollfd polled = {fd, POLLIN, 0};
	CALL_AS("poll afterwards", poll(&polled, 1, 0));
}

static inline void exchange(const char *label, const struct link_request *request, const char *only)
{
	int fd = route_socket();
	printf("%s\n", label);
	ask(fd, request);
	int gets = request->head.nlmsg_type == RTM_GETLINK;
	say_answer(fd, request->head.nlmsg_seq, only, gets && request->head.nlmsg_flags & NLM_F_ACK);
	MUST(close(fd));
}

#endif
