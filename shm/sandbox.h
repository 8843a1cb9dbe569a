#ifndef PCHAT_SHM_SANDBOX_H
#define PCHAT_SHM_SANDBOX_H

#include "conf/err.h"

/*
 * Gives up for ever what a process that the network talks to never needs, so that one that was taken
 * over can do little: to run programs, to write files, to open other sockets than those of unix, to
 * look into or stop other processes. Called when everything is set up. A process that uses it is linked
 * with SECCOMP_LIBS.
 */
enum sandbox {
	SANDBOX_ALL,   /* nothing of all that is needed */
	SANDBOX_BINDS, /* it gives names to its sockets */
	SANDBOX_FILES, /* it writes, renames and removes files, and makes directories */
};
int sandbox_enter(enum sandbox needs, struct err *err);

#endif
