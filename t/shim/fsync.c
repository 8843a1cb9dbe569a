/*
 * Stands before fdatasync(2) in a pchat-sequencer, by LD_PRELOAD; other programs it leaves alone.
 * What it does stands in the file PCHAT_SHIM, which is mapped at once: later a process may not write
 * to files any more.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct words {
	uint8_t hold; /* the call waits while this is set, */
	uint8_t held; /* and sets this while it waits */
	uint8_t fail; /* the call clears it and fails with EIO */
	uint8_t done; /* a call has returned success */
};

static volatile struct words *words; /* NULL: not here */

static bool is_sequencer(void)
{
	static const char name[] = "/pchat-sequencer";
	char path[PATH_MAX];
	const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[length < 0 ? 0 : length] = '\0';
	return strstr(path, name) != NULL;
}

__attribute__((constructor)) static void map(void)
{
	const char *path = getenv("PCHAT_SHIM");
	const int fd = path && is_sequencer() ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *page = MAP_FAILED;

	if (fd != -1) {
		page = mmap(NULL, sizeof(*words), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (page != MAP_FAILED)
		words = page;
}

int fdatasync(int fd)
{
	const struct timespec moment = {.tv_nsec = 2000000};
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	int result;

	if (!words)
		return next(fd);
	while (words->hold) {
		words->held = true;
		nanosleep(&moment, NULL);
	}
	words->held = false;
	if (words->fail) {
		words->fail = false;
		errno = EIO;
		return -1;
	}
	result = next(fd);
	if (result == 0)
		words->done = true;
	return result;
}
