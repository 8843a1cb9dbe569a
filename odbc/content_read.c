#include "odbc/content_export.h"

#include <stdlib.h>
#include <string.h>

#include "odbc/fold.h"
#include "odbc/hex.h"

/* --- Loading. --- */

static enum db_result execute_above(struct db *db, enum statement number, uint32_t above,
				    struct err *err)
{
	struct db_stmt *stmt = db_statement(db, number);

	db_bind_int(stmt, 0, above);
	db_bind_int(stmt, 1, CONTENT_LOAD_PAGE);
	return db_execute(stmt, err);
}

static struct db_bytes text_of(const struct db_stmt *stmt, unsigned column)
{
	struct db_bytes bytes;

	bytes.data = db_text(stmt, column, &bytes.length);
	return bytes;
}

enum db_result content_principals(struct db *db, uint32_t above, struct err *err)
{
	return execute_above(db, STATEMENT_PRINCIPALS, above, err);
}

enum db_result content_principals_next(struct db *db, struct content_principal *principal_r,
				       struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_PRINCIPALS);
	const enum db_result result = db_fetch(stmt, err);

	if (result != DB_OK)
		return result;
	principal_r->id = (uint32_t)db_int(stmt, 0);
	principal_r->kind = (uint16_t)db_int(stmt, 1);
	principal_r->state = (uint16_t)db_int(stmt, 2);
	principal_r->epoch = (uint32_t)db_int(stmt, 3);
	principal_r->uri = text_of(stmt, 4);
	principal_r->name = text_of(stmt, 5);
	return DB_OK;
}

enum db_result content_rooms(struct db *db, uint32_t above, struct err *err)
{
	return execute_above(db, STATEMENT_ROOMS, above, err);
}

/* The columns of ROOMS, with which those of SEARCH and EXPORT_ROOMS begin. */
static enum db_result next_room(struct db_stmt *stmt, struct content_room *room_r, struct err *err)
{
	const enum db_result result = db_fetch(stmt, err);
	struct db_bytes uuid;

	if (result != DB_OK)
		return result;
	room_r->id = (uint32_t)db_int(stmt, 0);
	uuid = text_of(stmt, 1);
	room_r->name = text_of(stmt, 2);
	room_r->description = text_of(stmt, 3);
	room_r->disabled = db_int(stmt, 4) != 0;
	room_r->category = (uint32_t)db_int(stmt, 5);
	room_r->addin = (uint32_t)db_int(stmt, 6);
	room_r->privacy = (uint8_t)db_int(stmt, 7);
	room_r->behavior = (uint8_t)db_int(stmt, 8);
	room_r->invitations = (uint8_t)db_int(stmt, 9);
	room_r->created = (uint64_t)db_int(stmt, 10);
	room_r->revision = (uint64_t)db_int(stmt, 11);
	room_r->last_seq = (uint64_t)db_int(stmt, 12);
	room_r->removals = (uint64_t)db_int(stmt, 13);
	if (hex_uuid_decode(uuid.data, uuid.length, room_r->uuid))
		return DB_OK;
	err_set(err, "could not understand room %u: its uuid is malformed", room_r->id);
	return DB_BAD_DATA;
}

enum db_result content_rooms_next(struct db *db, struct content_room *room_r, struct err *err)
{
	return next_room(db_open_statement(db, STATEMENT_ROOMS), room_r, err);
}

enum db_result content_export_rooms(struct db *db, uint32_t above, struct err *err)
{
	return execute_above(db, STATEMENT_EXPORT_ROOMS, above, err);
}

enum db_result content_export_rooms_next(struct db *db, struct content_room *room_r,
					 struct content_room_names *names_r, struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_EXPORT_ROOMS);
	const enum db_result result = next_room(stmt, room_r, err);

	if (result != DB_OK)
		return result;
	names_r->purged = (uint64_t)db_int(stmt, 14);
	names_r->category = text_of(stmt, 15);
	names_r->addin = text_of(stmt, 16);
	return DB_OK;
}

/* --- History. --- */

static enum statement history_statement(const struct content_page *page)
{
	if (page->from_oldest)
		return STATEMENT_HISTORY_OLDEST;
	return page->kept ? STATEMENT_HISTORY_KEPT : STATEMENT_HISTORY_NEWEST;
}

static int64_t clamp(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

enum db_result content_history(struct db *db, const struct content_page *page, struct err *err)
{
	const enum statement number = history_statement(page);
	struct db_stmt *stmt = db_statement(db, number);
	unsigned place = 0;

	db_bind_int(stmt, place++, page->room);
	db_bind_int(stmt, place++, clamp(page->after));
	db_bind_int(stmt, place++, clamp(page->before));
	if (number == STATEMENT_HISTORY_KEPT)
		db_bind_int(stmt, place++, page->room);
	db_bind_int(stmt, place, page->limit);
	return db_execute(stmt, err);
}

enum db_result content_history_next(struct db *db, const struct content_page *page,
				    struct content_history_row *row_r, struct err *err)
{
	return content_row_next(db_open_statement(db, history_statement(page)), page->room, row_r,
				err);
}

enum db_result content_row_next(struct db_stmt *stmt, uint32_t room,
				struct content_history_row *row_r, struct err *err)
{
	const enum db_result result = db_fetch(stmt, err);

	if (result != DB_OK)
		return result;
	row_r->message.room = room;
	row_r->message.seq = (uint64_t)db_int(stmt, 0);
	row_r->message.time = (uint64_t)db_int(stmt, 1);
	row_r->message.author = (uint32_t)db_int(stmt, 2);
	row_r->message.flags = (uint16_t)db_int(stmt, 3);
	row_r->message.id = text_of(stmt, 4);
	row_r->message.text = text_of(stmt, 5);
	row_r->message.title = text_of(stmt, 6);
	row_r->message.rich_type = text_of(stmt, 7);
	row_r->message.rich = text_of(stmt, 8);
	row_r->author_uri = text_of(stmt, 9);
	row_r->author_name = text_of(stmt, 10);
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
	db_bind_int(stmt, 1, clamp(before));
	db_bind_int(stmt, 2, clamp(time));
	result = db_execute_row(stmt, err);
	*seq_r = result == DB_OK ? (uint64_t)db_int(stmt, 0) : 0;
	db_done(stmt);
	return result == DB_END ? DB_OK : result;
}

/* --- Search of rooms. --- */

enum { SEARCH_TEXT_MAX = 1024 }; /* longer than any name; SQLite refuses patterns above 50,000 */

enum db_result content_search(struct db *db, const char *text, size_t length, unsigned limit,
			      unsigned offset, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_SEARCH);
	enum db_result result;
	size_t pattern_length;
	char *pattern;

	if (length > SEARCH_TEXT_MAX || !fold_pattern(text, length, &pattern, &pattern_length)) {
		err_set(err, "could not search: the text is too long or no UTF-8");
		return DB_BAD_DATA;
	}
	db_bind_text(stmt, 0, pattern, pattern_length);
	db_bind_int(stmt, 1, limit);
	db_bind_int(stmt, 2, offset);
	result = db_execute(stmt, err);
	free(pattern);
	return result;
}

enum db_result content_search_next(struct db *db, struct content_found *found_r, struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_SEARCH);
	const enum db_result result = next_room(stmt, &found_r->room, err);

	if (result == DB_OK)
		found_r->category = text_of(stmt, 14);
	return result;
}
