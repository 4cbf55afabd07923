// SO_ATTACH_FILTER by the program: it sees the bytes of the frame, and works beside CAN_RAW_FILTER.
#include "can.h"
#include <linux/filter.h>

static int writer, reader;

static void attach(const char *label, struct sock_filter *code, int count)
{
	struct sock_fprog program = {count, code};
	CALL_AS(label, setsockopt(reader, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
	for (int id = 0x100; id < 0x104; id++)
		send_frame(writer, id, id & 3);
	send_mark(writer);
	say_until_mark("    arrives", reader);
}

int main(void)
{
	writer = raw_on("vcan0");
	reader = raw_on("vcan0");
	// The identifier is in the host's order, a load takes it in the network's.
	struct sock_filter only_101_and_mark[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ, htonl(0x101), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ, htonl(MARK), 0, 1), BPF_STMT(BPF_RET | BPF_K, 0xffff), BPF_STMT(BPF_RET | BPF_K, 0)};
	attach("only 101", only_101_and_mark, 5);
	struct sock_filter length_below_2[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 4), BPF_JUMP(BPF_JMP | BPF_JGE, 2, 0, 1),
					       BPF_STMT(BPF_RET | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 0xffff)};
	attach("a length below 2", length_below_2, 4);
	struct sock_filter size[] = {BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_JUMP(BPF_JMP | BPF_JEQ, 16, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0xffff),
				     BPF_STMT(BPF_RET | BPF_K, 0)};
	attach("a size of 16", size, 4);
	SET_FILTERS(reader, {0x102, 0x7ff}, MARK_FILTER);
	attach("a size of 16, and CAN_RAW_FILTER", size, 4);
	SET_FILTERS(reader, {0, 0});
	// A filter may shorten what arrives.
	struct sock_filter shorten[] = {BPF_STMT(BPF_RET | BPF_K, 8)};
	struct sock_fprog program = {1, shorten};
	CALL(setsockopt(reader, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
	send_frame(writer, 0x110, 4);
	say_next("shortened", reader);
	struct sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	program.filter = nothing;
	CALL(setsockopt(reader, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
	send_frame(writer, 0x111, 4);
	say_nothing_more("nothing passes", reader);
	CALL(setsockopt(reader, SOL_SOCKET, SO_DETACH_FILTER, &(int){0}, sizeof(int)));
	send_frame(writer, 0x112, 4);
	say_next("detached", reader);
	CALL(setsockopt(reader, SOL_SOCKET, SO_DETACH_FILTER, &(int){0}, sizeof(int)));
	program.len = 0;
	CALL(setsockopt(reader, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
	CALL(setsockopt(reader, SOL_SOCKET, SO_ATTACH_FILTER, &program, 3));
	program.len = 1;
	CALL(setsockopt(reader, SOL_SOCKET, SO_LOCK_FILTER, &(int){1}, sizeof(int)));
	CALL(setsockopt(reader, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
	SET_FILTERS(reader, {0x113, 0x7ff}, MARK_FILTER);
	send_frame(writer, 0x112, 4);
	send_frame(writer, 0x113, 4);
	send_mark(writer);
	say_until_mark("CAN_RAW_FILTER is not locked", reader);
}
