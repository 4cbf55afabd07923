// Receiving: names, buffers that are too short, flags, vectors.
#include "can.h"

static int writer, reader;

static void say_message(const char *label, int flags, size_t size, socklen_t name_length, int input)
{
	char bytes[128];
	unsigned char name[64];
	memset(bytes, 0xee, sizeof bytes);
	memset(name, 0xee, sizeof name);
	struct iovec part = {bytes, size};
	struct msghdr message = {.msg_name = name, .msg_namelen = name_length, .msg_iov = &part, .msg_iovlen = 1, .msg_flags = input};
	MUST(wait_readable(reader));
	errno = UNTOUCHED;
	long result = recvmsg(reader, &message, flags | MSG_DONTWAIT);
	printf("%s: %ld %s, namelen %d, %s, byte %s is not written", label, result, result < 0 ? errno_name(errno) : "", (int)message.msg_namelen,
	       flag_names(message.msg_flags), text("%zu", size));
	printf("%s\n", size < sizeof bytes && bytes[size] == (char)0xee ? "" : ": it is");
	struct sockaddr_can address;
	memcpy(&address, name, sizeof address);
	if (name_length >= 2)
		printf("    family %d", address.can_family);
	if (name_length >= 8)
		printf(", %s", interface_name(address.can_ifindex));
	// Behind the name nothing is written.
	size_t end = name_length < 8 ? name_length : 8;
	printf("    byte %zu of the name is written: %s\n", end, name[end] == 0xee ? "no" : "yes");
}

