#ifndef PCHAT_DAEMON_MASTER_WATCH_H
#define PCHAT_DAEMON_MASTER_WATCH_H

#include "daemon/master.h"

/*
 * Supervision: who ended, who hangs, who is to be started. Called by the master's loop, in this
 * order, once a turn.
 */

/* Takes leave of processes that ended: their slots get a new generation, their places are free. */
void watch_reap(struct master *master);

/* Kills who does not live up to its heartbeat, its start or its question. */
void watch_check(struct master *master);

/* Starts who is due. */
void watch_start_due(struct master *master);

/* The moment of the next start, or UINT64_MAX. */
uint64_t watch_next_start(const struct master *master);

/* SIGKILL, at once and once. */
void watch_kill(struct process *process);

#endif
