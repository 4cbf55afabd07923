// Makes and closes sockets as fast as it can.
//
//   burst COUNT
#include "stress.h"

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1000;

	for (int i = 0; i < count; i++)
		CHECK(close(CHECK(socket(AF_UNIX, SOCK_STREAM, 0))));
	return 0;
}
