#include "odbc/record_search.h"

static enum db_result number_at(struct db *db, enum statement number, uint64_t time,
				uint64_t *number_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, number);
	enum db_result result;

	db_bind_int(stmt, 0, (int64_t)time);
	result = db_execute_row(stmt, err);
	if (result == DB_OK)
		*number_r = (uint64_t)db_int(stmt, 0);
	db_done(stmt);
	return result;
}

enum db_result record_since(struct db *db, uint64_t time, uint64_t *number_r, struct err *err)
{
	return number_at(db, STATEMENT_RECORD_SINCE, time, number_r, err);
}

enum db_result record_until(struct db *db, uint64_t time, uint64_t *number_r, struct err *err)
{
	return number_at(db, STATEMENT_RECORD_UNTIL, time, number_r, err);
}

static enum statement chats(bool before)
{
	return before ? STATEMENT_CHATS_BEFORE : STATEMENT_CHATS_AFTER;
}

enum db_result record_chats(struct db *db, bool before, uint32_t room, uint64_t number,
			    unsigned limit, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, chats(before));

	db_bind_int(stmt, 0, room);
	db_bind_int(stmt, 1, (int64_t)number);
	db_bind_int(stmt, 2, limit);
	return db_execute(stmt, err);
}

enum db_result record_chats_next(struct db *db, bool before, struct record_row *row_r,
				 struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, chats(before));
	const enum db_result result = db_fetch(stmt, err);

	if (result == DB_OK)
		record_row_take(stmt, row_r);
	return result;
}

enum db_result record_named(struct db *db, uint32_t kind, const char *name, unsigned limit,
			    struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_OBJECTS_NAMED);

	db_bind_int(stmt, 0, kind);
	db_bind_string(stmt, 1, name);
	db_bind_int(stmt, 2, limit);
	return db_execute(stmt, err);
}

enum db_result record_named_next(struct db *db, struct db_bytes *uri_r, struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_OBJECTS_NAMED);
	const enum db_result result = db_fetch(stmt, err);

	if (result == DB_OK)
		*uri_r = db_bytes(stmt, 1);
	return result;
}
