// Sends ten megabytes by every function that sends, in pieces of any length, while a thread receives them by every function that
// receives, and compares: no byte is lost, and none comes out of order.
//
//     flood unix|tcp [wait|poll]      with blocking calls, or with calls that do not wait and poll(2)

#include "address.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include "../glibc_names.h"

enum { TOTAL = 10 << 20, PIECE = 5000, PARTS = 12 };

static unsigned char sent[TOTAL], got[TOTAL];
static int ends[2], file;
static bool waits;

static unsigned next(unsigned *random)
{
	*random = *random * 1103515245u + 12345u;
	return *random >> 8;
}

static void fail(const char *what, int form)
{
	printf("%s of form %d: %s\n", what, form, strerrorname_np(errno));
	exit(1);
}

// Divides the bytes into parts, some of which are empty.
static int divide(struct iovec *parts, void *bytes, size_t length, unsigned *random)
{
	int count = 1 + next(random) % PARTS;
	size_t at = 0;

	for (int i = 0; i < count; i++) {
		size_t left = length - at, piece = i == count - 1 ? left : next(random) % 3 == 0 ? 0 : next(random) % (left + 1);
		parts[i] = (struct iovec){(char *)bytes + at, piece};
		at += piece;
	}
	return count;
}

static long send_once(int form, unsigned char *bytes, size_t length, off_t at, unsigned *random)
{
	static int pipes[2] = {-1, -1};
	struct iovec parts[PARTS];
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 0};
	struct mmsghdr many[3];
	size_t third = length / 3;
	long result;

	switch (form) {
	case 0: return send(ends[0], bytes, length, 0);
	case 1: return sendto(ends[0], bytes, length, 0, NULL, 0);
	case 2: message.msg_iovlen = divide(parts, bytes, length, random); return sendmsg(ends[0], &message, 0);
	case 3: return write(ends[0], bytes, length);
	case 4: return writev(ends[0], parts, divide(parts, bytes, length, random));
	case 5: return pwritev2(ends[0], parts, divide(parts, bytes, length, random), -1, 0);
	case 6:
		result = sendfile(ends[0], file, &at, length);
		if (result >= 0 && at != bytes - sent + result)
			fail("the offset", form);
		return result;
	case 7:
		memset(many, 0, sizeof(many));
		for (int i = 0; i < 3; i++) {
			parts[i] = (struct iovec){bytes + i * third, i == 2 ? length - 2 * third : third};
			many[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
		}
		int count = sendmmsg(ends[0], many, 3, 0);
		result = count < 0 ? -1 : 0;
		for (int i = 0; i < count; i++) {
			if (i < count - 1 && many[i].msg_len != parts[i].iov_len)
				fail("a short message before another", form);
			result += many[i].msg_len;
		}
		return result;
	case 8:
		// What is in the pipe has to go before anything else.
		if (pipes[0] < 0 && pipe(pipes) < 0)
			fail("pipe", form);
		length = length < 4000 ? length : 4000;
		MUST_RAW(SYS_write, pipes[1], bytes, length);
		for (size_t gone = 0; gone < length; gone += result > 0 ? result : 0) {
			result = splice(pipes[0], NULL, ends[0], NULL, length - gone, 0);
			if (result < 0 && errno != EAGAIN)
				fail("splice", form);
			if (result < 0)
				poll(&(struct pollfd){ends[0], POLLOUT, 0}, 1, -1);
		}
		return length;
	case 9: return syscall(SYS_write, ends[0], bytes, length);
	case 10: return syscall(SYS_sendto, ends[0], bytes, length, 0, NULL, 0);
	case 11: return __send(ends[0], bytes, length, 0);
	case 12: return __write(ends[0], bytes, length);
	case 13:
		message.msg_iovlen = divide(parts, bytes, length, random);
		return syscall(SYS_sendmsg, ends[0], &message, 0);
	default: return syscall(SYS_sendfile, ends[0], file, &at, length);
	}
}
enum { SEND_FORMS = 15 };

static void *send_all(void *unused)
{
	unsigned random = 7;

	for (size_t at = 0; at < TOTAL;) {
		size_t length = 1 + next(&random) % PIECE;
		int form = next(&random) % SEND_FORMS;
		length = length < TOTAL - at ? length : TOTAL - at;
		long result = send_once(form, sent + at, length, at, &random);
		if (result < 0 && (waits || errno != EAGAIN))
			fail("a send", form);
		if (result < 0)
			poll(&(struct pollfd){ends[0], POLLOUT, 0}, 1, -1);
		at += result > 0 ? result : 0;
	}
	shutdown(ends[0], SHUT_WR);
	return unused;
}

