// Several processes write a log together: each makes COUNT control calls, with a rest after every hundred.
//
//   lines PROCESSES COUNT
#include "stress.h"

int main(int argc, char **argv)
{
	int processes = argc > 1 ? atoi(argv[1]) : 1, count = argc > 2 ? atoi(argv[2]) : 1;
	struct sockaddr_in address;

	for (int i = 0; i < processes; i++) {
		if (CHECK(fork()) != 0)
			continue;
		int fd = make(TCP);
		for (int j = 0; j < count; j++) {
			socklen_t length = sizeof(address);
			CHECK(getsockname(fd, (struct sockaddr *)&address, &length));
			if (j % 100 == 99)
				usleep(1000);
		}
		return 0;
	}
	for (int i = 0; i < processes; i++) {
		int status;
		CHECK(wait(&status));
		if (status)
			return 1;
	}
	return 0;
}