int main(void)
{
	writer = raw_on("vcan0");
	reader = raw_on("vcan0");
	set_raw(writer, CAN_RAW_FD_FRAMES, 1);
	set_raw(reader, CAN_RAW_FD_FRAMES, 1);
	char bytes[128];
	CALL_AS("nothing there", recv(reader, bytes, sizeof bytes, MSG_DONTWAIT));
	CALL_AS("nothing there, no buffer", recv(reader, NULL, 0, MSG_DONTWAIT));

	static const int lengths[] = {0, 1, 2, 4, 7, 8, 9, 12, 16, 24, 28, 64};
	for (size_t i = 0; i < COUNT(lengths); i++) {
		send_frame(writer, 0x100, 3);
		say_message(text("name of %d", lengths[i]), 0, 16, lengths[i], 0);
	}
	static const int sizes[] = {0, 1, 4, 5, 8, 15, 16, 17, 72, 100};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		send_frame(writer, 0x101, 3);
		say_message(text("buffer of %d", sizes[i]), 0, sizes[i], 24, 0);
		send_frame(writer, 0x101, 3);
		say_message(text("buffer of %d, MSG_TRUNC", sizes[i]), MSG_TRUNC, sizes[i], 24, 0);
		say_nothing_more("    the rest", reader);
	}
	struct canfd_frame frame = flexible(0x102, 20);
	for (int size = 0; size <= 73; size += size < 70 ? 10 : 1) {
		MUST(write(writer, &frame, sizeof frame));
		say_message(text("FD frame, buffer of %d", size), 0, size, 24, 0);
	}
	send_frame(writer, 0x103, 1);
	say_message("flags as input", 0, 16, 24, MSG_TRUNC | MSG_CONFIRM | MSG_OOB);

	// Peeking.
	send_frame(writer, 0x104, 1);
	send_frame(writer, 0x105, 2);
	say_message("MSG_PEEK", MSG_PEEK, 16, 24, 0);
	say_message("MSG_PEEK, short", MSG_PEEK, 4, 24, 0);
	say_message("MSG_PEEK|MSG_TRUNC, short", MSG_PEEK | MSG_TRUNC, 4, 24, 0);
	CALL_AS("MSG_PEEK|MSG_TRUNC, no buffer", recv(reader, NULL, 0, MSG_PEEK | MSG_TRUNC));
	say_next("then the first", reader);
	say_next("then the second", reader);
	say_nothing_more("peeked", reader);

	// Other flags.
	static const struct {
		const char *name;
		int flag;
	} flags[] = {
		{"MSG_OOB", MSG_OOB}, {"MSG_WAITALL", MSG_WAITALL}, {"MSG_DONTROUTE", MSG_DONTROUTE}, {"MSG_CONFIRM", MSG_CONFIRM},
		{"MSG_EOR", MSG_EOR}, {"MSG_NOSIGNAL", MSG_NOSIGNAL}, {"MSG_CMSG_CLOEXEC", MSG_CMSG_CLOEXEC}, {"MSG_WAITFORONE", MSG_WAITFORONE},
		{"MSG_ERRQUEUE", MSG_ERRQUEUE}, {"all bits but those", 0x7f000},
	};
	for (size_t i = 0; i < COUNT(flags); i++) {
		send_frame(writer, 0x106, 1);
		MUST(wait_readable(reader));
		say_message(flags[i].name, flags[i].flag & ~MSG_ERRQUEUE, 16, 24, 0);
	}
	send_frame(writer, 0x107, 1);
	MUST(wait_readable(reader));
	CALL_AS("MSG_ERRQUEUE, a frame is there", recv(reader, bytes, sizeof bytes, MSG_ERRQUEUE));
	CALL_AS("no memory", recv(reader, NOWHERE, 16, 0));
	say_nothing_more("it is lost", reader);
	send_frame(writer, 0x108, 1);
	MUST(wait_readable(reader));
	CALL_AS("no memory for the name", recvfrom(reader, bytes, 16, 0, NOWHERE, &(socklen_t){24}));
	say_nothing_more("it is lost", reader);
	send_frame(writer, 0x109, 1);
	MUST(wait_readable(reader));
	CALL_AS("no memory for the length", recvfrom(reader, bytes, 16, 0, (struct sockaddr *)bytes, NOWHERE));
	say_nothing_more("it is lost", reader);
	send_frame(writer, 0x10a, 1);
	MUST(wait_readable(reader));
	CALL_AS("length -1", recvfrom(reader, bytes, 16, 0, (struct sockaddr *)bytes, &(socklen_t){-1}));
	say_nothing_more("it is lost", reader);
	struct msghdr message = {0};
	send_frame(writer, 0x10b, 1);
	MUST(wait_readable(reader));
	CALL_AS("recvmsg without a buffer", recvmsg(reader, &message, 0));
	printf("    %s\n", flag_names(message.msg_flags));
	message.msg_iovlen = 1025;
	CALL_AS("recvmsg with 1025 buffers", recvmsg(reader, &message, MSG_DONTWAIT));
	CALL_AS("recvmsg from no memory", recvmsg(reader, NOWHERE, MSG_DONTWAIT));

	// recvfrom's length.
	for (int length = 0; length <= 24; length += 4) {
		struct sockaddr_storage from = {0};
		socklen_t given = length;
		send_frame(writer, 0x10c, 1);
		MUST(wait_readable(reader));
		CALL_AS(text("recvfrom, length %d", length), recvfrom(reader, bytes, 16, 0, SA(from), &given));
		printf("    length then %d, family %d\n", (int)given, from.ss_family);
	}
	socklen_t given = 24;
	send_frame(writer, 0x10c, 1);
	MUST(wait_readable(reader));
	CALL_AS("recvfrom, no name but a length", recvfrom(reader, bytes, 16, 0, NULL, &given));
	printf("    length then %d\n", (int)given);

	// read and readv.
	struct iovec parts[3] = {{bytes, 4}, {bytes + 20, 4}, {bytes + 40, 30}};
	memset(bytes, 0, sizeof bytes);
	send_frame(writer, 0x10d, 8);
	MUST(wait_readable(reader));
	CALL_AS("readv", readv(reader, parts, 3));
	printf("    %02x %02x, %02x, %02x %02x %02x\n", (uint8_t)bytes[0], (uint8_t)bytes[1], (uint8_t)bytes[20], (uint8_t)bytes[40], (uint8_t)bytes[47], (uint8_t)bytes[48]);
	send_frame(writer, 0x10d, 8);
	MUST(wait_readable(reader));
	CALL_AS("readv, 8 of 16", readv(reader, parts, 2));
	say_nothing_more("    the rest", reader);
	send_frame(writer, 0x10e, 8);
	MUST(wait_readable(reader));
	CALL_AS("read of nothing", read(reader, bytes, 0));
	CALL_AS("read, 10 of 16", read(reader, bytes, 10));
	say_nothing_more("    the rest", reader);
	send_frame(writer, 0x10e, 8);
	MUST(wait_readable(reader));
	CALL_AS("readv of nothing", readv(reader, parts, 0));
	CALL_AS("read to no memory", read(reader, NOWHERE, 16));
	say_nothing_more("    it is lost", reader);
	CALL_AS("pread", pread(reader, bytes, 16, 0));
	send_frame(writer, 0x10f, 8);
	MUST(wait_readable(reader));
	CALL_AS("preadv2, offset -1", preadv2(reader, parts, 3, -1, 0));
}
