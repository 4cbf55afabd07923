// Every way to send: one call is one frame, however many pieces it is in.
#include "can.h"
#include <sys/sendfile.h>

int main(void)
{
	struct can_frame frame = classic(0x123, 4), two[2] = {classic(0x201, 1), classic(0x202, 2)};
	struct sockaddr_can vcan0 = on("vcan0"), vcan1 = on("vcan1");
	int writer = raw_on("vcan0"), reader = raw_on("vcan0"), reader1 = raw_on("vcan1");

	struct iovec bytes[16], halves[2] = {{&frame, 8}, {frame.data, 8}}, empty[3] = {{NULL, 0}, {&frame, sizeof frame}, {NULL, 0}};
	for (int i = 0; i < 16; i++)
		bytes[i] = (struct iovec){(char *)&frame + i, 1};
	CALL_AS("writev of 16 bytes, one by one", writev(writer, bytes, 16));
	say_next("    arrives", reader);
	CALL_AS("writev of two halves", writev(writer, halves, 2));
	say_next("    arrives", reader);
	CALL_AS("writev with empty pieces", writev(writer, empty, 3));
	say_next("    arrives", reader);
	CALL_AS("writev of 15 bytes", writev(writer, bytes, 15));
	struct iovec frames[2] = {{&two[0], 16}, {&two[1], 16}};
	CALL_AS("writev of two frames", writev(writer, frames, 2));
	CALL_AS("write of two frames", write(writer, two, sizeof two));
	CALL_AS("writev of nothing", writev(writer, frames, 0));
	CALL_AS("writev of 1025", writev(writer, frames, 1025));
	CALL_AS("writev of -1", writev(writer, frames, -1));
	CALL_AS("writev of no memory", writev(writer, NOWHERE, 2));
	halves[1].iov_base = NOWHERE;
	CALL_AS("writev, the second half is no memory", writev(writer, halves, 2));
	CALL_AS("pwritev", pwritev(writer, empty, 3, 0));
	CALL_AS("pwrite", pwrite(writer, &frame, sizeof frame, 0));
	CALL_AS("pwritev2, offset -1", pwritev2(writer, empty, 3, -1, 0));
	say_next("    arrives", reader);

	struct mmsghdr messages[4] = {0};
	struct iovec parts[4];
	struct can_frame many[4];
	for (int i = 0; i < 4; i++) {
		many[i] = classic(0x300 + i, i);
		parts[i] = (struct iovec){&many[i], sizeof many[i]};
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	messages[1].msg_hdr.msg_name = &vcan1;
	messages[1].msg_hdr.msg_namelen = sizeof vcan1;
	CALL(sendmmsg(writer, messages, 4, 0));
	printf("    lengths %u %u %u %u\n", messages[0].msg_len, messages[1].msg_len, messages[2].msg_len, messages[3].msg_len);
	say_next("    at vcan1", reader1);
	for (int i = 0; i < 3; i++)
		say_next("    at vcan0", reader);
	parts[2].iov_len = 15;
	CALL_AS("sendmmsg, the third is too short", sendmmsg(writer, messages, 4, 0));
	say_next("    at vcan1", reader1);
	say_next("    at vcan0", reader);
	parts[0].iov_len = 15;
	CALL_AS("sendmmsg, the first is too short", sendmmsg(writer, messages, 4, 0));
	CALL_AS("sendmmsg of none", sendmmsg(writer, messages, 0, 0));

	int file = MUST(memfd_create("frames", 0)), pipes[2];
	MUST(write(file, many, sizeof many));
	off_t at = 0;
	CALL_AS("sendfile of one frame", sendfile(writer, file, &at, sizeof frame));
	send_mark(writer);
	say_until_mark("    arrives", reader);
	at = 0;
	CALL_AS("sendfile of four frames", sendfile(writer, file, &at, sizeof many));
	send_mark(writer);
	say_until_mark("    arrives", reader);
	MUST(pipe(pipes));
	MUST(write(pipes[1], &frame, sizeof frame));
	CALL_AS("splice from a pipe", splice(pipes[0], NULL, writer, NULL, sizeof frame, SPLICE_F_NONBLOCK));
	send_mark(writer);
	say_until_mark("    arrives", reader);
	send_frame(writer, 0x400, 1);
	MUST(wait_readable(reader));
	CALL_AS("splice to a pipe", splice(reader, NULL, pipes[1], NULL, sizeof frame, SPLICE_F_NONBLOCK));
	struct pollfd wanted = {.fd = reader, .events = POLLIN};
	printf("    still readable: %ld\n", MUST(poll(&wanted, 1, 0)));
	if (wanted.revents)
		say_next("    what is left", reader);
	struct pollfd in_pipe = {.fd = pipes[0], .events = POLLIN};
	printf("    the pipe is readable: %ld\n", MUST(poll(&in_pipe, 1, 0)));
	at = 0;
	CALL_AS("sendfile from the socket", sendfile(file, reader, NULL, 16));
	CALL_AS("copy_file_range", copy_file_range(file, &at, writer, NULL, 16, 0));

	CALL_AS("sendto, another interface than the bound one", sendto(writer, &frame, sizeof frame, 0, SA(vcan1), sizeof vcan1));
	say_next("    at vcan1", reader1);
	CALL_AS("sendto, the bound one", sendto(writer, &frame, sizeof frame, 0, SA(vcan0), sizeof vcan0));
	say_next("    at vcan0", reader);
	struct msghdr message = {.msg_iov = &parts[1], .msg_iovlen = 1, .msg_name = &vcan0, .msg_namelen = sizeof vcan0};
	CALL_AS("sendmsg", sendmsg(writer, &message, 0));
	say_next("    at vcan0", reader);
	message.msg_name = NULL;
	CALL_AS("sendmsg, no name but a length", sendmsg(writer, &message, 0));
	message.msg_namelen = -1;
	CALL_AS("sendmsg, length -1", sendmsg(writer, &message, 0));
	send_mark(writer);
	say_until_mark("at the end", reader);
}
