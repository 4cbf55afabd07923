// Shared by the programs that ask for names. They may bring a name server of their own, so that they depend neither on a
// network nor on the machine's configuration.

#ifndef RESOLVER_H
#define RESOLVER_H

#include "transcript.h"
#include <netdb.h>
#include <nss.h>
#include <pthread.h>
#include <resolv.h>

static inline const char *eai_name(int error)
{
	static const char *const names[] = {
		"0",           "EAI_BADFLAGS", "EAI_NONAME",     "EAI_AGAIN",  "EAI_FAIL",   "EAI_NODATA",  "EAI_FAMILY",
		"EAI_SOCKTYPE", "EAI_SERVICE",  "EAI_ADDRFAMILY", "EAI_MEMORY", "EAI_SYSTEM", "EAI_OVERFLOW",
	};
	return error <= 0 && -error < (int)COUNT(names) ? names[-error] : text("%d", error);
}

static inline const char *host_error_name(int error)
{
	static const char *const names[] = {"NETDB_INTERNAL", "NETDB_SUCCESS", "HOST_NOT_FOUND",
	                                    "TRY_AGAIN",      "NO_RECOVERY",   "NO_DATA"};
	return error >= -1 && error < (int)COUNT(names) - 1 ? names[error + 1] : text("%d", error);
}

// What a pointer is before a call that stores one.
#define UNSTORED ((void *)1)
enum { UNSET = 77 }; // h_errno before each call

static inline const char *stored(const void *pointer)
{
	return pointer == UNSTORED ? "untouched" : pointer ? "a host" : "NULL";
}

static inline const char *host_text(const struct hostent *host)
{
	char address[INET6_ADDRSTRLEN];
	const char *all = text("\"%s\"", host->h_name);
	for (char **next = host->h_addr_list; *next; next++)
		all = text("%s %s", all, inet_ntop(host->h_addrtype, *next, address, sizeof address));
	return all;
}

// ---- The eight calls -----------------------------------------------------------------------------------------

static inline void ask_addrinfo(const char *node, const char *service, const struct addrinfo *hints)
{
	char host[INET6_ADDRSTRLEN], port[16];
	struct addrinfo *list = UNSTORED;
	h_errno = UNSET;
	errno = UNTOUCHED;
	int error = getaddrinfo(node, service, hints, &list);
	printf("getaddrinfo(%s, %s, %s) = %s", node ? node : "NULL", service ? service : "NULL",
	       hints ? text("%#x family %d type %d", hints->ai_flags, hints->ai_family, hints->ai_socktype) : "NULL",
	       eai_name(error));
	if (error) {
		// errno is unspecified unless EAI_SYSTEM says otherwise, and h_errno is not the call's.
		printf("%s, the list is %s\n", error == EAI_SYSTEM ? text(" %s", errno_name(errno)) : "",
		       stored(list));
		return;
	}
	for (struct addrinfo *one = list; one; one = one->ai_next) {
		getnameinfo(one->ai_addr, one->ai_addrlen, host, sizeof host, port, sizeof port,
		            NI_NUMERICHOST | NI_NUMERICSERV);
		printf(", %s port %s type %d%s", host, port, one->ai_socktype,
		       one->ai_canonname ? text(" \"%s\"", one->ai_canonname) : "");
	}
	printf("\n");
	freeaddrinfo(list);
}

static inline void ask_nameinfo(const char *label, const void *address, socklen_t length, socklen_t host_length,
                                socklen_t service_length, int flags)
{
	char host[NI_MAXHOST] = "-", service[NI_MAXSERV] = "-";
	errno = UNTOUCHED;
	int error = getnameinfo(address, length, host_length ? host : NULL, host_length,
	                        service_length ? service : NULL, service_length, flags);
	printf("getnameinfo(%s, flags %#x) = %s", label, flags, eai_name(error));
	if (error)
		printf("%s\n", error == EAI_SYSTEM ? text(" %s", errno_name(errno)) : "");
	else
		printf(", host %s, service %s\n", host, service);
}

// The answer of a call that returns a host.
static inline void say_host(const char *label, const struct hostent *host)
{
	int error = errno, host_error = h_errno;
	printf("%s = %s", label, host ? host_text(host) : "NULL");
	if (host)
		printf("\n");
	else
		printf(" %s, %s\n", host_error_name(host_error), errno_name(error));
}

#define ASK_HOST(label, call) say_host(label, (errno = UNTOUCHED, h_errno = UNSET, (call)))

// The answer of a reentrant form, which needs the variables `host`, `buffer`, `result` and `host_error`.
static inline void say_host_into(const char *label, int ret, const struct hostent *result, int host_error)
{
	int error = errno;
	printf("%s = %s", label, ret ? errno_name(ret) : "0");
	if (result && result != UNSTORED)
		printf(" %s\n", host_text(result));
	else
		printf(", the result is %s, %s, %s\n", stored(result), host_error_name(host_error),
		       errno_name(error));
}

#define ASK_HOST_INTO(label, call)                                                                                     \
	do {                                                                                                           \
		struct hostent host, *result = UNSTORED;                                                               \
		int host_error = UNSET, ret;                                                                           \
		errno = UNTOUCHED;                                                                                     \
		ret = (call);                                                                                          \
		say_host_into(label, ret, result, host_error);                                                         \
	} while (0)

// ---- A name server -------------------------------------------------------------------------------------------

// The first label of a name says how the server answers; of an address, its last number.
static inline int server_answer(const unsigned char *query, size_t length)
{
	static const struct {
		const char *label;
		int code;
	} answers[] = {
		{"nx", 3},   {"1", 3},     {"servfail", 2}, {"2", 2}, {"refused", 5}, {"3", 5},
		{"none", 0}, {"4", 0},     {"form", 1},     {"5", 1}, {"silent", -1}, {"6", -1},
	};
	for (size_t i = 0; i < COUNT(answers); i++) {
		size_t size = strlen(answers[i].label);
		if (length > 13 + size && query[12] == size && !memcmp(query + 13, answers[i].label, size))
			return answers[i].code;
	}
	return 0;
}

static void *serve(void *argument)
{
	int fd = *(int *)argument;
	unsigned char query[512];
	struct sockaddr_in peer;
	for (;;) {
		socklen_t size = sizeof peer;
		ssize_t length = recvfrom(fd, query, sizeof query, 0, (struct sockaddr *)&peer, &size);
		int code = server_answer(query, length);
		if (length < 17 || code < 0)
			continue;
		// The question comes back with the code and without answers; an extension behind it is left out.
		size_t end = 12;
		while (query[end] && end < (size_t)length)
			end += query[end] + 1;
		query[2] = 0x81;
		query[3] = 0x80 | code;
		memset(query + 6, 0, 6);
		sendto(fd, query, end + 5, 0, (struct sockaddr *)&peer, size);
	}
	return NULL;
}

static struct sockaddr_in server_address;

// Starts the server, and makes libc ask it.
static inline void start_server(void)
{
	static int fd;
	pthread_t thread;
	fd = udp_bound(&server_address);
	if (pthread_create(&thread, NULL, serve, &fd))
		transcript_must("pthread_create", -1, SETUP_STATUS);
	if (__nss_configure_lookup("hosts", "files dns"))
		transcript_must("__nss_configure_lookup", -1, SETUP_STATUS);
}

// Makes the calling thread ask the server.
static inline void use_server(int seconds)
{
	MUST(res_init());
	_res.nscount = 1;
	_res.nsaddr_list[0] = server_address;
	_res.retrans = seconds;
	_res.retry = 1;
	_res.options &= ~(RES_DNSRCH | RES_DEFNAMES);
}

#endif
