// Time stamps: which control messages arrive, of which type and length. No value is printed, but that it is a sensible time.
#include "can.h"
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

static int writer;

static const char *sense(const struct timespec *stamp)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (!stamp->tv_sec && !stamp->tv_nsec)
		return "zero";
	return now.tv_sec - stamp->tv_sec < 200 && now.tv_sec >= stamp->tv_sec ? "now" : "another time";
}

static void say_controls(struct msghdr *message)
{
	int count = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		count++;
		printf("    level %d, type %d, %zu bytes", c->cmsg_level, c->cmsg_type, c->cmsg_len - CMSG_LEN(0));
		size_t size = c->cmsg_len - CMSG_LEN(0);
		if (c->cmsg_level == SOL_SOCKET && size < 16) {
			printf(": cut off");
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMP) {
			struct timeval *time = (void *)CMSG_DATA(c);
			printf(": %s", sense(&(struct timespec){time->tv_sec, time->tv_usec * 1000}));
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			printf(": %s", sense((void *)CMSG_DATA(c)));
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING) {
			struct timespec *times = (void *)CMSG_DATA(c);
			printf(": %s, %s, %s", sense(&times[0]), sense(&times[1]), sense(&times[2]));
		} else if (c->cmsg_level != SOL_SOCKET && c->cmsg_len - CMSG_LEN(0) == sizeof(struct sock_extended_err)) {
			struct sock_extended_err *error = (void *)CMSG_DATA(c);
			printf(": errno %s, origin %d, type %d, code %d, info %u, data %u", errno_name(error->ee_errno), error->ee_origin,
			       error->ee_type, error->ee_code, error->ee_info, error->ee_data);
		}
		printf("\n");
	}
	if (!count)
		printf("    no control message\n");
}

static void receive(const char *label, int fd, int flags, size_t room)
{
	struct can_frame frame;
	char control[512];
	struct iovec part = {&frame, sizeof frame};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
	if (!(flags & MSG_ERRQUEUE))
		MUST(wait_readable(fd));
	if (CALL_AS(label, recvmsg(fd, &message, flags | MSG_DONTWAIT)) < 0)
		return;
	printf("    %s, controllen %zu\n", flag_names(message.msg_flags), message.msg_controllen);
	say_controls(&message);
}

static void next(const char *label, int fd)
{
	send_frame(writer, 0x100, 1);
	receive(label, fd, 0, 512);
}

static void say_stamp(const char *label, int fd, unsigned long request)
{
	struct timespec time = {-1, -1};
	if (CALL_AS(label, ioctl(fd, request, &time)) < 0)
		return;
	if (request == SIOCGSTAMP)
		time.tv_nsec *= 1000;
	printf("    %s\n", sense(&time));
}

