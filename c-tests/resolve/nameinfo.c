// getnameinfo(3) with addresses that no server is asked for, and with arguments that it refuses.
#include "../resolver.h"

int main(void)
{
	struct sockaddr_in v4 = inet4("127.0.0.1", 80), far = inet4("192.0.2.7", 4711);
	struct sockaddr_in6 v6 = inet6("::1", 443);
	struct sockaddr_un file = unix_file("/run/a");
	struct sockaddr_storage wide = {0};
	memcpy(&wide, &far, sizeof far);

	ask_nameinfo("127.0.0.1", &v4, sizeof v4, NI_MAXHOST, NI_MAXSERV, 0);
	ask_nameinfo("127.0.0.1", &v4, sizeof v4, NI_MAXHOST, NI_MAXSERV, NI_NAMEREQD | NI_NUMERICSERV);
	ask_nameinfo("127.0.0.1", &v4, sizeof v4, NI_MAXHOST, 0, NI_NUMERICHOST);
	ask_nameinfo("127.0.0.1", &v4, sizeof v4, 0, NI_MAXSERV, NI_DGRAM);
	ask_nameinfo("::1", &v6, sizeof v6, NI_MAXHOST, NI_MAXSERV, NI_NUMERICHOST);
	ask_nameinfo("192.0.2.7", &wide, sizeof wide, NI_MAXHOST, NI_MAXSERV, NI_NUMERICHOST);
	ask_nameinfo("a file", &file, sizeof file, 0, NI_MAXSERV, 0);

	ask_nameinfo("192.0.2.7, too small for it", &far, sizeof far, 4, NI_MAXSERV, NI_NUMERICHOST);
	ask_nameinfo("192.0.2.7, too small for the port", &far, sizeof far, NI_MAXHOST, 2, NI_NUMERICHOST);
	ask_nameinfo("192.0.2.7, by name", &far, sizeof far, NI_MAXHOST, 0, NI_NUMERICHOST | NI_NAMEREQD);
	ask_nameinfo("192.0.2.7, for nothing", &far, sizeof far, 0, 0, NI_NAMEREQD);
	ask_nameinfo("192.0.2.7, bad flags", &far, sizeof far, NI_MAXHOST, 0, 0x4000);
	ask_nameinfo("a short address", &v6, sizeof v4, NI_MAXHOST, 0, NI_NUMERICHOST);
	ask_nameinfo("no address", NULL, 0, NI_MAXHOST, 0, 0);
	wide.ss_family = 99;
	ask_nameinfo("no family", &wide, sizeof wide, NI_MAXHOST, 0, 0);
}
