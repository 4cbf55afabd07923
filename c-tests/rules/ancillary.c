// Messages with control data, sent and received in short pieces.
//
//     ancillary LENGTH     how many bytes each call is about: with a limit of 1, every call of 8 bytes is like one of 1
//
// It prints what arrives, with what control data, and what the header says afterwards.

#include "address.h"
#include <linux/net_tstamp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>

static size_t length;

union control {
	char bytes[256];
	struct cmsghdr aligned;
};

static void put(struct msghdr *message, union control *control, int type, const void *data, size_t size)
{
	control->aligned = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = type, .cmsg_len = CMSG_LEN(size)};
	memcpy(CMSG_DATA(&control->aligned), data, size);
	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(size);
}

static void say(const char *what, long result, const struct msghdr *message, const char *got)
{
	printf("%s: %ld", what, result);
	if (result < 0) {
		printf(" %s\n", strerrorname_np(errno));
		return;
	}
	printf(" \"%.*s\", flags %#x, control %zu, name %u", (int)result, got, message->msg_flags, message->msg_controllen,
	       message->msg_namelen);
	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR((struct msghdr *)message, head)) {
		printf(", level %d type %d of %zu", head->cmsg_level, head->cmsg_type, head->cmsg_len);
		if (head->cmsg_type == SCM_RIGHTS && head->cmsg_level == SOL_SOCKET) {
			size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			for (size_t i = 0; i < count; i++) {
				int fd;
				struct stat status;
				memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof(fd));
				printf(" %s", fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) ? "socket" : "other");
				close(fd);
			}
		}
	}
	printf("\n");
}

static long receive(int fd, bool many, const char *what, size_t control_length)
{
	static char got[64];
	union control control;
	struct sockaddr_storage from;
	struct iovec parts[] = {{got, 0}, {got, length}};
	struct mmsghdr message = {.msg_hdr = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = &control,
					       .msg_controllen = control_length, .msg_name = &from, .msg_namelen = sizeof(from)}};
	long result = many ? recvmmsg(fd, &message, 1, MSG_DONTWAIT, NULL) : recvmsg(fd, &message.msg_hdr, MSG_DONTWAIT);

	if (many && result == 1)
		result = message.msg_len;
	say(what, result, &message.msg_hdr, got);
	return result;
}

static long transmit(int fd, bool many, int type, const void *data, size_t size)
{
	char text[] = "abcdefgh";
	union control control;
	struct iovec parts[] = {{text, 0}, {text, length}};
	struct mmsghdr message = {.msg_hdr = {.msg_iov = parts, .msg_iovlen = 2}};
	long result;

	if (size > 0)
		put(&message.msg_hdr, &control, type, data, size);
	result = many ? sendmmsg(fd, &message, 1, 0) : sendmsg(fd, &message.msg_hdr, 0);
	if (many && result == 1)
		result = message.msg_len;
	printf("sent %ld %s\n", result, result < 0 ? strerrorname_np(errno) : "");
	return result;
}

// The kernel begins to note when packets arrive a little after it was asked to.
static void wait_for_stamps(int tcp[2])
{
	char byte = 'x';
	union control control;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	do {
		usleep(1000);
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		MUST_RAW(SYS_write, tcp[0], &byte, 1);
		MUST_RAW(SYS_recvmsg, tcp[1], &message, 0);
	} while (message.msg_controllen == 0);
}

int main(int argc, char **argv)
{
	int pair[2], packets[2], on = 1, tcp[2], passed[2];
	struct address at = address_of("127.0.0.1:7001");

	if (argc < 2)
		return 2;
	length = atoi(argv[1]);
	alarm(20);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || socketpair(AF_UNIX, SOCK_DGRAM, 0, packets) < 0)
		return 3;
	passed[0] = pair[1];
	passed[1] = 0;
	for (int many = 0; many < 2; many++) {
		printf("descriptors, many %d\n", many);
		transmit(pair[0], many, SCM_RIGHTS, passed, sizeof(passed));
		transmit(pair[0], many, 0, NULL, 0);
		transmit(pair[0], many, SCM_RIGHTS, passed, sizeof(int));
		while (receive(pair[1], many, "got", sizeof(union control)) > 0)
			;
		printf("no room for them\n");
		transmit(pair[0], many, SCM_RIGHTS, passed, sizeof(passed));
		while (receive(pair[1], many, "got", CMSG_SPACE(0)) > 0)
			;
	}
	printf("credentials\n");
	setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	transmit(pair[0], false, 0, NULL, 0);
	while (receive(pair[1], false, "got", sizeof(union control)) > 0)
		;
	setsockopt(packets[1], SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on));
	setsockopt(packets[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	printf("timestamps of a stream\n");
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	tcp[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, &at.any, at.length) < 0 || listen(listener, 1) < 0 || connect(tcp[0], &at.any, at.length) < 0)
		return 3;
	tcp[1] = accept(listener, NULL, NULL);
	setsockopt(tcp[1], SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on));
	wait_for_stamps(tcp);
	for (int many = 0; many < 2; many++) {
		transmit(tcp[0], many, 0, NULL, 0);
		while (receive(tcp[1], many, "got", sizeof(union control)) > 0)
			;
	}
	// Nor is what comes from the error queue: the packet that was sent, with the time.
	int stamps = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	static char packet[200];
	struct iovec room = {packet, sizeof(packet)};
	struct msghdr queued = {.msg_iov = &room, .msg_iovlen = 1};
	setsockopt(tcp[0], SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof(stamps));
	MUST_RAW(SYS_write, tcp[0], "abcdefgh", 8);
	poll(&(struct pollfd){tcp[0], 0, 0}, 1, -1);
	long whole = recvmsg(tcp[0], &queued, MSG_ERRQUEUE);
	printf("error queue: %s, flags %#x\n", whole > 8 ? "a packet" : "less", queued.msg_flags);
	// Datagrams are not shortened: always of 8 bytes.
	length = 8;
	for (int many = 0; many < 2; many++) {
		printf("datagrams, many %d\n", many);
		transmit(packets[0], many, SCM_RIGHTS, passed, sizeof(passed));
		transmit(packets[0], many, 0, NULL, 0);
		while (receive(packets[1], many, "got", sizeof(union control)) > 0)
			;
	}
	return 0;
}
