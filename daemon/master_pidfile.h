#ifndef PCHAT_DAEMON_MASTER_PIDFILE_H
#define PCHAT_DAEMON_MASTER_PIDFILE_H

#include <stdbool.h>

#include "conf/err.h"

/*
 * run_directory/pchatd.pid, locked as long as the master lives. A file that nobody has locked was
 * left behind by a master that did not end in order.
 */
struct pidfile {
	struct pidfh *handle; /* owned */
	bool stale;	      /* it was there, unlocked, when we took it */
};

/* Locks the file. The error names the running master's pid if there is one. */
int pidfile_take(struct pidfile *pidfile, const char *run_directory, struct err *err);

/* Writes our pid into it, once that is final. */
int pidfile_fill(struct pidfile *pidfile, struct err *err);

/* Removes the file and gives up the lock. */
void pidfile_drop(struct pidfile *pidfile);

#endif
