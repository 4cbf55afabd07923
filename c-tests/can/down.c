// An interface goes down and up again, and is removed while sockets are bound to it.
// runs as: root
#include "can.h"

static void run(const char *command)
{
	int status = system(command);
	if (status)
		printf("%s: status %d\n", command, status);
}

static void say_error(const char *label, int fd)
{
	printf("%s: SO_ERROR %s\n", label, errno_name(int_option(fd, SOL_SOCKET, SO_ERROR)));
}

int main(void)
{
	struct can_frame frame = classic(0x123, 1);
	run("ip link add dev vcan9 type vcan");
	struct sockaddr_can vcan9 = {.can_family = AF_CAN, .can_ifindex = MUST(if_nametoindex("vcan9"))};
	int early = unbound(), normal = unbound();
	struct ifreq request = {.ifr_name = "vcan9"};
	MUST(ioctl(early, SIOCGIFFLAGS, &request));
	printf("flags before it is up: %#hx\n", request.ifr_flags);
	CALL_AS("bind to one that is down", bind(early, SA(vcan9), sizeof vcan9));
	say_poll("    then", early);
	CALL_AS("write", write(early, &frame, sizeof frame));
	CALL_AS("write again", write(early, &frame, sizeof frame));
	say_poll("    then", early);
	CALL_AS("read", recv(early, &frame, sizeof frame, MSG_DONTWAIT));
	say_error("then", early);
	int third = unbound();
	CALL_AS("bind to one that is down", bind(third, SA(vcan9), sizeof vcan9));
	CALL_AS("read", recv(third, &frame, sizeof frame, MSG_DONTWAIT));
	CALL_AS("read again", recv(third, &frame, sizeof frame, MSG_DONTWAIT));
	MUST(bind(third, SA(vcan9), sizeof vcan9));
	say_poll("bind once more, to the same", third);
	int fourth = unbound();
	MUST(bind(fourth, SA(vcan9), sizeof vcan9));
	say_error("bound", fourth);
	say_error("again", fourth);
	CALL_AS("sendto one that is down", sendto(normal, &frame, sizeof frame, 0, SA(vcan9), sizeof vcan9));

	run("ip link set dev vcan9 up");
	MUST(ioctl(early, SIOCGIFFLAGS, &request));
	printf("flags when it is up: %#hx\n", request.ifr_flags);
	int all = raw_on(NULL);
	MUST(bind(normal, SA(vcan9), sizeof vcan9));
	CALL_AS("write, it is up", write(early, &frame, sizeof frame));
	say_next("    arrives", normal);
	say_next("    arrives at the third", third);

	send_frame(early, 0x200, 1);
	MUST(wait_readable(normal));
	int epoll = MUST(epoll_create1(0));
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, third, &event));
	MUST(epoll_wait(epoll, &event, 1, 0));
	run("ip link set dev vcan9 down");
	printf("down: epoll reports %ld\n", MUST(epoll_wait(epoll, &event, 1, 0)));
	say_poll("down", normal);
	say_poll("down, bound to all", all);
	CALL_AS("read, a frame waits", recv(normal, &frame, sizeof frame, MSG_DONTWAIT));
	CALL_AS("read", recv(normal, &frame, sizeof frame, MSG_DONTWAIT));
	CALL_AS("read", recv(normal, &frame, sizeof frame, MSG_DONTWAIT));
	CALL_AS("write", write(normal, &frame, sizeof frame));
	CALL_AS("write by another", write(third, &frame, sizeof frame));
	CALL_AS("write by another, again", write(third, &frame, sizeof frame));
	say_error("another", third);
	say_error("bound to all", all);
	say_can_name("still bound", getsockname, normal);
	run("ip link set dev vcan9 up");
	say_poll("up again: early", early);
	CALL_AS("write, it is up again", write(early, &frame, sizeof frame));
	say_poll("    then", early);
	CALL_AS("write again", write(early, &frame, sizeof frame));
	say_next("    arrives", normal);

	// It is removed.
	frame = classic(0x321, 1);
	CALL(write(early, &frame, sizeof frame));
	MUST(wait_readable(normal));
	SET_FILTERS(normal, {1, 2}, {3, 4});
	set_raw(normal, CAN_RAW_FD_FRAMES, 1);
	run("ip link delete dev vcan9");
	say_poll("removed", normal);
	say_poll("removed, bound to all", all);
	CALL_AS("read, a frame waits", recv(normal, &frame, sizeof frame, MSG_DONTWAIT));
	CALL_AS("read", recv(normal, &frame, sizeof frame, MSG_DONTWAIT));
	CALL_AS("read", recv(normal, &frame, sizeof frame, MSG_DONTWAIT));
	CALL_AS("write", write(normal, &frame, sizeof frame));
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	CALL_AS("getsockname", getsockname(normal, SA(address), &length));
	say_can_address("    name", &address, length);
	say_option("    filters", normal, SOL_CAN_RAW, CAN_RAW_FILTER, 64);
	say_option("    FD_FRAMES", normal, SOL_CAN_RAW, CAN_RAW_FD_FRAMES, 4);
	CALL_AS("bind to the old index", bind(normal, SA(vcan9), sizeof vcan9));
	CALL_AS("sendto the old index", sendto(normal, &frame, sizeof frame, 0, SA(vcan9), sizeof vcan9));
	struct sockaddr_can vcan0 = on("vcan0");
	CALL_AS("bind to another", bind(normal, SA(vcan0), sizeof vcan0));
	int writer = raw_on("vcan0");
	send_frame(writer, 0x3ff, 1);
	say_nothing_more("the filters are gone", normal);
	send_mark(writer);
	say_error("early", early);
	// One of the same name is another.
	run("ip link add dev vcan9 type vcan && ip link set dev vcan9 up");
	vcan9.can_ifindex = MUST(if_nametoindex("vcan9"));
	int again = unbound();
	MUST(bind(again, SA(vcan9), sizeof vcan9));
	send_frame(again, 0x400, 1);
	// What it has of earlier frames comes first.
	frame.can_id = 0;
	for (int i = 0; i < 20 && frame.can_id != 0x400 && wait_readable(all); i++)
		recv(all, &frame, sizeof frame, MSG_DONTWAIT);
	printf("bound to all, the new one: %X\n", frame.can_id);
	run("ip link delete dev vcan9");
}
