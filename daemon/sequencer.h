#ifndef PCHAT_DAEMON_SEQUENCER_H
#define PCHAT_DAEMON_SEQUENCER_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/log.h"
#include "daemon/engine.h"
#include "shm/child.h"
#include "shm/mailbox.h"

/*
 * The sequencer: takes commands from the mailboxes, lets the engine decide them, makes the batch
 * durable, applies it to the shared cache and only then lets anybody know.
 */
struct sequencer {
	struct child child;
	struct engine engine;
	struct cache shared;
	struct mailbox_reader mail[SLOTS]; /* in is NULL where a slot has no mailbox */
	uint32_t generation[SLOTS];	   /* as last seen in the master's page */
	int32_t pid[SLOTS];
	bool recover;
	bool stop;
	uint64_t published; /* everything below has been applied and made known */
	uint64_t last_sync; /* clock_mono(), for sync = interval */
	bool unsynced;
	uint64_t clock_due; /* clock_mono(): when to look at the clock again */
	bool clock_behind;  /* it shows less than the newest event has */
	struct log_limit senseless; /* mailboxes */
};

/* Waits for events on the own eventfd and the control socket, at most timeout milliseconds; takes
 * what the master says. */
void sequencer_wait(struct sequencer *sequencer, int timeout);

/* Below this LSN the store has everything, and the compliance record, where there is one. 0: the
 * latter has not said yet where it stands. */
uint64_t sequencer_oldest(const struct sequencer *sequencer);

/* Makes the batch durable and known. Failure ends the process: nobody has heard of the batch. */
int sequencer_commit(struct sequencer *sequencer, struct err *err);

/*
 * Gets the cache and the journal into step (sequencer_load.c): a shared cache that a predecessor
 * left is rolled back to its last whole event and brought up to what was durable; else everything
 * comes from the database by way of the store, and the journal's tail behind it. 0, or an exit code.
 */
int sequencer_load(struct sequencer *sequencer);

#endif
