/*
 * Stands before clock_gettime(2), by LD_PRELOAD: the time of day is off by the seconds that stand in
 * the file PCHAT_CLOCK, as a whole number of eight bytes. Other clocks are left alone.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset;
static int (*next)(clockid_t, struct timespec *);

/* At once: later a process may not open files any more. */
__attribute__((constructor)) static void map(void)
{
	const char *path = getenv("PCHAT_CLOCK");
	const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *page = MAP_FAILED;

	*(void **)&next = dlsym(RTLD_NEXT, "clock_gettime");
	if (fd != -1) {
		page = mmap(NULL, sizeof(*offset), PROT_READ, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (page != MAP_FAILED)
		offset = page;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
	int result;

	if (!next)
		map();
	result = next(id, now);
	if (result == 0 && id == CLOCK_REALTIME && offset)
		now->tv_sec += *offset;
	return result;
}
