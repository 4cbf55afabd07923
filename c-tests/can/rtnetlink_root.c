// What root changes by AF_NETLINK.
// runs as: root
#include "rtnetlink.h"

static void change(const char *label, int type, int flags, const char *name, unsigned up, unsigned mask, unsigned mtu)
{
	struct link_request request = link_request(type, NLM_F_ACK | flags);
	request.link.ifi_flags = up;
	request.link.ifi_change = mask;
	name_attribute(&request, name);
	if (mtu)
		attribute(&request, IFLA_MTU, &mtu, sizeof mtu);
	exchange(label, &request, NULL);
}

static void add(const char *label, const char *name, const char *kind, int flags)
{
	struct link_request request = link_request(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | flags);
	if (name)
		name_attribute(&request, name);
	if (kind)
		kind_attribute(&request, kind);
	exchange(label, &request, NULL);
}

static void show(const char *name)
{
	struct link_request request = link_request(RTM_GETLINK, 0);
	name_attribute(&request, name);
	exchange(name, &request, NULL);
}

int main(void)
{
	index_of("vcan0");
	add("add", "vcan7", "vcan", NLM_F_EXCL);
	show("vcan7");
	add("add again", "vcan7", "vcan", NLM_F_EXCL);
	add("add again, not exclusively", "vcan7", "vcan", 0);
	add("add an unknown kind", "vcan8", "nosuchkind", NLM_F_EXCL);
	change("mtu of a link that is down", RTM_NEWLINK, 0, "vcan7", 0, 0, 16);
	show("vcan7");
	change("a wrong mtu", RTM_NEWLINK, 0, "vcan7", 0, 0, 17);
	change("up", RTM_NEWLINK, 0, "vcan7", IFF_UP, IFF_UP, 0);
	show("vcan7");
	int fd = raw_on("vcan7"), reader = raw_on("vcan7");
	send_frame(fd, 0x123, 1);
	say_next("a frame", reader);
	change("mtu of a link that is up", RTM_NEWLINK, 0, "vcan7", 0, 0, 72);
	change("down", RTM_SETLINK, 0, "vcan7", 0, IFF_UP, 0);
	show("vcan7");
	change("an interface that there is not", RTM_NEWLINK, 0, "nosuch0", IFF_UP, IFF_UP, 0);
	change("delete", RTM_DELLINK, 0, "vcan7", 0, 0, 0);
	show("vcan7");
	change("delete again", RTM_DELLINK, 0, "vcan7", 0, 0, 0);
	printf("index: %u\n", if_nametoindex("vcan7"));
}
