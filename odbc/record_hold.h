#ifndef PCHAT_ODBC_RECORD_HOLD_H
#define PCHAT_ODBC_RECORD_HOLD_H

#include "odbc/record.h"

/*
 * Holds keep compliance records from being deleted; purges delete them. Only pchat-compliance
 * writes this, in the transaction of the records that say so.
 */

/* What a hold is about: records by or about a user, of a room, of a time; what is empty or 0 does
 * not matter. Those that were released remain. */
struct record_hold {
	uint64_t number, lsn; /* of the record, and the event, by which it began */
	struct db_bytes name, user, room;
	uint64_t start, end; /* UTC us, both included; end 0: for ever */
	struct db_bytes reason;
	uint64_t added; /* UTC us */
	struct db_bytes added_by;
	uint64_t released, released_lsn; /* 0: it is active */
	struct db_bytes released_by, released_reason;
};

enum { RECORD_HOLDS_MAX = 1000 /* active ones */ };

enum db_result record_hold_put(struct db *db, const struct record_hold *hold, struct err *err);

/* Releases the active one of that name; of hold the name and what begins with released count. */
enum db_result record_hold_release(struct db *db, const struct record_hold *hold, struct err *err);

/* How many active ones there are of a name, and of any. */
enum db_result record_hold_count(struct db *db, const char *name, uint64_t *named_r,
				 uint64_t *all_r, struct err *err);

/* Hands over all holds, one after the other; take says false when memory is short (DB_RETRY). */
typedef bool record_hold_take(void *arg, const struct record_hold *hold);
enum db_result record_holds_each(struct db *db, record_hold_take *take, void *arg, struct err *err);

/* The purge that somebody asked for, and what came of it. Counts are of records. */
struct record_purge {
	uint64_t requested, until; /* lsn of the event; UTC us */
	uint64_t finished;	   /* the lsn again, when it is done */
	uint64_t gone, held, waiting;
};

/* A new database: all 0. */
enum db_result record_purge_get(struct db *db, struct record_purge *purge_r, struct err *err);
enum db_result record_purge_put(struct db *db, const struct record_purge *purge, struct err *err);

/* What is in these records is gone; they themselves stay, of type "expired", and have their hash.
 */
enum db_result record_expire(struct db *db, uint64_t from, uint64_t to, struct err *err);

/* The records up to a number are gone, and their checkpoints. */
enum db_result record_remove(struct db *db, uint64_t to, struct err *err);

#endif
