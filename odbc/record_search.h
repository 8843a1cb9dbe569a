#ifndef PCHAT_ODBC_RECORD_SEARCH_H
#define PCHAT_ODBC_RECORD_SEARCH_H

#include "odbc/record.h"

/* What is asked of compliance records by those who search them. */

/* The number of the first record that is not before a time (UTC us), of the last that is not behind
 * it; 0: there is none. The clock may have gone back: what is between them need not be in the
 * time between, but what is in it is between them. */
enum db_result record_since(struct db *db, uint64_t time, uint64_t *number_r, struct err *err);
enum db_result record_until(struct db *db, uint64_t time, uint64_t *number_r, struct err *err);

/* The messages of a room before (or behind) a record, the nearest first: as record_list. */
enum db_result record_chats(struct db *db, bool before, uint32_t room, uint64_t number,
			    unsigned limit, struct err *err);
enum db_result record_chats_next(struct db *db, bool before, struct record_row *row_r,
				 struct err *err);

/* The objects of a kind that go by a name now, or went by it when they were deleted: execute, then
 * take their URIs until DB_END; each is good until the next one is taken. */
enum db_result record_named(struct db *db, uint32_t kind, const char *name, unsigned limit,
			    struct err *err);
enum db_result record_named_next(struct db *db, struct db_bytes *uri_r, struct err *err);

/* Takes the columns of a statement that yields whole records. */
void record_row_take(const struct db_stmt *stmt, struct record_row *row_r);

#endif
