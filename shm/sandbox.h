#ifndef PCHAT_SHM_SANDBOX_H
#define PCHAT_SHM_SANDBOX_H

#include "conf/err.h"

/*
 * Gives up for ever what a process never needs, so that one that was taken over can do little: to
 * run programs, to write files, to open other sockets than those of unix, to look into or stop
 * other processes. Called when everything is set up. A process that uses it is linked with
 * SECCOMP_LIBS.
 */
enum sandbox {
	SANDBOX_ALL = 0,      /* nothing of all that is needed */
	SANDBOX_BINDS = 1,    /* it gives names to its sockets */
	SANDBOX_FILES = 2,    /* it writes, renames and removes files, and makes directories */
	SANDBOX_NETWORK = 4,  /* it connects to other hosts */
	SANDBOX_PROGRAMS = 8, /* it starts itself again, and ends what it started */

	SANDBOX_DATABASE = SANDBOX_FILES | SANDBOX_NETWORK, /* what its driver may be doing */
};
int sandbox_enter(unsigned needs, struct err *err);

/* That, for a process of ours. Not every kernel or container has it, and chat is better than none:
 * it only says so in the log. Nothing is given up under the sanitizers, which look for leaks at the
 * end by calls like these, or with fault points, which remove a file. */
void sandbox_try(unsigned needs);

#endif
