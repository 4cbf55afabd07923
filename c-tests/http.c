// A small HTTP/1.1 server: the life of a TCP server's sockets in one file.
//
//     http PORT ROOT
//
// serves the files below the directory ROOT on 127.0.0.1, and with PORT 0 on a port that the kernel picks.
// The calls:
//
//     listener = socket(AF_INET, SOCK_STREAM, 0)    protocol 0: the first stream protocol of the family, TCP
//     setsockopt(listener, SO_REUSEADDR)            old connections in TIME_WAIT do not keep the port from us
//     bind(listener, 127.0.0.1:PORT)
//     listen(listener)                              from here on the kernel completes handshakes by itself
//     for each client:
//         client = accept(listener)                 a second socket, already connected
//         read(client), write(client)               one request, one response
//         close(client)
//     close(listener)
//
// One client at a time. A client that sends nothing is dropped after PATIENCE seconds. SIGTERM or SIGINT
// ends the server, with status 0, after the present client is served.
//
// Build: cc -o http http.c

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
	REQUEST_MAX = 8192, // Bytes of a request line and its header fields.
	PATIENCE = 5, // Seconds for a client to send its request, or to take the next piece of the response.
	PATH_EXTRA = sizeof "/index.html",
};

struct request {
	char text[REQUEST_MAX + 1];
	size_t length; // Bytes read so far.
	bool more;     // Bytes may be left unread in the socket.
	const char *method, *target;
};

static int listener = -1;
static volatile sig_atomic_t stopping;

