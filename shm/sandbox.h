#ifndef PCHAT_SHM_SANDBOX_H
#define PCHAT_SHM_SANDBOX_H

#include <stdbool.h>

#include "conf/err.h"

/*
 * Gives up for ever what a process that the network talks to never needs, so that one that was taken
 * over can do little: to run programs, to write files, to open other sockets than those of unix, to
 * look into or stop other processes. Called when everything is set up. binds: it gives names to its
 * sockets. A process that uses it is linked with SECCOMP_LIBS.
 */
int sandbox_enter(bool binds, struct err *err);

#endif
