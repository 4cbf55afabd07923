// Uses sockets in every kind of initialiser and exit handler: .preinit_array, a constructor, main, handlers
// of atexit, on_exit and pthread keys, a destructor. With -DNEEDED it is linked with the library made of
// constructed.c.
//
//   ending_handlers [quick]
#include "sockets.h"

#ifdef NEEDED
int constructed(void);
#endif

static void at(const char *moment)
{
	expect(moment, 0);
	use_sockets();
	print_transcript();
}

static void preinit(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	at("preinit");
}
__attribute__((section(".preinit_array"), used)) static void (*preinit_pointer)(int, char **, char **) = preinit;

__attribute__((constructor)) static void begin(void)
{
	at("constructor");
}

__attribute__((destructor)) static void end(void)
{
	at("destructor");
}

static void at_exit(void)
{
	at("atexit");
}

static void at_quick_exit_too(void)
{
	at("at_quick_exit");
}

static void on_exit_too(int status, void *unused)
{
	(void)unused;
	expect("status", status);
	at("on_exit");
}

static void at_thread_end(void *unused)
{
	(void)unused;
	at("a key's destructor");
}

static void *thread(void *key)
{
	pthread_setspecific(*(pthread_key_t *)key, key);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_key_t key;
	pthread_t other;

	(void)argv;
	atexit(at_exit);
	at_quick_exit(at_quick_exit_too);
	on_exit(on_exit_too, NULL);
	pthread_key_create(&key, at_thread_end);
	pthread_create(&other, NULL, thread, &key);
	pthread_join(other, NULL);
#ifdef NEEDED
	expect("of the library", constructed());
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	expect("getsockname", getsockname(constructed(), (struct sockaddr *)&address, &length));
#endif
	at("main");
	if (argc > 1)
		quick_exit(3);
	return 3;
}
