#include "daemon/master_pidfile.h"

#include <bsd/libutil.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int pidfile_take(struct pidfile *pidfile, const char *run_directory, struct err *err)
{
	char path[PATH_MAX];
	pid_t other = 0;

	snprintf(path, sizeof(path), "%s/pchatd.pid", run_directory);
	pidfile->stale = access(path, F_OK) == 0;
	pidfile->handle = pidfile_open(path, 0644, &other);
	if (pidfile->handle != NULL)
		return 0;
	if (errno == EEXIST && other > 0)
		return err_set(err, "pchatd is already running: process %d has %s locked", other,
			       path);
	if (errno == EEXIST)
		return err_set(err, "pchatd is already running: %s is locked", path);
	return err_errno(err, "could not open %s", path);
}

int pidfile_fill(struct pidfile *pidfile, struct err *err)
{
	/* The umask is for files with secrets; whoever stops or watches the daemon reads this one. */
	if (fchmod(pidfile_fileno(pidfile->handle), 0644) == -1 ||
	    pidfile_write(pidfile->handle) == -1)
		return err_errno(err, "could not write the pid file");
	return 0;
}

void pidfile_drop(struct pidfile *pidfile)
{
	if (pidfile->handle != NULL)
		pidfile_remove(pidfile->handle);
	pidfile->handle = NULL;
}