int main(void)
{
	int on = 1, off = 0;
	writer = raw_on("vcan0");
	int fd = raw_on("vcan0");
	next("no option", fd);
	say_stamp("SIOCGSTAMP before the first", fd, SIOCGSTAMP);
	next("no option, after SIOCGSTAMP", fd);
	say_stamp("SIOCGSTAMP", fd, SIOCGSTAMP);
	say_stamp("SIOCGSTAMPNS", fd, SIOCGSTAMPNS);
	CALL_AS("SIOCGSTAMP, no memory", ioctl(fd, SIOCGSTAMP, NOWHERE));
	say_stamp("SIOCGSTAMP, not bound", unbound(), SIOCGSTAMP);
	int peeks = raw_on("vcan0");
	ioctl(peeks, SIOCGSTAMPNS, &(struct timespec){0, 0});
	send_frame(writer, 0x100, 1);
	receive("peeked", peeks, MSG_PEEK, 512);
	say_stamp("SIOCGSTAMPNS after a peek", peeks, SIOCGSTAMPNS);

	fd = raw_on("vcan0");
	CALL(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on));
	next("SO_TIMESTAMP", fd);
	say_stamp("SIOCGSTAMP", fd, SIOCGSTAMP);
	send_frame(writer, 0x100, 1);
	receive("no room", fd, 0, 0);
	send_frame(writer, 0x100, 1);
	receive("little room", fd, 0, 16);
	send_frame(writer, 0x100, 1);
	receive("room for a part", fd, 0, 24);
	send_frame(writer, 0x100, 1);
	receive("exact room", fd, 0, 32);
	CALL(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on));
	printf("SO_TIMESTAMP %d, SO_TIMESTAMPNS %d\n", int_option(fd, SOL_SOCKET, SO_TIMESTAMP), int_option(fd, SOL_SOCKET, SO_TIMESTAMPNS));
	next("SO_TIMESTAMPNS", fd);
	CALL(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on));
	printf("SO_TIMESTAMP %d, SO_TIMESTAMPNS %d\n", int_option(fd, SOL_SOCKET, SO_TIMESTAMP), int_option(fd, SOL_SOCKET, SO_TIMESTAMPNS));
	next("SO_TIMESTAMP again", fd);
	CALL(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &off, sizeof off));
	printf("SO_TIMESTAMP %d, SO_TIMESTAMPNS %d\n", int_option(fd, SOL_SOCKET, SO_TIMESTAMP), int_option(fd, SOL_SOCKET, SO_TIMESTAMPNS));
	next("SO_TIMESTAMPNS off", fd);
	CALL(setsockopt(fd, SOL_SOCKET, 63, &on, sizeof on));
	next("SO_TIMESTAMP_NEW", fd);
	CALL(setsockopt(fd, SOL_SOCKET, 64, &on, sizeof on));
	next("SO_TIMESTAMPNS_NEW", fd);
	CALL(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &off, sizeof off));
	next("off", fd);

	static const struct {
		const char *name;
		int flags;
	} stamping[] = {
		{"RX_SOFTWARE", SOF_TIMESTAMPING_RX_SOFTWARE},
		{"SOFTWARE", SOF_TIMESTAMPING_SOFTWARE},
		{"RX_SOFTWARE|SOFTWARE", SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE},
		{"RX_HARDWARE|RAW_HARDWARE", SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE},
		{"RX and TX, soft and hard", SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE |
						      SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_HARDWARE},
	};
	for (size_t i = 0; i < COUNT(stamping); i++) {
		int stamps = raw_on("vcan0");
		CALL_AS(text("SO_TIMESTAMPING %s", stamping[i].name), setsockopt(stamps, SOL_SOCKET, SO_TIMESTAMPING, &stamping[i].flags, 4));
		next("    then", stamps);
		MUST(setsockopt(stamps, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on));
		MUST(setsockopt(stamps, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on));
		next("    with SO_TIMESTAMPNS and SO_RXQ_OVFL", stamps);
		MUST(close(stamps));
	}
	CALL_AS("SO_TIMESTAMPING, unknown bits", setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &(int){1 << 30}, 4));

	// Stamps of what was sent come by the error queue.
	int sender = raw_on("vcan0");
	static const int tx[] = {SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE,
				 SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_SOFTWARE,
				 SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID,
				 SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY,
				 SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_SOFTWARE};
	for (size_t i = 0; i < COUNT(tx); i++) {
		int other = raw_on("vcan0");
		CALL_AS(text("stamps of what is sent, flags %#x", tx[i]), setsockopt(other, SOL_SOCKET, SO_TIMESTAMPING, &tx[i], 4));
		MUST(setsockopt(other, SOL_CAN_RAW, CAN_RAW_FILTER, NULL, 0));
		for (int n = 0; n < 2; n++) {
			send_frame(other, 0x200 + n, 1);
			say_poll("    sent", other);
			receive("    the error queue", other, MSG_ERRQUEUE, 512);
			receive("    the error queue, again", other, MSG_ERRQUEUE, 512);
		}
		say_poll("    at the end", other);
		MUST(close(other));
	}
	receive("the error queue, empty", sender, MSG_ERRQUEUE, 512);
}
