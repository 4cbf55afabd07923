// How a program finds the interfaces: libc's functions, and ioctl(2) on sockets of this family and of others.
#include "can.h"
#include <ifaddrs.h>

static void by_libc(void)
{
	char name[IF_NAMESIZE];
	printf("if_nametoindex: vcan0 %s, vcan1 %s, equal: %d\n", if_nametoindex("vcan0") ? "yes" : "no",
	       if_nametoindex("vcan1") ? "yes" : "no", if_nametoindex("vcan0") == if_nametoindex("vcan1"));
	static const char *const none[] = {"vcan", "vcan00", "VCAN0", "", "vcan0 ", "vcan0:1", "a name that is far too long"};
	for (size_t i = 0; i < COUNT(none); i++) {
		errno = UNTOUCHED;
		unsigned index = if_nametoindex(none[i]);
		printf("if_nametoindex(\"%s\") = %s, %s\n", none[i], index ? "an index" : "0", errno_name(errno));
	}
	errno = UNTOUCHED;
	const char *known = if_indextoname(index_of("vcan0"), name);
	printf("if_indextoname(vcan0) = %s, %s\n", known ? known : "NULL", errno_name(errno));
	static const unsigned numbers[] = {0, 987654, UINT32_MAX};
	for (size_t i = 0; i < COUNT(numbers); i++) {
		errno = UNTOUCHED;
		known = if_indextoname(numbers[i], name);
		printf("if_indextoname(%u) = %s, %s\n", numbers[i], known ? known : "NULL", errno_name(errno));
	}
	int times[2] = {0}, right = 0;
	struct if_nameindex *all = if_nameindex();
	for (struct if_nameindex *each = all; each->if_index; each++)
		for (int i = 0; i < 2; i++)
			if (strcmp(each->if_name, i ? "vcan1" : "vcan0") == 0) {
				times[i]++;
				right += (int)each->if_index == index_of(each->if_name);
			}
	if_freenameindex(all);
	printf("if_nameindex: vcan0 %d times, vcan1 %d times, right index %d times\n", times[0], times[1], right);

	struct ifaddrs *addresses;
	MUST(getifaddrs(&addresses));
	int lo = 0;
	for (struct ifaddrs *each = addresses; each; each = each->ifa_next) {
		lo += strcmp(each->ifa_name, "lo") == 0;
		if (strcmp(each->ifa_name, "vcan0") && strcmp(each->ifa_name, "vcan1"))
			continue;
		printf("getifaddrs: %s, flags %#x, family %d, netmask %s, broadcast %s, data %s\n", each->ifa_name, each->ifa_flags,
		       each->ifa_addr ? each->ifa_addr->sa_family : -1, each->ifa_netmask ? "yes" : "no",
		       each->ifa_broadaddr ? "yes" : "no", each->ifa_data ? "yes" : "no");
		if (each->ifa_addr && each->ifa_addr->sa_family == AF_PACKET) {
			struct { unsigned short family, protocol; int index; unsigned short type; unsigned char kind, length; } *link = (void *)each->ifa_addr;
			printf("    protocol %d, index %s, hardware %d, packet type %d, length %d\n", link->protocol,
			       interface_name(link->index), link->type, link->kind, link->length);
		}
	}
	printf("getifaddrs: lo is there: %d\n", lo > 0);
	freeifaddrs(addresses);
}

static const struct {
	const char *name;
	unsigned long number;
} requests[] = {
	{"SIOCGIFFLAGS", SIOCGIFFLAGS},     {"SIOCGIFMETRIC", SIOCGIFMETRIC}, {"SIOCGIFMTU", SIOCGIFMTU},
	{"SIOCGIFTXQLEN", SIOCGIFTXQLEN},   {"SIOCGIFHWADDR", SIOCGIFHWADDR}, {"SIOCGIFADDR", SIOCGIFADDR},
	{"SIOCGIFDSTADDR", SIOCGIFDSTADDR}, {"SIOCGIFBRDADDR", SIOCGIFBRDADDR}, {"SIOCGIFNETMASK", SIOCGIFNETMASK},
	{"SIOCGIFMEM", SIOCGIFMEM},         {"SIOCGIFENCAP", SIOCGIFENCAP}, {"SIOCGIFSLAVE", SIOCGIFSLAVE},
	{"SIOCGIFPFLAGS", SIOCGIFPFLAGS},   {"SIOCGMIIPHY", 0x8947},          {"SIOCGHWTSTAMP", 0x89b1},
	{"SIOCGIFBR", SIOCGIFBR},           {"SIOCETHTOOL", SIOCETHTOOL},     {"SIOCDEVPRIVATE", SIOCDEVPRIVATE},
	{"SIOCGIFMAP", SIOCGIFMAP},         {"SIOCGIFCOUNT", SIOCGIFCOUNT},   {"SIOCGIFINDEX", SIOCGIFINDEX},
	{"an unknown one", 0x8999},         {"SIOCGARP", SIOCGARP},           {"SIOCGIFVLAN", 0x8982},
};

