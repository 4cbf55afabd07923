// A library with thread-local storage that must be in the static block, of which little is left for late libraries.
__thread char hog[256] __attribute__((tls_model("initial-exec")));

char *hogged(void)
{
	return hog;
}
