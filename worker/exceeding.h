#ifndef PCHAT_WORKER_EXCEEDING_H
#define PCHAT_WORKER_EXCEEDING_H

#include "worker/lookup.h"

/* The rooms whose messages have more than so many bytes, which a reader counts for us. */
struct exceeding {
	struct ask_exceeding ask;
	struct lookup lookup;
	bool known;	/* the answer is there */
	uint32_t *room; /* owned: their ids, in their order */
	uint32_t count;
};

/* Asks as soon as what is there by now is in the database. CODE_OK: the pending waits, and its
 * outcomes are for exceeding_settle() until known is set. */
int exceeding_begin(struct exceeding *exceeding, struct pending *pending, uint64_t bytes);
int exceeding_settle(struct exceeding *exceeding, struct pending *pending,
		     const struct outcome *outcome);
void exceeding_fini(struct exceeding *exceeding);

bool exceeding_has(const struct exceeding *exceeding, uint32_t room);

#endif
