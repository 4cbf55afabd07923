// Runs a program in a network namespace of its own, where every port is free, and nobody else sends anything.
//
//     network VARIABLE=VALUE… PROGRAM ARGUMENT…
//
// The variables are the program's only: this one runs without the library.

#include "raw.h"
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int at = 1, fd;

	if (unshare(CLONE_NEWNET) < 0 || (fd = socket(AF_INET, SOCK_DGRAM, 0)) < 0 || ioctl(fd, SIOCSIFFLAGS, &loopback) < 0) {
		perror("a network namespace");
		return 99;
	}
	close(fd);
	for (; at < argc && strchr(argv[at], '=') != NULL; at++)
		putenv(argv[at]);
	execvp(argv[at], argv + at);
	perror(argv[at]);
	return 99;
}
