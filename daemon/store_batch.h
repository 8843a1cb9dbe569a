#ifndef PCHAT_DAEMON_STORE_BATCH_H
#define PCHAT_DAEMON_STORE_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/err.h"
#include "daemon/store_audit.h"
#include "odbc/content.h"
#include "shm/journal.h"

/*
 * Events on their way into the content database. A batch is what lies between the cursor that the
 * database has and the cursor that it will have, and becomes one transaction with the row of the
 * latter: an event reaches the database exactly once, whenever the store or the database dies.
 */
struct store_batch {
	const struct record **row; /* owned array of borrowed records: those that become rows */
	unsigned rows, size;
	struct content_message *message; /* owned, as many as row: a run of messages */
	struct content_room_seq *room;	 /* owned, as many as row: the highest number of each room,
					    by hash; room 0: free */
	struct content_cursor cursor;	 /* when all of it is stored */
	unsigned dead;			 /* how many of the rows became dead letters */
	uint64_t commit_time;		 /* us spent in commits that worked */
	struct store_audit audit;
	bool removal;			 /* a room may be removed or purged: messages remain */
};

int store_batch_init(struct store_batch *batch, unsigned size, struct err *err);
void store_batch_fini(struct store_batch *batch);

/*
 * Takes records from the journal behind from, until size of them are rows or limit is reached.
 * JOURNAL_END: batch->cursor is behind what was taken (equal to from if there was nothing).
 * JOURNAL_LOST, JOURNAL_BAD: nothing can be read at batch->cursor.lsn, and what was taken before it
 * is in the batch.
 */
enum journal_read store_batch_fill(struct store_batch *batch, const struct content_cursor *from,
				   const struct journal *journal, uint64_t limit,
				   const _Atomic uint64_t *tail);

/*
 * Stores the batch and moves *cursor to the batch's. Rows that the database cannot take are
 * found by halving and become dead letters; the others are stored. *cursor is where the
 * database certainly stands, also after a failure (never DB_BAD_DATA); after DB_UNCERTAIN ask it.
 */
enum db_result store_batch_put(struct store_batch *batch, struct db *db,
			       struct content_cursor *cursor, struct err *err);

#endif
