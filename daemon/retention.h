#ifndef PCHAT_DAEMON_RETENTION_H
#define PCHAT_DAEMON_RETENTION_H

#include "odbc/content_retention.h"

/*
 * Retention: which messages are too old, or more than an administrator wants to be kept. The limits
 * are settings (SCOPED_RETENTION); of each the category's counts where it has one, else the global
 * one. Rooms are looked through one after the other, in steps of a statement each, because whoever
 * looks has other things to do.
 */
struct retention_limits {  /* 0: there is none */
	uint64_t age;	   /* us */
	uint64_t messages; /* numbers of messages, to be exact: those that are gone count, too */
	uint64_t bytes;	   /* of texts, titles and rich parts */
};

enum { RETENTION_PAGE = 64, RETENTION_KNOWN = 4096 };

struct retention {
	struct retention_scope *scope; /* owned */
	unsigned scopes, size;

	/* Where the pass stands. */
	struct content_retained page[RETENTION_PAGE];
	unsigned count, next; /* of the page */
	uint32_t above;	      /* id of the last room that was looked at */
	uint64_t now;	      /* UTC us */

	/* In a room. */
	struct retention_limits limits;
	bool begun, old_known, large_known;
	uint64_t old, large;  /* up to these they go */
	uint64_t below, sum;  /* those from `below` on have so many bytes */
	unsigned times_limit; /* of the next statement */

	/* What some rooms were found to hold, so that not all of it is summed up again. */
	struct retention_known {
		uint32_t room;
		uint64_t seq, bytes; /* up to seq: at most so many */
	} known[RETENTION_KNOWN];
};

/* Begins a pass: reads the limits. */
enum db_result retention_begin(struct retention *retention, struct db *db, uint64_t now,
			       struct err *err);
void retention_fini(struct retention *retention);

/* Whether there is any limit at all. */
bool retention_any(const struct retention *retention);

/* Those for the rooms of a category (its uuid as text). */
struct retention_limits retention_of(const struct retention *retention, const char *category);

enum retention_found {
	RETENTION_MORE,	 /* nothing yet */
	RETENTION_PURGE, /* of this room all messages up to this number are to go */
	RETENTION_END,	 /* all rooms were looked at */
};
enum db_result retention_step(struct retention *retention, struct db *db,
			      enum retention_found *found_r, uint32_t *room_r, uint64_t *through_r,
			      struct err *err);

#endif
