#ifndef PCHAT_WORKER_FEED_H
#define PCHAT_WORKER_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/event.h"

/*
 * The saved searches of the users who are signed in at this worker, and which of them a message
 * matches. Feeds are found by the words of the message: each stands in an index under one of its
 * words (under all of them, where one is enough), or under its author where it has no words. So a
 * message costs a look-up for each of its words, and a check of those feeds that have one in common
 * with it; where nobody has a feed it costs nothing.
 *
 * Words are letters and digits side by side, without regard to case; of other alphabets, all
 * characters that are not ASCII count as letters.
 */
struct feeds;

struct feed_wish {
	uint32_t principal, number;
	uint32_t author, room; /* 0: any */
	uint8_t flags;	       /* enum feed_flag */
	struct text name, words;
	struct text own; /* the user's name, which counts with FEED_EGO */
};

struct feed_match {
	uint32_t principal, number;
	struct text name; /* valid until the feeds change */
};

enum {
	FEED_WORDS = 32,	/* of one feed; what is more does not count */
	FEED_TOKENS = 2048,	/* words of a message that are looked at */
	FEED_CANDIDATES = 4096, /* feeds that are checked for one message */
	FEED_MATCHES = 1024,	/* of one message */
};

/* NULL: no memory. */
struct feeds *feeds_new(void);
void feeds_free(struct feeds **feeds);

/* Puts one in, in the place of the one with its number. 0, or -1: no memory, and it is not there.
 */
int feeds_put(struct feeds *feeds, const struct feed_wish *wish);
void feeds_remove(struct feeds *feeds, uint32_t principal, uint32_t number);

/* Removes all that a user has, whatever their numbers. */
void feeds_forget(struct feeds *feeds, uint32_t principal);

/* Whether there is any; feeds may be NULL. */
bool feeds_any(const struct feeds *feeds);

/*
 * The feeds of others than the author that a message matches, ordered by principal and number, into
 * list (FEED_MATCHES). *cut_r: there were more candidates or matches than are looked at.
 */
unsigned feeds_match(struct feeds *feeds, uint32_t room, uint32_t author, struct text title,
		     struct text text, struct feed_match *list, bool *cut_r);

#endif