// Wakes accept() for good: a listener that is shut down refuses to accept, whether the signal comes during
// the call or just before it. In the second case a flag alone would be missed.
static void stop(int signal)
{
	(void)signal;
	int saved = errno;
	stopping = 1;
	shutdown(listener, SHUT_RD);
	errno = saved;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

// ---- Files -----------------------------------------------------------------------------------------------

// Opens a path below the root. The kernel refuses every path that leaves it: "..", absolute paths,
// symlinks. O_NONBLOCK, because opening a FIFO would wait for a writer.
static int open_beneath(int root, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	return syscall(SYS_openat2, root, path, &how, sizeof how);
}

// Opens the regular file that a decoded path names; -1 if there is none. For a directory that is its
// index.html, which is appended to the path: its buffer has PATH_EXTRA bytes for that.
static int open_file(int root, char *path, struct stat *status)
{
	char *name = path + strspn(path, "/");
	int fd = open_beneath(root, *name ? name : ".");
	if (fd >= 0 && fstat(fd, status) == 0 && S_ISDIR(status->st_mode)) {
		close(fd);
		strcat(path, "/index.html");
		name = path + strspn(path, "/");
		fd = open_beneath(root, name);
	}
	if (fd >= 0 && (fstat(fd, status) < 0 || !S_ISREG(status->st_mode))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static const char *content_type(const char *path)
{
	static const char *const types[][2] = {
		{".html", "text/html; charset=utf-8"},
		{".htm", "text/html; charset=utf-8"},
		{".txt", "text/plain; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".js", "text/javascript"},
		{".json", "application/json"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".jpg", "image/jpeg"},
		{".jpeg", "image/jpeg"},
		{".gif", "image/gif"},
		{".webp", "image/webp"},
		{".ico", "image/x-icon"},
		{".pdf", "application/pdf"},
		{".wasm", "application/wasm"},
	};
	const char *name = strrchr(path, '/');
	const char *ending = strrchr(name ? name : path, '.');
	for (size_t i = 0; ending && i < sizeof types / sizeof types[0]; i++)
		if (strcasecmp(ending, types[i][0]) == 0)
			return types[i][1];
	return "application/octet-stream";
}

// ---- Reading a request -----------------------------------------------------------------------------------

// The end of the header fields, which an empty line marks; NULL if it is not there yet. Lines end with
// CRLF, but a bare LF is tolerated.
static char *end_of_head(char *text)
{
	for (char *line = strchr(text, '\n'); line; line = strchr(line + 1, '\n')) {
		if (line[1] == '\n')
			return line + 2;
		if (line[1] == '\r' && line[2] == '\n')
			return line + 3;
	}
	return NULL;
}

// Reads until the head is complete: a stream has no message boundaries, so read() may return any part of
// it. Returns 0, the status of an error response, or -1 when there is no client to answer.
static int read_request(int client, struct request *request)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	time_t patience_ends = now.tv_sec + PATIENCE;

	while (request->length < REQUEST_MAX) {
		ssize_t count = read(client, request->text + request->length, REQUEST_MAX - request->length);
		if (count < 0 && errno == EINTR && !stopping)
			continue;
		if (count < 0)
			return errno == EAGAIN && request->length > 0 ? 408 : -1;
		if (count == 0)
			return request->length > 0 ? 400 : -1;
		request->length += count;
		request->text[request->length] = '\0';
		if (strlen(request->text) < request->length)
			return 400; // A NUL byte.
		char *end = end_of_head(request->text);
		if (end) {
			// A body or a second request, neither of which is read.
			request->more = end < request->text + request->length;
			return 0;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec >= patience_ends)
			return 408; // Each byte came in time, but the request did not.
	}
	return 431;
}

static bool is_token(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("!#$%&'*+-.^_`|~", text[i]))
			return false;
	return length > 0;
}

// Cuts the next line off the head and ends it with a NUL.
static char *next_line(char **rest)
{
	char *line = *rest;
	char *newline = strchr(line, '\n');
	*rest = newline + 1;
	*newline = '\0';
	if (newline > line && newline[-1] == '\r')
		newline[-1] = '\0';
	return line;
}

// Parses the request line and the header fields. Returns 0 or the status of the error response.
static int parse_request(struct request *request)
{
	char *rest = request->text;
	char *method = next_line(&rest);
	char *target = strchr(method, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;
	if (!version)
		return 400;
	*target++ = '\0';
	*version++ = '\0';
	if (!is_token(method, strlen(method)) || !*target)
		return 400;
	if (strlen(version) != strlen("HTTP/1.1") || strncmp(version, "HTTP/", 5) != 0 ||
	    !isdigit((unsigned char)version[5]) || version[6] != '.' || !isdigit((unsigned char)version[7]))
		return 400;
	if (version[5] != '1')
		return 505;

	int hosts = 0;
	for (char *field = next_line(&rest); *field; field = next_line(&rest)) {
		char *colon = strchr(field, ':');
		if (!colon || !is_token(field, colon - field))
			return 400;
		hosts += colon - field == 4 && strncasecmp(field, "Host", 4) == 0;
	}
	if (hosts > 1 || (hosts == 0 && version[7] != '0'))
		return 400; // Since HTTP/1.1 a request names exactly one host.

	request->method = method;
	request->target = target;
	return 0;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					    : -1;
}

// The path of a target: without scheme, authority and query, percent-decoded. `path` is as large as the
// whole target. False: the target does not name a path.
static bool decode_target(const char *target, char *path)
{
	if (strncasecmp(target, "http://", 7) == 0) {
		target += 7 + strcspn(target + 7, "/?");
		if (*target != '/') // An empty path means the root.
			target = "/";
	}
	if (*target != '/')
		return false;
	for (; *target && *target != '?'; target++) {
		if (*target != '%') {
			*path++ = *target;
			continue;
		}
		int high = hex_digit(target[1]);
		int low = high < 0 ? -1 : hex_digit(target[2]);
		if (low < 0 || high * 16 + low == 0)
			return false;
		*path++ = (char)(high * 16 + low);
		target += 2;
	}
	*path = '\0';
	return true;
}

// ---- Writing a response ----------------------------------------------------------------------------------

// A socket may accept fewer bytes than it is given; write() returns how many. False: the client is gone or
// does not read.
static bool write_all(int client, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t count = write(client, bytes, length);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return false;
		bytes += count;
		length -= count;
	}
	return true;
}

static bool write_head(int client, const char *status, const char *type, long long length)
{
	char head[512];
	int size = snprintf(
		head, sizeof head,
		"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %lld\r\n%sConnection: close\r\n\r\n",
		status, type, length, strncmp(status, "405", 3) == 0 ? "Allow: GET, HEAD\r\n" : "");
	return write_all(client, head, size);
}

static void write_error(int client, int code, bool with_body)
{
	const char *status = code == 400   ? "400 Bad Request"
			     : code == 404 ? "404 Not Found"
			     : code == 405 ? "405 Method Not Allowed"
			     : code == 408 ? "408 Request Timeout"
			     : code == 431 ? "431 Request Header Fields Too Large"
					   : "505 HTTP Version Not Supported";
	char body[64];
	int length = snprintf(body, sizeof body, "%s\n", status);
	if (write_head(client, status, "text/plain; charset=utf-8", length) && with_body)
		write_all(client, body, length);
}

// Sends exactly the announced number of bytes, even if the file grows meanwhile. If it shrinks, the
// connection ends early, which the client notices.
static void write_file(int client, int file, long long left)
{
	static char piece[65536];
	while (left > 0) {
		ssize_t count =
			read(file, piece, left < (long long)sizeof piece ? (size_t)left : sizeof piece);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0 || !write_all(client, piece, count))
			return;
		left -= count;
	}
}

// close() on a socket with unread bytes resets the connection, and the reset can overtake the response. So
// the response is ended first, and what still arrives is read for a while.
static void drain(int client)
{
	char sink[REQUEST_MAX];
	shutdown(client, SHUT_WR);
	for (int i = 0; i < 256 && !stopping; i++)
		if (read(client, sink, sizeof sink) <= 0)
			break;
}

static void serve(int client, int root)
{
	static struct request request;
	memset(&request, 0, sizeof request);
	int error = read_request(client, &request);
	if (error < 0)
		return;
	if (error > 0) // The head is not complete, so the client may still be sending.
		request.more = true;
	else
		error = parse_request(&request);

	bool head = error == 0 && strcmp(request.method, "HEAD") == 0;
	char path[REQUEST_MAX + PATH_EXTRA];
	if (error == 0 && !head && strcmp(request.method, "GET") != 0)
		error = 405;
	else if (error == 0 && !decode_target(request.target, path))
		error = 400;

	struct stat status;
	int file = error == 0 ? open_file(root, path, &status) : -1;
	if (file >= 0) {
		if (write_head(client, "200 OK", content_type(path), status.st_size) && !head)
			write_file(client, file, status.st_size);
		close(file);
	} else {
		write_error(client, error == 0 ? 404 : error, !head);
	}
	if (request.more)
		drain(client);
}

// ---- The listener ----------------------------------------------------------------------------------------

static int listen_on(uint16_t port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		die("socket");
	int on = 1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
		die("setsockopt");
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		die("bind");
	if (listen(fd, SOMAXCONN) < 0)
		die("listen");
	return fd;
}

int main(int argc, char **argv)
{
	char *end = NULL;
	long port = argc == 3 && isdigit((unsigned char)argv[1][0]) ? strtol(argv[1], &end, 10) : -1;
	if (port < 0 || port > 65535 || *end != '\0') {
		fprintf(stderr, "usage: %s PORT ROOT\n", argc > 0 ? argv[0] : "http");
		return 2;
	}
	int root = open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		die(argv[2]);
	int probe = open_beneath(root, ".");
	if (probe < 0)
		die("openat2 on the root directory");
	close(probe);

	listener = listen_on((uint16_t)port);
	// Without SA_RESTART, so that a signal also interrupts read().
	struct sigaction action = {.sa_handler = stop};
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	// A client that leaves early is an error of write(), not the end of the server.
	signal(SIGPIPE, SIG_IGN);

	struct sockaddr_in address;
	socklen_t length = sizeof address;
	if (getsockname(listener, (struct sockaddr *)&address, &length) < 0)
		die("getsockname");
	printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
	fflush(stdout);

	while (!stopping) {
		int client = accept(listener, NULL, NULL);
		if (client < 0) {
			if (stopping || errno == EINTR || errno == ECONNABORTED || errno == EPROTO)
				continue;
			die("accept");
		}
		struct timeval patience = {.tv_sec = PATIENCE};
		setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
		serve(client, root);
		close(client);
	}
	close(listener);
	return 0;
}
