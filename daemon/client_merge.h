#ifndef PCHAT_DAEMON_CLIENT_MERGE_H
#define PCHAT_DAEMON_CLIENT_MERGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Brings the messages of one room into order: notifications and pages of history go in as they
 * come, each message comes out once, by number. The rules are those of pchat-protocol(7), "ORDER,
 * REPEATS AND GAPS".
 *
 * Invariants: `held` is sorted by number, has no number twice, and all of them are above `seen`;
 * every message up to `sure` that there is either has come out or is held.
 */
struct client_merge {
	bool started;  /* seen means something */
	uint64_t seen; /* all up to here came out */
	uint64_t sure;
	uint64_t highest; /* number that was notified */
	struct client_held {
		uint64_t seq;
		json_t *message; /* owned reference */
	} * held;		 /* owned */
	size_t count, size;
};

enum { CLIENT_PAGE_MAX = 1000 }; /* messages; a larger page was not asked for: it is left out */
enum { CLIENT_HELD_MAX = 4096 }; /* notified messages; more are left to be fetched */

void client_merge_init(struct client_merge *merge);
void client_merge_fini(struct client_merge *merge);

/* Everything up to seq is known already, or not wanted. */
void client_merge_start(struct client_merge *merge, uint64_t seq);

/* A notified message. Its number is read from it; one without a number is ignored. */
void client_merge_add(struct client_merge *merge, json_t *message);

/* A page of messages (an array) that leaves out none between seen and end. */
void client_merge_page(struct client_merge *merge, const json_t *messages, uint64_t end);

/* The next message in order, for the caller to json_decref; NULL if there is none yet. */
json_t *client_merge_next(struct client_merge *merge);

/* The number below which messages are missing that have to be fetched; 0: none are known to be. */
uint64_t client_merge_gap(const struct client_merge *merge);

#endif
