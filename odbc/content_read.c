#include "odbc/content_export.h"

#include "odbc/content_row.h"

/* --- Loading. --- */

enum db_result content_principals(struct db *db, uint32_t above, struct err *err)
{
	return content_row_above(db, STATEMENT_PRINCIPALS, above, err);
}

enum db_result content_principals_next(struct db *db, struct content_principal *principal_r,
				       struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_PRINCIPALS);
	const enum db_result result = db_fetch(stmt, err);

	if (result == DB_OK)
		content_row_principal(stmt, principal_r);
	return result;
}

enum db_result content_rooms(struct db *db, uint32_t above, struct err *err)
{
	return content_row_above(db, STATEMENT_ROOMS, above, err);
}

static enum db_result next_room(struct db_stmt *stmt, struct content_room *room_r, struct err *err)
{
	const enum db_result result = db_fetch(stmt, err);

	return result == DB_OK ? content_row_room(stmt, room_r, err) : result;
}

enum db_result content_rooms_next(struct db *db, struct content_room *room_r, struct err *err)
{
	return next_room(db_open_statement(db, STATEMENT_ROOMS), room_r, err);
}

enum db_result content_export_rooms(struct db *db, uint32_t above, struct err *err)
{
	return content_row_above(db, STATEMENT_EXPORT_ROOMS, above, err);
}

enum db_result content_export_rooms_next(struct db *db, struct content_room *room_r,
					 struct content_room_names *names_r, struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_EXPORT_ROOMS);
	const enum db_result result = next_room(stmt, room_r, err);

	if (result != DB_OK)
		return result;
	names_r->purged = (uint64_t)db_int(stmt, 14);
	names_r->category = db_bytes(stmt, 15);
	names_r->addin = db_bytes(stmt, 16);
	return DB_OK;
}

/* --- History. --- */

static enum statement history_statement(const struct content_page *page)
{
	if (page->nameless)
		return page->from_oldest ? STATEMENT_PAGE_OLDEST : STATEMENT_PAGE_NEWEST;
	return page->from_oldest ? STATEMENT_HISTORY_OLDEST : STATEMENT_HISTORY_NEWEST;
}

enum db_result content_history(struct db *db, const struct content_page *page, struct err *err)
{
	const enum statement number = history_statement(page);
	struct db_stmt *stmt = db_statement(db, number);
	unsigned place = 0;

	db_bind_int(stmt, place++, page->room);
	db_bind_count(stmt, place++, page->after);
	if (number == STATEMENT_PAGE_NEWEST)
		db_bind_int(stmt, place++, page->room);
	db_bind_count(stmt, place++, page->before);
	db_bind_int(stmt, place, page->limit);
	return db_execute(stmt, err);
}

static enum db_result next_message(struct db_stmt *stmt, uint32_t room,
				   struct content_message *message_r, struct err *err)
{
	const enum db_result result = db_fetch(stmt, err);

	if (result != DB_OK)
		return result;
	message_r->room = room;
	message_r->text = db_bytes(stmt, 0);
	message_r->seq = (uint64_t)db_int(stmt, 1);
	message_r->time = (uint64_t)db_int(stmt, 2);
	message_r->author = (uint32_t)db_int(stmt, 3);
	message_r->flags = (uint16_t)db_int(stmt, 4);
	message_r->id = db_bytes(stmt, 5);
	message_r->title = db_bytes(stmt, 6);
	message_r->rich_type = db_bytes(stmt, 7);
	message_r->rich = db_bytes(stmt, 8);
	return DB_OK;
}

enum db_result content_history_next(struct db *db, const struct content_page *page,
				    struct content_history_row *row_r, struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, history_statement(page));

	if (!page->nameless)
		return content_row_next(stmt, page->room, row_r, err);
	row_r->author_uri = row_r->author_name = (struct db_bytes){"", 0};
	return next_message(stmt, page->room, &row_r->message, err);
}

enum db_result content_row_next(struct db_stmt *stmt, uint32_t room,
				struct content_history_row *row_r, struct err *err)
{
	const enum db_result result = next_message(stmt, room, &row_r->message, err);

	if (result != DB_OK)
		return result;
	row_r->author_uri = db_bytes(stmt, 9);
	row_r->author_name = db_bytes(stmt, 10);
	return DB_OK;
}

enum db_result content_room_state(struct db *db, uint32_t room, uint64_t *last_seq_r,
				  uint64_t *purged_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_ROOM_STATE);
	enum db_result result;

	db_bind_int(stmt, 0, room);
	result = db_execute_row(stmt, err);
	if (result == DB_OK) {
		*last_seq_r = (uint64_t)db_int(stmt, 0);
		*purged_r = (uint64_t)db_int(stmt, 1);
	}
	db_done(stmt);
	return result;
}

enum db_result content_moment(struct db *db, uint32_t room, uint64_t before, uint64_t time,
			      uint64_t *seq_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_MOMENT);
	enum db_result result;

	db_bind_int(stmt, 0, room);
	db_bind_count(stmt, 1, before);
	db_bind_count(stmt, 2, time);
	result = db_execute_row(stmt, err);
	*seq_r = result == DB_OK ? (uint64_t)db_int(stmt, 0) : 0;
	db_done(stmt);
	return result == DB_END ? DB_OK : result;
}
