// A bound socket with filters and options goes on working in copies of its descriptor, in children, in other processes that it
// is sent to, and in other programs. The descriptor that is closed is not the end of the socket as long as there is another.
#include "can.h"

static int writer;

static void try_socket(const char *label, int fd)
{
	send_frame(writer, 0x100, 1);
	send_frame(writer, 0x101, 1);
	send_mark(writer);
	say_until_mark(label, fd);
	say_can_name("    name", getsockname, fd);
	say_option("    filters", fd, SOL_CAN_RAW, CAN_RAW_FILTER, 64);
	say_option("    RECV_OWN_MSGS", fd, SOL_CAN_RAW, CAN_RAW_RECV_OWN_MSGS, 4);
	printf("    SO_DOMAIN %d, SO_TYPE %d, SO_PROTOCOL %d\n", int_option(fd, SOL_SOCKET, SO_DOMAIN), int_option(fd, SOL_SOCKET, SO_TYPE),
	       int_option(fd, SOL_SOCKET, SO_PROTOCOL));
	send_frame(fd, 0x101, 2);
	say_next("    its own", fd);
}

int main(int count, char **arguments)
{
	writer = raw_on("vcan0");
	if (count > 1) {
		try_socket("after exec", atoi(arguments[1]));
		return 0;
	}
	int fd = raw_on("vcan0");
	SET_FILTERS(fd, {0x101, 0x7ff}, MARK_FILTER);
	set_raw(fd, CAN_RAW_RECV_OWN_MSGS, 1);
	try_socket("at first", fd);

	int copy = MUST(dup(fd)), third = MUST(fcntl(fd, F_DUPFD_CLOEXEC, 100)), fourth = MUST(dup2(fd, 200));
	try_socket("dup", copy);
	try_socket("F_DUPFD_CLOEXEC", third);
	try_socket("dup2", fourth);
	MUST(close(fd));
	try_socket("the first is closed", copy);
	// What one sets, the other has.
	SET_FILTERS(third, {0x100, 0x7ff}, {0x101, 0x7ff}, MARK_FILTER);
	send_frame(writer, 0x100, 1);
	send_mark(writer);
	say_until_mark("filters that a copy has set", copy);
	SET_FILTERS(fourth, {0x101, 0x7ff}, MARK_FILTER);

	pid_t child = MUST(fork());
	if (child == 0) {
		try_socket("child", copy);
		SET_FILTERS(copy, {0x100, 0x7ff}, {0x101, 0x7ff}, MARK_FILTER);
		_exit(0);
	}
	say_child("child", child);
	send_frame(writer, 0x100, 1);
	send_mark(writer);
	say_until_mark("filters that a child has set", copy);
	SET_FILTERS(copy, {0x101, 0x7ff}, MARK_FILTER);

	// Frames that wait are read by whoever reads first, once.
	send_frame(writer, 0x101, 3);
	send_frame(writer, 0x101, 4);
	MUST(wait_readable(copy));
	child = MUST(fork());
	if (child == 0) {
		say_next("child, what waited", copy);
		_exit(0);
	}
	say_child("child", child);
	say_next("parent, what is left", copy);
	say_nothing_more("then", copy);

	// The parent closes, the child goes on.
	int pipes[2];
	MUST(pipe(pipes));
	int lent = raw_on("vcan0");
	SET_FILTERS(lent, {0x101, 0x7ff}, MARK_FILTER);
	set_raw(lent, CAN_RAW_RECV_OWN_MSGS, 1);
	child = MUST(fork());
	if (child == 0) {
		char byte;
		MUST(close(pipes[1]));
		MUST(read(pipes[0], &byte, 1));
		try_socket("child, the parent has closed it", lent);
		_exit(0);
	}
	MUST(close(lent));
	MUST(close(pipes[0]));
	MUST(close(pipes[1]));
	say_child("child", child);

	// Sent to another process.
	int pair[2];
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	child = MUST(fork());
	if (child == 0) {
		MUST(close(copy));
		MUST(close(third));
		MUST(close(fourth));
		char byte, control[CMSG_SPACE(sizeof(int))];
		struct iovec part = {&byte, 1};
		struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
		MUST(recvmsg(pair[1], &message, 0));
		int got;
		memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof got);
		try_socket("SCM_RIGHTS", got);
		_exit(0);
	}
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	memcpy(CMSG_DATA(&control.header), &copy, sizeof copy);
	struct iovec part = {"x", 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	MUST(sendmsg(pair[0], &message, 0));
	say_child("child", child);

	// And in another program.
	child = MUST(fork());
	if (child == 0) {
		char number[16];
		snprintf(number, sizeof number, "%d", copy);
		execl("/proc/self/exe", "inherit", number, NULL);
		_exit(1);
	}
	say_child("exec", child);
	// A copy with FD_CLOEXEC does not reach it.
	child = MUST(fork());
	if (child == 0) {
		MUST(close(copy));
		MUST(close(fourth));
		char script[64];
		snprintf(script, sizeof script, "test -e /proc/self/fd/%d", third);
		execl("/bin/sh", "sh", "-c", script, NULL);
		_exit(2);
	}
	say_child("FD_CLOEXEC: is it there", child);
}
