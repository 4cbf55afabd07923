// Readiness: poll, select and epoll, level- and edge-triggered, blocking and non-blocking.
#include "can.h"
#include <sys/select.h>

static int writer, reader;

static void edge(const char *label, int epoll)
{
	struct epoll_event event = {0};
	int count = MUST(epoll_wait(epoll, &event, 1, 0));
	printf("%s: %d, %s\n", label, count, poll_names(count ? (int)(event.events & 0xffff) : 0));
}

static void selects(const char *label)
{
	fd_set in, out, except;
	FD_ZERO(&in);
	FD_SET(reader, &in);
	out = except = in;
	struct timeval none = {0, 0};
	int count = MUST(select(reader + 1, &in, &out, &except, &none));
	printf("%s: select %d: readable %d, writable %d, exceptional %d\n", label, count, !!FD_ISSET(reader, &in), !!FD_ISSET(reader, &out), !!FD_ISSET(reader, &except));
}

int main(void)
{
	struct can_frame frame;
	say_poll("not bound", unbound());
	say_poll("BCM", MUST(socket(AF_CAN, SOCK_DGRAM, CAN_BCM)));
	say_poll("ISOTP", MUST(socket(AF_CAN, SOCK_DGRAM, CAN_ISOTP)));
	say_poll("J1939", MUST(socket(AF_CAN, SOCK_DGRAM, CAN_J1939)));
	writer = raw_on("vcan0");
	reader = raw_on("vcan0");
	say_poll("bound", reader);
	selects("bound");
	send_frame(writer, 0x100, 0);
	MUST(wait_readable(reader));
	say_poll("a frame", reader);
	selects("a frame");
	MUST(read(reader, &frame, sizeof frame));
	say_poll("read", reader);
	selects("read");

	// Edges: one for each frame that arrives, none for those that are filtered.
	int epoll = MUST(epoll_create1(0)), level = MUST(epoll_create1(0)), once = MUST(epoll_create1(0));
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET};
	MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, reader, &event));
	event.events = EPOLLIN;
	MUST(epoll_ctl(level, EPOLL_CTL_ADD, reader, &event));
	event.events = EPOLLIN | EPOLLONESHOT;
	MUST(epoll_ctl(once, EPOLL_CTL_ADD, reader, &event));
	edge("added, edges", epoll);
	edge("again, edges", epoll);
	edge("added, level", level);
	send_frame(writer, 0x101, 0);
	MUST(wait_readable(reader));
	edge("a frame, edges", epoll);
	edge("again, edges", epoll);
	edge("a frame, level", level);
	edge("again, level", level);
	edge("a frame, once", once);
	edge("again, once", once);
	send_frame(writer, 0x102, 0);
	edge("another, edges", epoll);
	edge("again, edges", epoll);
	MUST(read(reader, &frame, sizeof frame));
	edge("one read, edges", epoll);
	edge("one read, level", level);
	MUST(read(reader, &frame, sizeof frame));
	edge("both read, edges", epoll);
	edge("both read, level", level);
	SET_FILTERS(reader, {0x200, 0x7ff}, MARK_FILTER);
	send_frame(writer, 0x201, 0);
	edge("filtered, edges", epoll);
	edge("filtered, level", level);
	send_mark(writer);
	MUST(wait_readable(reader));
	edge("the marker, edges", epoll);
	edge("the marker, level", level);
	say_until_mark("only it", reader);
	edge("read, edges", epoll);
	SET_FILTERS(reader, {0, 0});
	edge("other filters, edges", epoll);
	struct sockaddr_can vcan0 = on("vcan0"), all = on(NULL);
	MUST(bind(reader, SA(all), sizeof all));
	edge("another bind, edges", epoll);
	send_frame(writer, 0x300, 0);
	MUST(wait_readable(reader));
	edge("a frame after another bind, edges", epoll);
	event.events = EPOLLIN | EPOLLET;
	MUST(epoll_ctl(epoll, EPOLL_CTL_MOD, reader, &event));
	edge("modified, edges", epoll);
	MUST(bind(reader, SA(vcan0), sizeof vcan0));
	say_next("what is left", reader);
	// Its own frames.
	send_frame(reader, 0x301, 0);
	edge("sent by itself, edges", epoll);
	set_raw(reader, CAN_RAW_RECV_OWN_MSGS, 1);
	send_frame(reader, 0x302, 0);
	MUST(wait_readable(reader));
	edge("sent by itself with RECV_OWN_MSGS, edges", epoll);
	say_next("its own", reader);

	// A blocked reader is woken by a frame that passes, in another process.
	SET_FILTERS(reader, {0x400, 0x7ff});
	pid_t child = MUST(fork());
	if (child == 0) {
		send_frame(writer, 0x401, 0);
		send_frame(writer, 0x400, 5);
		_exit(0);
	}
	CALL_AS("blocking read", read(reader, &frame, sizeof frame));
	printf("    %s\n", frame_text(&frame, sizeof frame));
	say_child("child", child);
	MUST(fcntl(reader, F_SETFL, O_NONBLOCK));
	CALL_AS("read, O_NONBLOCK", read(reader, &frame, sizeof frame));
	CALL_AS("write, O_NONBLOCK", write(reader, &frame, sizeof frame));
	MUST(fcntl(reader, F_SETFL, 0));
	set_raw(reader, CAN_RAW_RECV_OWN_MSGS, 0);
	say_next("its own", reader);
	CALL_AS("recv, MSG_DONTWAIT", recv(reader, &frame, sizeof frame, MSG_DONTWAIT));
	// A writer never waits, whatever the readers do.
	int count = 0;
	for (; count < 3000 && send(writer, &frame, sizeof frame, MSG_DONTWAIT) == sizeof frame; count++)
		;
	printf("sent without a reader that reads: %d\n", count);
	say_poll("the writer", writer);
}
