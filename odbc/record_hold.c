#include "odbc/record_hold.h"

#include <string.h>

enum { PAGE = 100 };

enum db_result record_hold_put(struct db *db, const struct record_hold *hold, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_HOLD_PUT);

	db_bind_int(stmt, 0, (int64_t)hold->number);
	db_bind_int(stmt, 1, (int64_t)hold->lsn);
	db_bind_bytes(stmt, 2, hold->name);
	db_bind_bytes(stmt, 3, hold->user);
	db_bind_bytes(stmt, 4, hold->room);
	db_bind_int(stmt, 5, (int64_t)hold->start);
	db_bind_int(stmt, 6, (int64_t)hold->end);
	db_bind_bytes(stmt, 7, hold->reason);
	db_bind_int(stmt, 8, (int64_t)hold->added);
	db_bind_bytes(stmt, 9, hold->added_by);
	db_bind_int(stmt, 10, (int64_t)hold->released);
	db_bind_int(stmt, 11, (int64_t)hold->released_lsn);
	db_bind_bytes(stmt, 12, hold->released_by);
	db_bind_bytes(stmt, 13, hold->released_reason);
	return db_execute(stmt, err);
}

enum db_result record_hold_release(struct db *db, const struct record_hold *hold, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_HOLD_RELEASE);

	db_bind_int(stmt, 0, (int64_t)hold->released);
	db_bind_int(stmt, 1, (int64_t)hold->released_lsn);
	db_bind_bytes(stmt, 2, hold->released_by);
	db_bind_bytes(stmt, 3, hold->released_reason);
	db_bind_bytes(stmt, 4, hold->name);
	return db_execute(stmt, err);
}

enum db_result record_hold_count(struct db *db, const char *name, uint64_t *named_r,
				 uint64_t *all_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_HOLD_COUNT);
	enum db_result result;

	db_bind_string(stmt, 0, name);
	result = db_execute_row(stmt, err);
	if (result == DB_OK) {
		*named_r = (uint64_t)db_int(stmt, 0);
		*all_r = (uint64_t)db_int(stmt, 1);
	}
	db_done(stmt);
	return result;
}

static enum db_result next(struct db *db, struct record_hold *hold_r, struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_HOLDS);
	const enum db_result result = db_fetch(stmt, err);

	if (result == DB_OK)
		*hold_r = (struct record_hold){
			.number = (uint64_t)db_int(stmt, 0),
			.lsn = (uint64_t)db_int(stmt, 1),
			.name = db_bytes(stmt, 2),
			.user = db_bytes(stmt, 3),
			.room = db_bytes(stmt, 4),
			.start = (uint64_t)db_int(stmt, 5),
			.end = (uint64_t)db_int(stmt, 6),
			.reason = db_bytes(stmt, 7),
			.added = (uint64_t)db_int(stmt, 8),
			.added_by = db_bytes(stmt, 9),
			.released = (uint64_t)db_int(stmt, 10),
			.released_lsn = (uint64_t)db_int(stmt, 11),
			.released_by = db_bytes(stmt, 12),
			.released_reason = db_bytes(stmt, 13),
		};
	return result;
}

/* *above: the number of the last one before, and then of the last one of the page. DB_END: there was
 * none. */
static enum db_result each_of_page(struct db *db, uint64_t *above, record_hold_take *take, void *arg,
				   struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_HOLDS);
	struct record_hold hold;
	enum db_result result;
	bool any = false;

	db_bind_int(stmt, 0, (int64_t)*above);
	db_bind_int(stmt, 1, PAGE);
	result = db_execute(stmt, err);
	while (result == DB_OK && (result = next(db, &hold, err)) == DB_OK) {
		any = true;
		*above = hold.number;
		if (!take(arg, &hold)) {
			err_set(err, "could not read the holds: out of memory");
			return DB_RETRY;
		}
	}
	return result == DB_END && any ? DB_OK : result;
}

enum db_result record_holds_each(struct db *db, record_hold_take *take, void *arg, struct err *err)
{
	enum db_result result = DB_OK;
	uint64_t above = 0;

	while (result == DB_OK)
		result = each_of_page(db, &above, take, arg, err);
	return result == DB_END ? DB_OK : result;
}

/* --- Purges. --- */

enum db_result record_purge_get(struct db *db, struct record_purge *purge_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_PURGE_GET);
	enum db_result result = db_execute_row(stmt, err);

	*purge_r = (struct record_purge){0};
	if (result == DB_OK)
		*purge_r = (struct record_purge){
			.requested = (uint64_t)db_int(stmt, 0),
			.until = (uint64_t)db_int(stmt, 1),
			.finished = (uint64_t)db_int(stmt, 2),
			.gone = (uint64_t)db_int(stmt, 3),
			.held = (uint64_t)db_int(stmt, 4),
			.waiting = (uint64_t)db_int(stmt, 5),
		};
	db_done(stmt);
	return result == DB_END ? DB_OK : result;
}

enum db_result record_purge_put(struct db *db, const struct record_purge *purge, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_PURGE_PUT);

	db_bind_int(stmt, 0, 1);
	db_bind_int(stmt, 1, (int64_t)purge->requested);
	db_bind_int(stmt, 2, (int64_t)purge->until);
	db_bind_int(stmt, 3, (int64_t)purge->finished);
	db_bind_int(stmt, 4, (int64_t)purge->gone);
	db_bind_int(stmt, 5, (int64_t)purge->held);
	db_bind_int(stmt, 6, (int64_t)purge->waiting);
	return db_execute(stmt, err);
}

enum db_result record_expire(struct db *db, uint64_t from, uint64_t to, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_RECORDS_EXPIRE);

	db_bind_int(stmt, 0, (int64_t)from);
	db_bind_int(stmt, 1, (int64_t)to);
	return db_execute(stmt, err);
}

static enum db_result remove_to(struct db *db, enum statement number, uint64_t to, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, number);

	db_bind_int(stmt, 0, (int64_t)to);
	return db_execute(stmt, err);
}

enum db_result record_remove(struct db *db, uint64_t to, struct err *err)
{
	const enum db_result result = remove_to(db, STATEMENT_RECORDS_REMOVE, to, err);

	return result == DB_OK ? remove_to(db, STATEMENT_CHECKPOINTS_REMOVE, to, err) : result;
}
