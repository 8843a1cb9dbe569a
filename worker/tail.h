#ifndef PCHAT_WORKER_TAIL_H
#define PCHAT_WORKER_TAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/err.h"
#include "shm/journal.h"

struct chat;

/*
 * The worker's place in the journal: it reads on from what was durable when it started, hands each
 * event to the sessions in its room and tells the requests that waited for it.
 */
struct tail {
	struct chat *chat;		/* borrowed */
	const struct journal *journal;	/* borrowed */
	const struct proc_page *writer; /* borrowed: the sequencer's page */
	uint64_t lsn;			/* of the next record; 0: nothing was durable yet */
	uint8_t *record;		/* owned: a copy of the one being used */
	uint64_t delivered;		/* in this turn */
	uint64_t stalled;		/* clock_mono since when a name could not be read; 0: not */
	uint32_t moved;			/* rooms of an event of several that are dealt with */
};

int tail_init(struct tail *tail, struct chat *chat, const struct journal *journal, struct err *err);
void tail_fini(struct tail *tail);

/* Uses what is durable, up to a number of records. True if there is more. */
bool tail_turn(struct tail *tail);

/* Uses all that is durable now. */
void tail_catch_up(struct tail *tail);

/* How long the event that was used last had waited for it, in microseconds; 0 if it was the newest:
 * there is none that waits. */
uint64_t tail_delay(const struct tail *tail);

/* True if there is something to be used. */
bool tail_ready(const struct tail *tail);

#endif
