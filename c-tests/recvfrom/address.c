// The source address of a message. A connection returns none. When the address cannot be written, the
// message is lost.
#include "../transcript.h"

int main(void)
{
	struct sockaddr_in receiver_address, sender_address, from;
	int receiver = udp_bound(&receiver_address), sender = udp_bound(&sender_address), pair[2];
	socklen_t length = sizeof from, negative = -1, small = 4;
	char buffer[8];
	for (int i = 0; i < 5; i++)
		MUST(sendto(sender, "hello", 5, 0, SA(receiver_address), sizeof receiver_address));
	CALL(recvfrom(receiver, buffer, sizeof buffer, 0, SA(from), &length));
	printf("length %d, from the sender: %d\n", (int)length, from.sin_port == sender_address.sin_port);
	from.sin_addr.s_addr = 0;
	CALL(recvfrom(receiver, buffer, sizeof buffer, 0, SA(from), &small));
	printf("length %d, address %s\n", (int)small, from.sin_addr.s_addr ? "written" : "kept");
	CALL(recvfrom(receiver, buffer, sizeof buffer, 0, SA(from), &negative));
	CALL(recvfrom(receiver, buffer, sizeof buffer, 0, NOWHERE, &length));
	CALL(recvfrom(receiver, buffer, sizeof buffer, 0, SA(from), NOWHERE));
	CALL(recvfrom(receiver, buffer, sizeof buffer, MSG_DONTWAIT, NULL, NOWHERE));

	tcp_pair(pair);
	MUST(send(pair[0], "hello", 5, 0));
	length = sizeof from;
	CALL(recvfrom(pair[1], buffer, sizeof buffer, 0, SA(from), &length));
	printf("length %d\n", (int)length);
}
