// System calls in machine code, which no library sees: what a test needs beside the calls that rules are about.
#ifndef RAW_H
#define RAW_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// The result, or an errno as a negative number.
static inline long raw6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

#define RAW_(number, a, b, c, d, e, f, ...) raw6(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define RAW(...) RAW_(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

// Ends the test where its preparation fails.
#define MUST_RAW(...) must_raw(#__VA_ARGS__, RAW(__VA_ARGS__))
static inline long must_raw(const char *call, long result)
{
	if (result < 0) {
		dprintf(2, "%s: %s\n", call, strerrorname_np(-result));
		_exit(99);
	}
	return result;
}

#endif
