// Moves bytes in every way that there is, over every kind of socket that a capture has.
//
//     moves [N]         everything; N bytes with the longest calls
//     moves killed N    N messages over UDP, and then SIGKILL
//
// The byte at I of connection C is pattern(C, I), and so is the byte at I of a connection's datagram I: whoever reads a capture
// knows them.

#include "../transcript.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

static size_t longest = 300000;

static unsigned char pattern(size_t connection, size_t at)
{
	return at * 31 + at / 251 * 7 + connection * 101;
}

static void expect(int holds, const char *what)
{
	if (!holds) {
		printf("%s: %s\n", what, strerror(errno));
		exit(1);
	}
}

static void fill(unsigned char *bytes, size_t connection, size_t from, size_t length)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = pattern(connection, from + i);
}

// A file with the next bytes of a connection.
static int file_of(size_t connection, size_t from, size_t length)
{
	unsigned char *bytes = malloc(length);
	int file = memfd_create("moves", 0);
	fill(bytes, connection, from, length);
	expect(write(file, bytes, length) == (ssize_t)length && lseek(file, 0, SEEK_SET) == 0, "a file");
	free(bytes);
	return file;
}

// The next bytes of a connection.
static unsigned char *next(unsigned char *bytes, size_t connection, size_t *at, size_t length)
{
	fill(bytes, connection, *at, length);
	*at += length;
	return bytes;
}

// The same in three parts, of which one is empty.
static void next_parts(struct iovec *parts, unsigned char *bytes, size_t connection, size_t *at, size_t length)
{
	next(bytes, connection, at, length);
	parts[0] = (struct iovec){bytes, 7};
	parts[1] = (struct iovec){NULL, 0};
	parts[2] = (struct iovec){bytes + 7, length - 7};
}

// Sends a stream in every way, and says how long it is.
static size_t send_stream(int fd, size_t connection)
{
	size_t at = 0;
	unsigned char *bytes = malloc(longest);
	struct iovec parts[3];
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
	struct mmsghdr many[2];
	off_t offset = 100;
	int file, pipes[2];

	expect(write(fd, next(bytes, connection, &at, 10), 10) == 10, "write");
	expect(send(fd, next(bytes, connection, &at, 1000), 1000, MSG_NOSIGNAL) == 1000, "send");
	next_parts(parts, bytes, connection, &at, 300);
	expect(writev(fd, parts, 3) == 300, "writev");
	expect(sendto(fd, next(bytes, connection, &at, 50), 50, 0, NULL, 0) == 50, "sendto");
	next_parts(parts, bytes, connection, &at, 400);
	expect(sendmsg(fd, &message, 0) == 400, "sendmsg");
	next_parts(parts, bytes, connection, &at, 60);
	many[0] = many[1] = (struct mmsghdr){.msg_hdr = message};
	struct iovec second = {bytes + 60, 40};
	fill(bytes + 60, connection, at, 40);
	at += 40;
	many[1].msg_hdr.msg_iov = &second;
	many[1].msg_hdr.msg_iovlen = 1;
	expect(sendmmsg(fd, many, 2, 0) == 2, "sendmmsg");
	next_parts(parts, bytes, connection, &at, 70);
	expect(pwritev2(fd, parts, 3, -1, 0) == 70, "pwritev2");
	file = file_of(connection, at, 5000);
	expect(sendfile(fd, file, NULL, 5000) == 5000, "sendfile");
	at += 5000;
	close(file);
	file = file_of(connection, at - 100, 700);
	expect(sendfile(fd, file, &offset, 600) == 600, "sendfile at an offset");
	at += 600;
	close(file);
	expect(pipe(pipes) == 0 && write(pipes[1], next(bytes, connection, &at, 500), 500) == 500, "a pipe");
	expect(splice(pipes[0], NULL, fd, NULL, 500, 0) == 500, "splice");
	close(pipes[0]);
	close(pipes[1]);
	next(bytes, connection, &at, longest);
	for (size_t sent = 0; sent < longest;) {
		ssize_t more = send(fd, bytes + sent, longest - sent, MSG_NOSIGNAL);
		expect(more > 0, "a long send");
		sent += more;
	}
	expect(write(fd, next(bytes, connection, &at, 5), 5) == 5, "write");
	free(bytes);
	return at;
}

// Receives a stream in every way, and says how long it was.
static size_t receive_stream(int fd, size_t connection)
{
	// Less than a capture has of a call, so that the receiver tells of what is left out of the sender's.
	size_t at = 0, most = longest < 100000 ? longest : 100000;
	unsigned char *bytes = malloc(longest);
	for (int way = 0;; way++) {
		struct iovec parts[2] = {{bytes, 11}, {bytes + 11, most - 11}};
		struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
		struct mmsghdr many = {.msg_hdr = message};
		ssize_t length;
		switch (way % 8) {
		case 0: length = read(fd, bytes, 3); break;
		case 1: length = recv(fd, bytes, 200, 0); break;
		case 2: length = recv(fd, bytes, 4, MSG_PEEK) >= 0 ? recv(fd, bytes, 0, 0) : -1; length = recvfrom(fd, bytes, 100, 0, NULL, NULL); break;
		case 3: length = readv(fd, parts, 2); break;
		case 4: length = recvmsg(fd, &message, 0); break;
		case 5: length = recvmmsg(fd, &many, 1, MSG_WAITFORONE, NULL) == 1 ? (ssize_t)many.msg_len : -1; break;
		case 6: length = preadv2(fd, parts, 2, -1, 0); break;
		default: length = recv(fd, bytes, most, MSG_WAITALL); break;
		}
		expect(length >= 0, "receive");
		if (length == 0)
			break;
		for (ssize_t i = 0; i < length; i++)
			expect(bytes[i] == pattern(connection, at + i), "the bytes");
		at += length;
	}
	free(bytes);
	return at;
}

