// CAN_RAW_FILTER as an option: lengths, memory, and what getsockopt() does with buffers that are too small.
#include "can.h"

static void get(const char *label, int fd, int length)
{
	struct can_filter bytes[520];
	memset(bytes, 0xee, sizeof bytes);
	socklen_t given = length;
	errno = UNTOUCHED;
	int result = getsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, bytes, &given);
	printf("%s, length %d: %s, length then %d", label, length, result ? errno_name(errno) : "done", (int)given);
	for (size_t i = 0; i < 4 && bytes[i].can_id != 0xeeeeeeee; i++)
		printf(" %08X:%08X", bytes[i].can_id, bytes[i].can_mask);
	printf("\n");
}

int main(void)
{
	int fd = unbound();
	get("new", fd, 64);
	get("new", fd, 8);
	get("new", fd, 7);
	get("new", fd, 0);
	get("new", fd, -1);
	struct can_filter three[] = {{0x123, 0x7ff}, {CAN_INV_FILTER | CAN_EFF_FLAG | 0x456, 0xffffffff}, {0xffffffff, 0}};
	for (int length = 0; length <= 25; length++)
		CALL_AS(text("set, length %d", length), setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, three, length));
	for (int length = 0; length <= 40; length += 4)
		get("three", fd, length);
	CALL(setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, three, -8));
	CALL(setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, NOWHERE, 8));
	CALL(setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, NOWHERE, 16));
	CALL(setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, NOWHERE, 7));
	CALL(setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, NULL, 16));
	get("after errors", fd, 40);
	CALL(setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, three, 8));
	get("one", fd, 40);
	CALL(setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, three, 0));
	get("none", fd, 40);
	get("none", fd, 4);
	get("none", fd, 0);
	CALL(setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, NOWHERE, 0));
	static struct can_filter many[520];
	static const int counts[] = {511, 512, 513, 519};
	for (size_t i = 0; i < COUNT(counts); i++) {
		CALL_AS(text("set %d", counts[i]), setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, many, counts[i] * sizeof *many));
		CALL_AS(text("set %d and a bit", counts[i]), setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, many, counts[i] * sizeof *many + 1));
		get(text("after %d", counts[i]), fd, 512 * sizeof *many);
		get(text("after %d", counts[i]), fd, 511 * sizeof *many);
	}
	MUST(setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, three, sizeof three));
	socklen_t length = 64;
	CALL(getsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, NOWHERE, &length));
	printf("    length then %d\n", (int)length);
	CALL(getsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, many, NOWHERE));
	length = 8;
	CALL(getsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, NOWHERE, &length));
	printf("    length then %d\n", (int)length);
	// Bound: filters are told to the interface, and the old ones stay if that cannot be done.
	int bound = raw_on("vcan0");
	get("bound", bound, 64);
	CALL(setsockopt(bound, SOL_CAN_RAW, CAN_RAW_FILTER, three, sizeof three));
	get("bound", bound, 64);
	CALL(setsockopt(bound, SOL_CAN_RAW, CAN_RAW_FILTER, three, sizeof three - 1));
	get("bound", bound, 64);
	CALL(setsockopt(bound, SOL_CAN_RAW, CAN_RAW_FILTER, NULL, 0));
	get("bound", bound, 64);
}
