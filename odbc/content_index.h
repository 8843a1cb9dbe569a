#ifndef PCHAT_ODBC_CONTENT_INDEX_H
#define PCHAT_ODBC_CONTENT_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "odbc/content.h"

/*
 * The index of the messages' texts, by which searches find candidates (odbc/gram.h). It is a table
 * pc_index, whose rows change in the transactions of the messages they stand for. A database may
 * have none: pc_indexing says by which rules it was made, 0 is no index.
 *
 * What was there before the index was made comes into it later, from each room's newest messages to
 * its oldest: those above pc_room.indexed are in the index, those up to there are not.
 *
 * Where there is no time for the index, messages are stored without it, and come into it later,
 * too: pc_unindexed says which.
 *
 * A row's id is made of the room's and the message's number, which is why messages with numbers
 * above CONTENT_INDEX_SEQ_MAX are not in it.
 */
#define CONTENT_INDEX_SEQ_MAX UINT64_C(0x7fffffff)

/*
 * Makes the index where it is wanted, and can be had, or was made by other rules; drops it where it
 * is not wanted. *there_r: this connection keeps it up to date from now on; *made_r: it was made
 * now. For the store, behind content_open.
 */
enum db_result content_index_open(struct db *db, bool wanted, bool *there_r, bool *made_r,
				  struct err *err);

/* The messages are changed by somebody who does not keep the index up to date: it is made anew when
 * it is opened the next time, and not used until then. */
enum db_result content_index_void(struct db *db, struct err *err);

/*
 * Brings messages into the index that were there before it, `messages` of them at most, in a
 * transaction of its own. *room is 0 at first and then its own; *count_r: how many; *more_r: there
 * may be others.
 */
enum db_result content_index_fill(struct db *db, unsigned messages, uint32_t *room,
				  unsigned *count_r, bool *more_r, struct err *err);

/* Whether messages that are stored from now on are left for content_index_fill. */
void content_index_defer(struct db *db, bool defer);

/* --- Parts of what stores and removes; nothing where there is no index. --- */

enum db_result content_index_put(struct db *db, const struct content_message *list, unsigned count,
				 struct err *err);

/* Before the message is changed; and behind it, with its new text. */
enum db_result content_index_remove(struct db *db, uint32_t room, uint64_t seq, struct err *err);
enum db_result content_index_replace(struct db *db, uint32_t room, uint64_t seq,
				     struct db_bytes text, struct err *err);

/* Before the messages of a room up to seq are deleted, of which there are `messages` at most. */
enum db_result content_index_sweep(struct db *db, uint32_t room, uint64_t seq, unsigned messages,
				   struct err *err);

/* --- For readers. --- */

/* Whether there is an index that can be asked, by the rules of this program. */
enum db_result content_index_ready(struct db *db, bool *ready_r, struct err *err);

/* Which messages of a room are not in it: those up to one; and where gap_through is not 0, those
 * from gap_from to there. Of a room that is not there: all. */
struct content_unindexed {
	uint64_t through;
	uint64_t gap_from, gap_through;
};
enum db_result content_index_of_room(struct db *db, uint32_t room,
				     struct content_unindexed *unindexed_r, struct err *err);

/* The numbers of messages that a query (gram_query) finds in the page's bounds and order, at most
 * its limit, into seq; *count_r is how many. */
enum db_result content_index_find(struct db *db, const struct content_page *page, const char *query,
				  uint64_t *seq, unsigned *count_r, struct err *err);

/* The messages with some numbers, in the page's order, which the numbers have, too; then rows as of
 * content_history. Numbers that are not there are left out. */
enum { CONTENT_LISTED_MAX = 16 };
enum db_result content_listed(struct db *db, const struct content_page *page, const uint64_t *seq,
			      unsigned count, struct err *err);
enum db_result content_listed_next(struct db *db, const struct content_page *page,
				   struct content_history_row *row_r, struct err *err);

/* How much of the index is there, for administrators: how many messages' numbers are not in it. */
enum db_result content_index_rest(struct db *db, bool *there_r, uint64_t *rest_r, struct err *err);

#endif
