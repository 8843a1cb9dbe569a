#ifndef PCHAT_WORKER_PENDING_H
#define PCHAT_WORKER_PENDING_H

#include <bsd/sys/queue.h>
#include <stdint.h>
#include <uthash.h>

#include "shm/ask.h"
#include "shm/layout.h"
#include "worker/chat.h"

/*
 * Requests under way: each waits under a tag for an event of the journal, a refusal by the
 * sequencer, or the answer of a reader or of pchat-auth. The first member of the structs of those
 * who wait. It belongs to its session and is forgotten with it.
 */
struct pending;

enum outcome_kind {
	OUTCOME_EVENT,	/* record */
	OUTCOME_ANSWER, /* answer */
	OUTCOME_ASK,	/* ask, body */
	OUTCOME_TIME,	/* the time given to pending_until is over */
};

struct outcome {
	enum outcome_kind kind;
	const struct record *record;
	const struct answer *answer;
	const struct ask *ask;
	const void *body; /* of ask: ask->size bytes */
};

struct pending {
	uint32_t tag;
	struct session *session; /* borrowed */
	/* Something came. It goes on waiting, or ends itself by pending_end. */
	void (*settle)(struct pending *pending, const struct outcome *outcome);
	/* Frees it; it is in no list any more. */
	void (*free)(struct pending *pending);
	uint64_t until; /* clock_mono; 0: for ever */
	LIST_ENTRY(pending) of_session;
	TAILQ_ENTRY(pending) timed;
	UT_hash_handle hh;
};

struct pendings {
	struct pending *table;
	uint32_t last; /* tag */
	TAILQ_HEAD(pendings_timed, pending) timed;
};

void pendings_init(struct pendings *pendings);

/* Begins to wait; gives it its tag. settle and free are set by the caller. */
void pending_begin(struct pendings *pendings, struct pending *pending, struct session *session);

/* Sets a time limit (0: none): a moment of clock_mono. */
void pending_until(struct pendings *pendings, struct pending *pending, uint64_t until);

/* Takes it out and frees it. */
void pending_end(struct pendings *pendings, struct pending *pending);

/* The one that waits under the tag, if it is this session's; else NULL. */
struct pending *pending_find(struct pendings *pendings, uint32_t tag, uint32_t session);

/* Ends all of a session. */
void pending_forget(struct pendings *pendings, struct session *session);

/* Settles with OUTCOME_TIME those whose time is over. Returns when the next one's will be (0:
 * none). */
uint64_t pending_expire(struct pendings *pendings, uint64_t now);

#endif