static long receive_once(int form, unsigned char *bytes, size_t length, unsigned *random)
{
	static int pipes[2] = {-1, -1};
	struct iovec parts[PARTS];
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 0};
	struct mmsghdr many[3];
	size_t third = length / 3 + 1;
	long result;

	switch (form) {
	case 0: return recv(ends[1], bytes, length, 0);
	case 1: return recvfrom(ends[1], bytes, length, 0, NULL, NULL);
	case 2: message.msg_iovlen = divide(parts, bytes, length, random); return recvmsg(ends[1], &message, 0);
	case 3: return read(ends[1], bytes, length);
	case 4: return readv(ends[1], parts, divide(parts, bytes, length, random));
	case 5: return preadv2(ends[1], parts, divide(parts, bytes, length, random), -1, 0);
	case 6: return __recv_chk(ends[1], bytes, length, 2 * PIECE, 0);
	case 7:
		memset(many, 0, sizeof(many));
		for (int i = 0; i < 3; i++) {
			parts[i] = (struct iovec){bytes + i * third, third};
			many[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
		}
		int count = recvmmsg(ends[1], many, 3, MSG_WAITFORONE, NULL);
		result = count < 0 ? -1 : 0;
		for (int i = 0; i < count; i++) {
			memmove(bytes + result, bytes + i * third, many[i].msg_len);
			result += many[i].msg_len;
		}
		return result;
	case 8:
		if (pipes[0] < 0 && pipe(pipes) < 0)
			fail("pipe", form);
		result = splice(ends[1], NULL, pipes[1], NULL, length < 4000 ? length : 4000, 0);
		for (long there = 0; there < result;)
			there += MUST_RAW(SYS_read, pipes[0], bytes + there, result - there);
		return result;
	case 9: return syscall(SYS_read, ends[1], bytes, length);
	case 10: return syscall(SYS_recvfrom, ends[1], bytes, length, 0, NULL, NULL);
	case 11: return __read_chk(ends[1], bytes, length, 2 * PIECE);
	case 12: return __recvfrom_chk(ends[1], bytes, length, 2 * PIECE, 0, NULL, NULL);
	case 13: return recv(ends[1], bytes, length, MSG_WAITALL);
	case 14:
		// What was only looked at comes again.
		result = recv(ends[1], bytes, length, MSG_PEEK);
		return result < 0 ? result : recv(ends[1], bytes, length, 0);
	default: return __read(ends[1], bytes, length);
	}
}
enum { RECEIVE_FORMS = 16 };

int main(int argc, char **argv)
{
	static unsigned char piece[2 * PIECE];
	unsigned random = 1;
	pthread_t sender;
	size_t at = 0;
	FILE *stream = tmpfile();

	if (argc < 2 || stream == NULL)
		return 2;
	alarm(100);
	signal(SIGPIPE, SIG_IGN);
	waits = argc < 3 || strcmp(argv[2], "wait") == 0;
	for (size_t i = 0; i < TOTAL; i++)
		sent[i] = next(&random);
	fwrite(sent, 1, TOTAL, stream);
	fflush(stream);
	file = fileno(stream);
	if (strcmp(argv[1], "unix") == 0) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
			return 3;
	} else {
		struct address at = address_of("127.0.0.1:7001");
		int listener = socket(AF_INET, SOCK_STREAM, 0);
		ends[0] = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(listener, &at.any, at.length) < 0 || listen(listener, 1) < 0 || connect(ends[0], &at.any, at.length) < 0)
			return 3;
		ends[1] = accept(listener, NULL, NULL);
	}
	for (int i = 0; i < 2 && !waits; i++)
		fcntl(ends[i], F_SETFL, O_NONBLOCK);
	pthread_create(&sender, NULL, send_all, NULL);
	for (;;) {
		int form = next(&random) % RECEIVE_FORMS;
		size_t length = 1 + next(&random) % PIECE;
		long result = receive_once(form, piece, length, &random);
		if (result == 0)
			break;
		if (result < 0 && (waits || errno != EAGAIN))
			fail("a receive", form);
		if (result < 0)
			poll(&(struct pollfd){ends[1], POLLIN, 0}, 1, -1);
		if (result > 0 && at + result <= TOTAL)
			memcpy(got + at, piece, result);
		at += result > 0 ? result : 0;
	}
	pthread_join(sender, NULL);
	printf("%zu bytes, %s\n", at, at == TOTAL && memcmp(sent, got, TOTAL) == 0 ? "the same" : "others");
	return 0;
}
