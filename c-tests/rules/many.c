// sendmmsg(2) with messages to several addresses, in as many calls as it takes: a message that cannot be sent is left out.

#include "address.h"
#include <sys/uio.h>

static const int PORTS[] = {7101, 7102, 7103, 7109};
enum { PORT_COUNT = sizeof(PORTS) / sizeof(*PORTS) };
static int sinks[PORT_COUNT];

static void send_to(const int *ports, int count)
{
	struct mmsghdr messages[8];
	struct address to[8];
	struct iovec part = {"x", 1};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), at = 0;
	char byte;

	for (int i = 0; i < count; i++) {
		char text[40];
		snprintf(text, sizeof(text), "127.0.0.1:%d", ports[i]);
		to[i] = address_of(text);
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &to[i].any, .msg_namelen = to[i].length, .msg_iov = &part, .msg_iovlen = 1}};
		printf("%d%s", ports[i], i + 1 < count ? " " : ":");
	}
	while (at < count) {
		int sent = sendmmsg(fd, messages + at, count - at, 0);
		printf(" %d", sent);
		if (sent < 0)
			printf(" %s", strerrorname_np(errno));
		for (int i = 0; i < sent; i++)
			if (messages[at + i].msg_len != 1)
				printf(" of %u", messages[at + i].msg_len);
		at += sent < 0 ? 1 : sent;
	}
	printf(", arrived");
	for (int i = 0; i < PORT_COUNT; i++) {
		int arrived = 0;
		while (RAW(SYS_recvfrom, sinks[i], &byte, 1, MSG_DONTWAIT, 0, 0) == 1)
			arrived++;
		if (arrived > 0)
			printf(" %d %d", PORTS[i], arrived);
	}
	printf("\n");
	close(fd);
}

int main(void)
{
	for (int i = 0; i < PORT_COUNT; i++) {
		char text[40];
		snprintf(text, sizeof(text), "127.0.0.1:%d", PORTS[i]);
		struct address at = address_of(text);
		sinks[i] = MUST_RAW(SYS_socket, AF_INET, SOCK_DGRAM, 0);
		MUST_RAW(SYS_bind, sinks[i], &at.any, at.length);
	}
	send_to((int[]){7101, 7101, 7102, 7101, 7103, 7101}, 6);
	send_to((int[]){7103, 7101}, 2);
	send_to((int[]){7102, 7102, 7101}, 3);
	send_to((int[]){7101, 7101, 7101}, 3);
	return 0;
}