static void by_ioctl(const char *kind, int fd)
{
	struct ifreq request;
	static const char *const names[] = {"vcan0", "vcan1", "vcancc", "vcanfd", "vcanxl"};
	for (size_t i = 0; i < COUNT(names); i++) {
		memset(&request, 0, sizeof request);
		strcpy(request.ifr_name, names[i]);
		if (CALL_AS(text("%s: SIOCGIFINDEX %s", kind, names[i]), ioctl(fd, SIOCGIFINDEX, &request)) == 0)
			printf("    the index of %s\n", interface_name(request.ifr_ifindex));
		if (CALL_AS(text("%s: SIOCGIFMTU %s", kind, names[i]), ioctl(fd, SIOCGIFMTU, &request)) == 0)
			printf("    %d\n", request.ifr_mtu);
	}
	for (size_t i = 0; i < COUNT(requests); i++) {
		// For some of them the name is followed by a pointer.
		memset(&request, 0, sizeof request);
		strcpy(request.ifr_name, "vcan0");
		if (CALL_AS(text("%s: %s of vcan0", kind, requests[i].name), ioctl(fd, requests[i].number, &request)) < 0)
			continue;
		switch (requests[i].number) {
		case SIOCGIFFLAGS:
			printf("    %#hx\n", request.ifr_flags);
			break;
		case SIOCGIFMTU:
		case SIOCGIFTXQLEN:
		case SIOCGIFMETRIC:
			printf("    %d\n", request.ifr_metric);
			break;
		case SIOCGIFHWADDR:
			printf("    hardware %d, ", request.ifr_hwaddr.sa_family);
			for (int byte = 0; byte < 14; byte++)
				printf("%02x", (unsigned char)request.ifr_hwaddr.sa_data[byte]);
			printf("\n");
			break;
		}
	}
	static const char *const none[] = {"vcan", "vcan00", "", "vcan0:1", "lo"};
	for (size_t i = 0; i < COUNT(none); i++) {
		memset(&request, 0, sizeof request);
		strcpy(request.ifr_name, none[i]);
		CALL_AS(text("%s: SIOCGIFINDEX '%s'", kind, none[i]), ioctl(fd, SIOCGIFINDEX, &request));
		memset(&request, 0, sizeof request);
		strcpy(request.ifr_name, none[i]);
		CALL_AS(text("%s: SIOCGIFMTU '%s'", kind, none[i]), ioctl(fd, SIOCGIFMTU, &request));
	}
	memset(&request, 'x', sizeof request);
	CALL_AS(text("%s: SIOCGIFINDEX, a name without an end", kind), ioctl(fd, SIOCGIFINDEX, &request));
	memset(&request, 'x', sizeof request);
	request.ifr_ifindex = index_of("vcan0");
	if (CALL_AS(text("%s: SIOCGIFNAME of vcan0's index", kind), ioctl(fd, SIOCGIFNAME, &request)) == 0)
		printf("    %s\n", request.ifr_name);
	static const int numbers[] = {0, -1, 987654};
	for (size_t i = 0; i < COUNT(numbers); i++) {
		request.ifr_ifindex = numbers[i];
		CALL_AS(text("%s: SIOCGIFNAME of %d", kind, numbers[i]), ioctl(fd, SIOCGIFNAME, &request));
	}
	CALL_AS(text("%s: SIOCGIFINDEX, NULL", kind), ioctl(fd, SIOCGIFINDEX, NULL));
	CALL_AS(text("%s: SIOCGIFNAME, no memory", kind), ioctl(fd, SIOCGIFNAME, NOWHERE));
	CALL_AS(text("%s: SIOCGIFMTU, no memory", kind), ioctl(fd, SIOCGIFMTU, NOWHERE));

	// Those that change something, as a user who may not.
	memset(&request, 0, sizeof request);
	strcpy(request.ifr_name, "vcan0");
	request.ifr_flags = 0;
	CALL_AS(text("%s: SIOCSIFFLAGS", kind), ioctl(fd, SIOCSIFFLAGS, &request));
	request.ifr_mtu = 16;
	CALL_AS(text("%s: SIOCSIFMTU", kind), ioctl(fd, SIOCSIFMTU, &request));
	CALL_AS(text("%s: SIOCSIFTXQLEN", kind), ioctl(fd, SIOCSIFTXQLEN, &request));
	CALL_AS(text("%s: SIOCSIFADDR", kind), ioctl(fd, SIOCSIFADDR, &request));
	CALL_AS(text("%s: SIOCSIFNAME", kind), ioctl(fd, SIOCSIFNAME, &request));

	char entries[40 * sizeof(struct ifreq)];
	struct ifconf list = {.ifc_len = sizeof entries, .ifc_buf = entries};
	if (CALL_AS(text("%s: SIOCGIFCONF", kind), ioctl(fd, SIOCGIFCONF, &list)) == 0) {
		int can = 0, lo = 0;
		for (size_t i = 0; i < list.ifc_len / sizeof(struct ifreq); i++) {
			can += !!strstr(list.ifc_req[i].ifr_name, "can");
			lo += !strcmp(list.ifc_req[i].ifr_name, "lo");
		}
		printf("    lists lo %d times, those of this family %d times\n", lo, can);
	}
}

int main(void)
{
	by_libc();
	by_ioctl("CAN_RAW", unbound());
	by_ioctl("CAN_RAW, bound", raw_on("vcan0"));
	by_ioctl("CAN_BCM", MUST(socket(AF_CAN, SOCK_DGRAM, CAN_BCM)));
	by_ioctl("CAN_ISOTP", MUST(socket(AF_CAN, SOCK_DGRAM, CAN_ISOTP)));
	by_ioctl("CAN_J1939", MUST(socket(AF_CAN, SOCK_DGRAM, CAN_J1939)));
	by_ioctl("AF_INET", MUST(socket(AF_INET, SOCK_DGRAM, 0)));
	by_ioctl("AF_INET stream", MUST(socket(AF_INET, SOCK_STREAM, 0)));
	by_ioctl("AF_UNIX", MUST(socket(AF_UNIX, SOCK_DGRAM, 0)));
}
