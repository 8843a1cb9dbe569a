#ifndef PCHAT_DAEMON_MASTER_STOP_H
#define PCHAT_DAEMON_MASTER_STOP_H

#include "daemon/master.h"

/*
 * The orderly stop: workers; then pchat-auth and the readers; then the sequencer, which by then
 * has nothing more to decide than what is in the mailboxes; then the store, which stores what the
 * journal holds. Each phase has its share of stop_timeout; who is late is killed.
 */

/* Begins it; once it is under way nothing is started or promoted any more. */
void stop_begin(struct master *master);

/* Goes on; true when all processes are gone. */
bool stop_advance(struct master *master);

/* The moment at which something is to be done, or UINT64_MAX. */
uint64_t stop_next(const struct master *master);

#endif
