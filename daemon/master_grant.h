#ifndef PCHAT_DAEMON_MASTER_GRANT_H
#define PCHAT_DAEMON_MASTER_GRANT_H

#include "conf/conf.h"
#include "conf/err.h"
#include "daemon/master_spawn.h"
#include "shm/child.h"

/*
 * The descriptors of one process: which of the master's it gets, at which number. What is listed
 * here is its privilege (the table in shm/child.h); everything else is closed in it.
 */
struct grant {
	int from; /* the master's */
	int to;	  /* enum child_fd */
};

struct grants {
	unsigned count, owned; /* the first so many from descriptors are ours to close */
	struct grant item[FD_END];
};

/* The grants of a slot. take_control: the process's end of the control socket. */
int grants_make(struct grants *grants, unsigned slot, int take_control, const struct spawn *spawn,
		struct err *err);

/* Closes what was opened for this process alone. */
void grants_fini(struct grants *grants);

/* In the child: puts the descriptors into their places and closes all others above stderr. */
int grants_place(const struct grants *grants, struct err *err);

#endif
