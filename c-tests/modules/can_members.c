// 30 processes are on one bus; ten of them are killed while frames are sent. The others notice nothing: each gets every frame in
// its order, or is told how many it has lost because it did not read fast enough.
#include "../transcript.h"
#include <linux/can.h>
#include <linux/can/raw.h>
#include <net/if.h>

enum { MEMBERS = 30, KILLED = 10, FRAMES = 3000 };

static int member(void)
{
	int fd = MUST(socket(AF_CAN, SOCK_RAW, CAN_RAW));
	struct sockaddr_can address = {.can_family = AF_CAN, .can_ifindex = if_nametoindex("vcan0")};
	MUST(bind(fd, (struct sockaddr *)&address, sizeof address));
	MUST(setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &(int){1}, sizeof(int)));
	return fd;
}

static int number_in(const struct can_frame *frame)
{
	int number;
	memcpy(&number, frame->data, sizeof number);
	return number;
}

// Exits with 0 if what was received and what was lost add up.
static void receive(int ready)
{
	int fd = member(), got = 0, last = -1;
	unsigned lost = 0;
	MUST(write(ready, "x", 1));
	while (last < FRAMES) {
		struct can_frame frame;
		char control[64];
		struct iovec part = {&frame, sizeof frame};
		struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
		MUST(recvmsg(fd, &message, 0));
		for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header))
			if (header->cmsg_type == SO_RXQ_OVFL)
				memcpy(&lost, CMSG_DATA(header), sizeof lost);
		int number = number_in(&frame);
		if (number == FRAMES && last == FRAMES)
			break;
		if (number <= last)
			_exit(2);
		last = number;
		got++;
	}
	// The last frame is sent again and again, until everybody has it: how often is not known.
	_exit(got + lost >= FRAMES + 1 ? 0 : 3);
}

int main(void)
{
	pid_t members[MEMBERS];
	int ready[2], fine = 0, killed = 0, sender = member();
	char byte;
	MUST(pipe(ready));
	for (int i = 0; i < MEMBERS; i++)
		if ((members[i] = MUST(fork())) == 0)
			receive(ready[1]);
	for (int i = 0; i < MEMBERS; i++)
		MUST(read(ready[0], &byte, 1));
	unsigned dice = 12345;
	for (int i = 0; i < FRAMES; i++) {
		struct can_frame frame = {.can_id = 0x123, .len = 8};
		memcpy(frame.data, &i, sizeof i);
		MUST(write(sender, &frame, sizeof frame));
		dice = dice * 1103515245 + 12345;
		if (killed < KILLED && dice % (FRAMES / KILLED / 2) == 0)
			MUST(kill(members[killed++], SIGKILL));
	}
	while (killed < KILLED)
		MUST(kill(members[killed++], SIGKILL));
	for (int left = MEMBERS - KILLED; left > 0;) {
		struct can_frame frame = {.can_id = 0x123, .len = 8};
		memcpy(frame.data, &(int){FRAMES}, sizeof(int));
		MUST(write(sender, &frame, sizeof frame));
		for (int i = KILLED, status; i < MEMBERS; i++)
			if (members[i] && waitpid(members[i], &status, WNOHANG) > 0) {
				members[i] = 0;
				left--;
				fine += WIFEXITED(status) && WEXITSTATUS(status) == 0;
			}
		usleep(1000);
	}
	printf("%d of %d were not disturbed\n", fine, MEMBERS - KILLED);
	return 0;
}
