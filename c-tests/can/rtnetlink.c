// What AF_NETLINK tells of the interfaces, and what it refuses who is not root.
#include "rtnetlink.h"

static void get(const char *label, const char *name, int index, int flags)
{
	struct link_request request = link_request(RTM_GETLINK, flags);
	request.link.ifi_index = index;
	if (name)
		name_attribute(&request, name);
	exchange(label, &request, NULL);
}

static void dump(const char *label, const char *only, const char *kind, int bare)
{
	struct link_request request = link_request(RTM_GETLINK, NLM_F_DUMP);
	if (bare) {
		// As glibc asks: a family alone.
		request.head.nlmsg_len = NLMSG_LENGTH(1);
	} else {
		unsigned mask = RTEXT_FILTER_SKIP_STATS;
		attribute(&request, IFLA_EXT_MASK, &mask, sizeof mask);
		if (kind)
			kind_attribute(&request, kind);
	}
	exchange(label, &request, only);
}

// A buffer that is too small loses the rest.
static void small_buffer(void)
{
	int fd = route_socket();
	char small[40];
	struct link_request request = link_request(RTM_GETLINK, 0);
	name_attribute(&request, "vcan0");
	ask(fd, &request);
	wait_readable(fd);
	struct iovec part = {small, sizeof small};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	CALL(recvmsg(fd, &message, 0));
	printf("    MSG_TRUNC %d, length beyond it: %d\n", !!(message.msg_flags & MSG_TRUNC), ((struct nlmsghdr *)small)->nlmsg_len > sizeof small);
	CALL(recv(fd, small, sizeof small, MSG_DONTWAIT));
	MUST(close(fd));
}

// Two requests in one message, and one that is not about links between them.
static void several(void)
{
	struct {
		struct link_request one;
		char room[1024];
	} all = {.one = link_request(RTM_GETLINK, 0)};
	int fd = route_socket();
	name_attribute(&all.one, "vcan0");
	struct link_request two = link_request(RTM_GETLINK, 0);
	name_attribute(&two, "lo");
	struct link_request three = link_request(RTM_GETLINK, 0);
	name_attribute(&three, "vcan1");
	char message[1024];
	size_t len = 0;
	const struct link_request *requests[] = {&all.one, &two, &three};
	for (int i = 0; i < 3; i++) {
		memcpy(message + len, requests[i], requests[i]->head.nlmsg_len);
		len += NLMSG_ALIGN(requests[i]->head.nlmsg_len);
	}
	printf("three in one\nsent all: %d\n", send(fd, message, len, 0) == (long)len);
	for (int i = 0; i < 3; i++) {
		static char buffer[1 << 16];
		wait_readable(fd);
		long got = recv(fd, buffer, sizeof buffer, 0);
		struct nlmsghdr *head = (struct nlmsghdr *)buffer;
		const char *name = "";
		int left = IFLA_PAYLOAD(head);
		for (struct rtattr *next = IFLA_RTA(NLMSG_DATA(head)); RTA_OK(next, left); next = RTA_NEXT(next, left))
			if (next->rta_type == IFLA_IFNAME)
				name = RTA_DATA(next);
		printf("    %d %s, sequence %d\n", got > 0 ? head->nlmsg_type : -1, name, head->nlmsg_seq == requests[i]->head.nlmsg_seq);
	}
	MUST(close(fd));
}

int main(void)
{
	int vcan0 = index_of("vcan0");

	get("by name", "vcan0", 0, 0);
	get("by name, with an acknowledgement", "vcan1", 0, NLM_F_ACK);
	get("by index", NULL, vcan0, 0);
	get("by index and another name", "vcan1", vcan0, 0);
	get("by a name that there is not", "nosuch0", 0, 0);
	get("classic", "vcancc", 0, 0);
	get("CAN XL", "vcanxl", 0, 0);
	dump("dump", "vcan0", NULL, 0);
	dump("dump of a kind", "vcan1", "vcan", 0);
	dump("dump of a family", "vcan0", NULL, 1);
	dump("dump, lo", "lo", NULL, 0);
	small_buffer();
	several();

	struct link_request request = link_request(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	name_attribute(&request, "vcan7");
	kind_attribute(&request, "vcan");
	exchange("add", &request, NULL);
	request = link_request(RTM_NEWLINK, NLM_F_ACK);
	request.link = (struct ifinfomsg){.ifi_index = vcan0, .ifi_change = IFF_UP};
	exchange("set down", &request, NULL);
	request = link_request(RTM_SETLINK, NLM_F_ACK);
	request.link.ifi_index = vcan0;
	attribute(&request, IFLA_MTU, &(unsigned){16}, 4);
	exchange("set mtu", &request, NULL);
	request = link_request(RTM_DELLINK, NLM_F_ACK);
	request.link.ifi_index = vcan0;
	exchange("delete", &request, NULL);
}
