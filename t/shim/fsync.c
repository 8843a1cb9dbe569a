/*
 * Stands before fdatasync(2) in a pchat-sequencer, by LD_PRELOAD; other programs it leaves alone.
 * The files of the directory PCHAT_SHIM say what it does:
 *
 *   hold   the call waits while this is there, and makes "held" while it waits
 *   fail   the call removes it and fails with EIO
 *   log    gets one byte for each call that has returned success
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int is_sequencer(void)
{
	static const char name[] = "pchat-sequencer";
	static int answer = -1;
	char path[PATH_MAX];
	ssize_t length;

	if (answer < 0) {
		length = readlink("/proc/self/exe", path, sizeof(path) - 1);
		path[length < 0 ? 0 : length] = '\0';
		answer = strstr(path, name) != NULL;
	}
	return answer;
}

static const char *control(const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", getenv("PCHAT_SHIM"), name);
	return path;
}

static void make(const char *name)
{
	char path[PATH_MAX];

	close(open(control(name, path), O_WRONLY | O_CREAT, 0600));
}

static bool there(const char *name)
{
	char path[PATH_MAX];

	return access(control(name, path), F_OK) == 0;
}

static bool take(const char *name)
{
	char path[PATH_MAX];

	return unlink(control(name, path)) == 0;
}

static void note(void)
{
	char path[PATH_MAX];
	int fd = open(control("log", path), O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (fd >= 0 && write(fd, "s", 1) != 1)
		abort();
	close(fd);
}

int fdatasync(int fd)
{
	const struct timespec moment = {.tv_nsec = 2000000};
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	int result;

	if (!getenv("PCHAT_SHIM") || !is_sequencer())
		return next(fd);
	if (there("hold")) {
		make("held");
		while (there("hold"))
			nanosleep(&moment, NULL);
		take("held");
	}
	if (take("fail")) {
		errno = EIO;
		return -1;
	}
	result = next(fd);
	if (result == 0)
		note();
	return result;
}
