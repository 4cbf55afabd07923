// A call that succeeds leaves errno unchanged, whatever happens inside it. (Every other program here checks
// this too, with one value. This one uses several, on each call in turn.)
#include "../transcript.h"
#include <sys/epoll.h>

static int changed, calls;
static int before;

#define KEEP(call)                                                                                           \
	do {                                                                                                 \
		errno = before;                                                                              \
		long result = (long)(call);                                                                  \
		calls++;                                                                                     \
		if (result == -1 || errno != before) {                                                       \
			printf("%s = %ld, errno %d became %s\n", #call, result, before, errno_name(errno));  \
			changed++;                                                                           \
		}                                                                                            \
	} while (0)

int main(void)
{
	static const int values[] = {0, EINTR, EAGAIN, ENOSYS, 4000, -1};
	for (size_t i = 0; i < COUNT(values); i++) {
		before = values[i];
		struct sockaddr_in address = inet4("127.0.0.1", 0);
		socklen_t length = sizeof address;
		char buffer[8];
		int listener, client, accepted, copy, set, on = 1, pair[2];
		struct iovec one = {buffer, 1};
		struct msghdr header = {.msg_iov = &one, .msg_iovlen = 1};
		struct epoll_event event = {.events = EPOLLIN};
		KEEP(listener = socket(AF_INET, SOCK_STREAM, 0));
		KEEP(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
		KEEP(bind(listener, SA(address), sizeof address));
		KEEP(listen(listener, 1));
		KEEP(getsockname(listener, SA(address), &length));
		KEEP(client = socket(AF_INET, SOCK_STREAM, 0));
		KEEP(connect(client, SA(address), sizeof address));
		KEEP(accepted = accept(listener, NULL, NULL));
		KEEP(getpeername(client, SA(address), &length));
		KEEP(send(client, "abcdef", 6, 0));
		KEEP(recv(accepted, buffer, 1, 0));
		KEEP(recvfrom(accepted, buffer, 1, 0, NULL, NULL));
		KEEP(recvmsg(accepted, &header, 0));
		KEEP(read(accepted, buffer, 1));
		KEEP(readv(accepted, &one, 1));
		KEEP(write(client, "x", 1));
		KEEP(writev(client, &one, 1));
		KEEP(sendmsg(client, &header, 0));
		KEEP(poll(&(struct pollfd){.fd = client}, 1, 0));
		KEEP(set = epoll_create1(0));
		KEEP(epoll_ctl(set, EPOLL_CTL_ADD, client, &event));
		KEEP(epoll_wait(set, &event, 1, 0));
		KEEP(getsockopt(client, SOL_SOCKET, SO_TYPE, &on, &length));
		KEEP(fcntl(client, F_GETFL));
		KEEP(ioctl(client, FIONREAD, &on));
		KEEP(copy = dup(client));
		KEEP(dup2(client, copy));
		KEEP(shutdown(client, SHUT_WR));
		KEEP(close(copy));
		KEEP(close(client));
		KEEP(close(accepted));
		KEEP(close(listener));
		KEEP(close(set));
		KEEP(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
		KEEP(close_range(pair[0], pair[1], 0));
		pid_t child;
		KEEP(child = fork());
		if (child == 0)
			_exit(errno != before);
		int status;
		MUST(waitpid(child, &status, 0));
		changed += status != 0;
	}
	printf("%d of %d calls changed it\n", changed, calls);
}
