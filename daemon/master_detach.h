#ifndef PCHAT_DAEMON_MASTER_DETACH_H
#define PCHAT_DAEMON_MASTER_DETACH_H

#include <stdbool.h>

#include "conf/err.h"

/*
 * Becoming a daemon. The process that was called waits until the daemon reports that it serves, or
 * why it does not, and exits with that status: a caller knows what happened.
 */
struct detach {
	int report; /* owned; where the waiting process listens; -1: nobody waits */
};

/*
 * Returns in the daemon only: a process without a terminal, in /, with its input and output closed;
 * stderr is kept open if the log goes there. The waiting process does not come back: it exits.
 */
int detach_start(struct detach *detach, bool keep_stderr, struct err *err);

/* Tells the waiting process to exit with status, after printing the text unless that is "". Only
 * the first report counts. Without a waiting process: nothing. */
void detach_report(struct detach *detach, int status, const char *text);

#endif