// Both ends of a stream, of which a child has one. The server answers with four bytes.
static void both_ends(int client, int server, size_t connection)
{
	unsigned char answer[4];
	pid_t child = fork();
	if (child == 0) {
		close(client);
		size_t length = receive_stream(server, connection);
		fill(answer, connection, 0, 4);
		expect(send(server, answer, 4, 0) == 4, "the answer");
		close(server);
		printf("connection %zu: %zu bytes\n", connection, length);
		exit(0);
	}
	close(server);
	send_stream(client, connection);
	expect(shutdown(client, SHUT_WR) == 0, "shutdown");
	expect(recv(client, answer, 4, MSG_WAITALL) == 4, "the answer");
	close(client);
	expect(waitpid(child, NULL, 0) == child, "wait");
}

static void over_listener(int family, struct sockaddr *address, socklen_t length, size_t connection)
{
	int listener = socket(family, SOCK_STREAM, 0), client = socket(family, SOCK_STREAM, 0);
	expect(bind(listener, address, length) == 0 && listen(listener, 5) == 0, "listen");
	expect(getsockname(listener, address, &length) == 0, "getsockname");
	expect(connect(client, address, length) == 0, "connect");
	int server = accept(listener, NULL, NULL);
	close(listener);
	both_ends(client, server, connection);
}

// Messages of these lengths, from one socket to another one, in every way.
static void messages(int from, int to, const struct sockaddr *address, socklen_t length, size_t connection, int empty)
{
	static const size_t lengths[] = {1, 100, 1400, 30000, 0};
	unsigned char bytes[30000], got[40000];
	for (size_t i = 0; i < (empty ? 5 : 4); i++) {
		struct sockaddr_storage name;
		struct iovec part = {bytes, lengths[i]}, into = {got, sizeof(got)};
		struct msghdr message = {.msg_name = (void *)address, .msg_namelen = length, .msg_iov = &part, .msg_iovlen = 1};
		struct msghdr received = {.msg_name = &name, .msg_namelen = sizeof(name), .msg_iov = &into, .msg_iovlen = 1};
		struct mmsghdr many = {.msg_hdr = message}, many_received = {.msg_hdr = received};
		socklen_t namelen = sizeof(name);
		fill(bytes, connection, 0, lengths[i]);
		switch (i % 3) {
		case 0: expect(sendto(from, bytes, lengths[i], 0, address, length) >= 0, "sendto"); break;
		case 1: expect(sendmsg(from, &message, 0) >= 0, "sendmsg"); break;
		default: expect(sendmmsg(from, &many, 1, 0) == 1, "sendmmsg"); break;
		}
		ssize_t count = i % 3 == 0 ? recvfrom(to, got, sizeof(got), 0, (struct sockaddr *)&name, &namelen)
			: i % 3 == 1 ? recvmsg(to, &received, 0)
			: recvmmsg(to, &many_received, 1, 0, NULL) == 1 ? (ssize_t)many_received.msg_len : -1;
		expect(count == (ssize_t)lengths[i], "the message");
	}
	close(from);
	close(to);
	printf("connection %zu: messages\n", connection);
}

static void datagrams(int family, struct sockaddr *address, socklen_t length, size_t connection)
{
	int to = socket(family, SOCK_DGRAM, 0), from = socket(family, SOCK_DGRAM, 0);
	expect(bind(to, address, length) == 0 && getsockname(to, address, &length) == 0, "bind");
	messages(from, to, address, length, connection, 1);
}

int main(int count, char **arguments)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t unlen = offsetof(struct sockaddr_un, sun_path) + 1 + sprintf(un.sun_path + 1, "moves-%d", getpid());
	int pair[2];

	setvbuf(stdout, NULL, _IONBF, 0);
	if (count > 2) {
		int udp = socket(AF_INET, SOCK_DGRAM, 0);
		v4.sin_port = htons(9);
		for (int i = 0; i < atoi(arguments[2]); i++)
			sendto(udp, &i, sizeof(i), MSG_DONTWAIT, (struct sockaddr *)&v4, sizeof(v4));
		raise(SIGKILL);
	}
	if (count > 1)
		longest = atoi(arguments[1]);
	over_listener(AF_INET, (struct sockaddr *)&v4, sizeof(v4), 1);
	over_listener(AF_INET6, (struct sockaddr *)&v6, sizeof(v6), 2);
	over_listener(AF_UNIX, (struct sockaddr *)&un, unlen, 3);
	expect(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
	both_ends(pair[0], pair[1], 4);
	v4.sin_port = v6.sin6_port = 0;
	datagrams(AF_INET, (struct sockaddr *)&v4, sizeof(v4), 5);
	datagrams(AF_INET6, (struct sockaddr *)&v6, sizeof(v6), 6);
	datagrams(AF_UNIX, (struct sockaddr *)&un, unlen, 7);
	expect(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0, "socketpair");
	messages(pair[0], pair[1], NULL, 0, 8, 1);
	expect(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0, "socketpair");
	messages(pair[0], pair[1], NULL, 0, 9, 0);
	return 0;
}
