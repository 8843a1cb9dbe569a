#ifndef PCHAT_WORKER_LOOKUP_H
#define PCHAT_WORKER_LOOKUP_H

#include "worker/core.h"

/*
 * A question to a reader about what may just have happened: it is put when the store has everything
 * that was durable when the question came up. So whatever was answered before it is found.
 */
enum { LOOKUP_TRIES = 40 /* two seconds */, LOOKUP_PARTS = 3 };

struct lookup {
	uint64_t needed; /* LSN: the store has to have everything below it */
	unsigned tries;	 /* that are left */
	bool asked;	 /* the reader is */
	enum ask_kind kind;
	unsigned count;
	struct text part[LOOKUP_PARTS]; /* borrowed, until it is asked */
};

void lookup_init(struct lookup *lookup, const struct chat *chat, enum ask_kind kind);
void lookup_add(struct lookup *lookup, const void *data, uint32_t size);

/* Asks, or has the pending wait for the store: at first, and whenever lookup_waits. */
int lookup_go_on(struct lookup *lookup, struct pending *pending);

/* A request of which the reader's answer is all; lookup_settle hands it on by `found`. */
struct lookup_request {
	struct request base;
	struct lookup lookup;
};

void lookup_settle(struct pending *pending, const struct outcome *outcome);

/* Whether all that an outcome says is that the store may be looked at again. */
bool lookup_waits(const struct lookup *lookup, const struct outcome *outcome);

#endif
