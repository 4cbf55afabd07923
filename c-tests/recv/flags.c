// MSG_PEEK leaves the data, MSG_TRUNC returns the whole length of a datagram and discards bytes of a
// stream, and MSG_WAITALL waits for the whole buffer.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in address;
	int receiver = udp_bound(&address), sender = MUST(socket(AF_INET, SOCK_DGRAM, 0)), pair[2];
	char buffer[16] = "";
	CALL(recv(receiver, buffer, sizeof buffer, MSG_DONTWAIT));
	MUST(sendto(sender, "hello", 5, 0, SA(address), sizeof address));
	MUST(sendto(sender, "world", 5, 0, SA(address), sizeof address));
	CALL(recv(receiver, buffer, 2, MSG_PEEK));
	CALL(recv(receiver, buffer, 2, MSG_PEEK | MSG_TRUNC));
	CALL(recv(receiver, buffer, 2, 0)); // The rest of the datagram is lost.
	printf("received %.2s\n", buffer);
	CALL(recv(receiver, buffer, 2, MSG_TRUNC));
	printf("received %.2s\n", buffer);
	CALL(recv(receiver, buffer, sizeof buffer, MSG_DONTWAIT));
	CALL(recv(receiver, buffer, sizeof buffer, MSG_OOB | MSG_DONTWAIT));

	tcp_pair(pair);
	CALL(recv(pair[1], buffer, sizeof buffer, MSG_DONTWAIT));
	CALL(recv(pair[1], buffer, sizeof buffer, MSG_OOB));
	MUST(send(pair[0], "hello", 5, 0));
	CALL(recv(pair[1], buffer, 2, MSG_PEEK));
	CALL(recv(pair[1], NULL, 2, MSG_TRUNC)); // Discards two bytes without a buffer.
	MUST(send(pair[0], "world", 5, 0));
	CALL(recv(pair[1], buffer, 8, MSG_WAITALL));
	printf("received %.8s\n", buffer);
	MUST(send(pair[0], "!", 1, MSG_OOB));
	wait_for(pair[1], POLLPRI);
	CALL(recv(pair[1], buffer, sizeof buffer, MSG_OOB));
	CALL(recv(pair[1], buffer, 0, 0x800000));
	MUST(close(pair[0]));
	CALL(recv(pair[1], buffer, sizeof buffer, MSG_WAITALL));
}
