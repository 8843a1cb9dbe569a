#include "conf/fault.h"

#ifdef PCHAT_FAULTS
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { POINT_NAME = 64 };

/* What the file asks for. False if there is no file, or no "name count" in it yet. */
static bool read_order(const char *path, struct stat *stat_r, char name_r[POINT_NAME],
		       unsigned *count_r)
{
	char line[POINT_NAME + 16];
	ssize_t length;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	length = read(fd, line, sizeof(line) - 1);
	if (fstat(fd, stat_r) < 0)
		length = -1;
	close(fd);
	if (length <= 0)
		return false;
	line[length] = '\0';
	return sscanf(line, "%63s %u", name_r, count_r) == 2;
}

void fault_point(const char *name)
{
	static struct stat last; /* the order that passed counts for */
	static unsigned passed;
	const char *path = getenv("PCHAT_FAULT_FILE");
	char wanted[POINT_NAME];
	struct stat now;
	unsigned count;

	if (!path || !read_order(path, &now, wanted, &count) || strcmp(name, wanted) != 0)
		return;
	if (now.st_ino != last.st_ino || now.st_mtim.tv_sec != last.st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != last.st_mtim.tv_nsec)
		passed = 0;
	last = now;
	passed++;
	if (passed >= count && unlink(path) == 0)
		kill(getpid(), SIGKILL);
}
#endif
