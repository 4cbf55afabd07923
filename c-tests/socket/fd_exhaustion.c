// With no descriptor left, EMFILE is the last error that socket() checks for.
#include "../transcript.h"

int main(void)
{
	use_up_descriptors();
	CALL(socket(AF_INET, SOCK_STREAM, 0));
	CALL(socket(AF_UNIX, SOCK_DGRAM, 0));
	CALL(socket(99, SOCK_STREAM, 0));
	CALL(socket(AF_INET, SOCK_STREAM, 99));
	CALL(socket(AF_INET, SOCK_SEQPACKET, 0));
	CALL(socket(AF_INET, SOCK_STREAM | 0x10, 0));
	CALL(dup(0));
	free_descriptors();
	CALL(socket(AF_INET, SOCK_STREAM, 0));
}
