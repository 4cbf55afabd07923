// Buffers that are shorter than what the kernel has to say, at the very end of what is mapped: the kernel writes what fits and
// says how long it would have been, and nobody may look at more.
#include "../transcript.h"
#include <linux/filter.h>
#include <linux/netlink.h>

// So many bytes with nothing behind them.
static void *last(size_t bytes)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(munmap(page + 4096, 4096));
	return page + 4096 - bytes;
}

static struct sockaddr_un address;

static void names(int length, int size)
{
	int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	memset(address.sun_path + 1, 'a', length);
	MUST(bind(fd, SA(address), offsetof(struct sockaddr_un, sun_path) + 1 + length));
	socklen_t given = size;
	CALL_AS(text("getsockname of %d bytes into %d", length, size), getsockname(fd, last(size), &given));
	printf("  which are %d\n", (int)given);
	MUST(close(fd));
}

int main(void)
{
	address.sun_family = AF_UNIX;
	// The second time each call is one of many.
	for (int round = 0; round < 3; round++) {
		names(20, 23);
		names(20, 7);
		names(100, 90);
		names(100, 40);
		names(100, 0);
	}

	struct sockaddr_in inet = inet4("127.0.0.1", 0);
	socklen_t length = sizeof inet;
	int listener = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(bind(listener, SA(inet), length));
	MUST(listen(listener, 5));
	MUST(getsockname(listener, SA(inet), &length));
	for (int size = 0; size <= 16; size += 4) {
		int client = MUST(socket(AF_INET, SOCK_STREAM, 0));
		MUST(connect(client, SA(inet), sizeof inet));
		length = size;
		int accepted = accept(listener, last(size), &length);
		printf("accept into %d bytes: %d, which are %d\n", size, accepted >= 0, (int)length);
		length = size;
		CALL_AS("  getpeername", getpeername(accepted, last(size), &length));
		MUST(close(accepted));
		MUST(close(client));
	}

	// Lengths that are not those of what was written.
	struct sock_filter all[4] = {{6, 0, 0, 0xffff}, {6, 0, 0, 0xffff}, {6, 0, 0, 0xffff}, {6, 0, 0, 0xffff}};
	struct sock_fprog filter = {COUNT(all), all};
	int udp = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	MUST(setsockopt(udp, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter));
	int netlink = MUST(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	for (int round = 0; round < 3; round++) {
		length = 0;
		CALL_AS("SO_GET_FILTER without a buffer", getsockopt(udp, SOL_SOCKET, SO_GET_FILTER, NULL, &length));
		printf("  needs %d instructions\n", (int)length);
		length = 4;
		CALL_AS("SO_GET_FILTER", getsockopt(udp, SOL_SOCKET, SO_GET_FILTER, last(32), &length));
		length = 0;
		CALL_AS("NETLINK_LIST_MEMBERSHIPS without a buffer", getsockopt(netlink, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, NULL, &length));
		printf("  needs a buffer %d\n", length > 0);
		length = 2;
		CALL_AS("SO_TYPE into two bytes", getsockopt(udp, SOL_SOCKET, SO_TYPE, last(2), &length));
		printf("  which are %d\n", (int)length);
	}
}
