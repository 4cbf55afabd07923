// A library with thread-local storage in the static block, which has little space left for libraries that
// are loaded late.
__thread char hog[256] __attribute__((tls_model("initial-exec")));

char *hogged(void)
{
	return hog;
}
