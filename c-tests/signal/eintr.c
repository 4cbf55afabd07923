// A signal ends a wait that has a timeout with EINTR, even under SA_RESTART. Calls that wait for several
// descriptors always return EINTR.
#include "../transcript.h"
#include <sys/epoll.h>
#include <sys/select.h>

static void handler(int number)
{
	(void)number;
}

int main(void)
{
	struct sockaddr_in address;
	int listener = tcp_listener(&address, 0), udp = udp_bound(&address), pair[2];
	char buffer[8];
	tcp_pair(pair);
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	MUST(sigaction(SIGUSR1, &action, NULL));

	// A repeating timer, because a signal that came before the wait would not end it.
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec every = {.it_value.tv_nsec = 5000000, .it_interval.tv_nsec = 5000000};
	MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
	set_timeout(listener, SO_RCVTIMEO, 15000);
	set_timeout(udp, SO_RCVTIMEO, 15000);
	set_timeout(pair[0], SO_RCVTIMEO, 15000);
	int set = MUST(epoll_create1(0));
	fd_set reading;
	FD_ZERO(&reading);
	FD_SET(udp, &reading);
	struct pollfd one = {.fd = udp, .events = POLLIN};
	struct epoll_event events;
	struct iovec part = {buffer, sizeof buffer};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

	MUST(timer_settime(timer, 0, &every, NULL));
	CALL(accept(listener, NULL, NULL));
	CALL(accept4(listener, NULL, NULL, 0));
	CALL(recv(udp, buffer, sizeof buffer, 0));
	CALL(recvfrom(udp, buffer, sizeof buffer, 0, NULL, NULL));
	CALL(recvmsg(udp, &header, 0));
	CALL(read(pair[0], buffer, sizeof buffer));
	CALL(readv(pair[0], &part, 1));
	CALL(recv(pair[0], buffer, sizeof buffer, MSG_WAITALL));
	CALL(poll(&one, 1, 15000));
	CALL(ppoll(&one, 1, NULL, NULL));
	CALL(select(udp + 1, &reading, NULL, NULL, NULL));
	CALL(pselect(udp + 1, &reading, NULL, NULL, NULL, NULL));
	CALL(epoll_wait(set, &events, 1, -1));
	CALL(epoll_pwait(set, &events, 1, -1, NULL));
}
