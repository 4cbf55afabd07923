// Frames of one sender arrive in their order at every reader, once each, while others send. Nothing is said about the order
// between senders.
#include "can.h"

// All of them fit into the queue of a reader that is late.
enum { SENDERS = 3, FRAMES = 60, READERS = 3 };

int main(void)
{
	int readers[READERS];
	for (int i = 0; i < READERS; i++)
		readers[i] = raw_on(i == 2 ? NULL : "vcan0");
	for (int i = 0; i < SENDERS; i++)
		if (MUST(fork()) == 0) {
			int writer = raw_on("vcan0");
			for (int n = 0; n < FRAMES; n++) {
				struct can_frame frame = {.can_id = 0x100 + i, .len = 4};
				memcpy(frame.data, &n, 4);
				MUST(write(writer, &frame, sizeof frame));
			}
			_exit(0);
		}
	int next[READERS][SENDERS] = {0}, wrong = 0;
	for (int left = READERS * SENDERS * FRAMES; left > 0; left--) {
		struct pollfd wanted[READERS];
		for (int i = 0; i < READERS; i++)
			wanted[i] = (struct pollfd){readers[i], POLLIN, 0};
		if (MUST(poll(wanted, READERS, PATIENCE)) == 0)
			break;
		left++;
		for (int i = 0; i < READERS; i++) {
			struct can_frame frame;
			while (recv(readers[i], &frame, sizeof frame, MSG_DONTWAIT) == sizeof frame) {
				int n, sender = frame.can_id - 0x100;
				memcpy(&n, frame.data, 4);
				wrong += n != next[i][sender]++;
				left--;
			}
		}
	}
	for (int i = 0; i < READERS; i++)
		for (int n = 0; n < SENDERS; n++)
			printf("reader %d, sender %d: %d\n", i, n, next[i][n]);
	printf("out of order: %d\n", wrong);
	while (wait(NULL) > 0)
		;
}
