#ifndef PCHAT_WORKER_SANDBOX_H
#define PCHAT_WORKER_SANDBOX_H

#include "conf/err.h"

/*
 * Gives up for ever what a worker never needs, so that one that was taken over can do little: to
 * run programs, to write files, to open sockets other than the log's, to look into or stop other
 * processes. Called when everything is set up.
 */
int sandbox_enter(struct err *err);

#endif
