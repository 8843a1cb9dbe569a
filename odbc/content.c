#include "odbc/content.h"

#include <stdlib.h>
#include <string.h>

#include "conf/hex.h"
#include "odbc/content_index.h"
#include "odbc/content_schema.h"
#include "odbc/fold.h"

static const char READER[] = "content"; /* our row in pc_cursor */

static enum db_result ask_number(struct db *db, enum statement number, int64_t *value_r,
				 struct err *err)
{
	struct db_stmt *stmt = db_statement(db, number);
	const enum db_result result = db_execute_row(stmt, err);

	if (result == DB_OK)
		*value_r = db_int(stmt, 0);
	db_done(stmt);
	return result;
}

/* A mirror lets readers in before it is promoted. */
enum db_result content_writable(struct db *db, struct err *err)
{
	int64_t writable = 0;
	enum db_result result = ask_number(db, STATEMENT_WRITABLE, &writable, err);

	if (result == DB_OK && !writable) {
		err_set(err, "could not use database %u: it takes no writes", db_place(db) + 1);
		db_skip(db);
		result = DB_RETRY;
	}
	return result;
}

enum db_result content_open(struct db *db, struct err *err)
{
	const enum db_result result = content_writable(db, err);

	return result == DB_OK ? schema_upgrade(db, &schema_content, err) : result;
}

enum db_result content_version(struct db *db, unsigned *version_r, unsigned *wanted_r,
			       struct err *err)
{
	*wanted_r = schema_content.step_count;
	return schema_version(db, &schema_content, version_r, err);
}

enum db_result content_check(struct db *db, struct err *err)
{
	return schema_check(db, &schema_content, err);
}

/* --- The cursor row. --- */

static enum db_result read_cursor(const struct db_stmt *stmt, struct content_cursor *cursor_r,
				  struct err *err)
{
	const struct db_bytes id = db_bytes(stmt, 0);

	if (!hex_decode(id.data, id.length, cursor_r->journal, sizeof(cursor_r->journal))) {
		err_set(err, "could not understand the cursor row: its journal_id is malformed");
		return DB_FATAL;
	}
	cursor_r->lsn = (uint64_t)db_int(stmt, 1);
	cursor_r->last_principal = (uint32_t)db_int(stmt, 2);
	cursor_r->last_room = (uint32_t)db_int(stmt, 3);
	cursor_r->last_category = (uint32_t)db_int(stmt, 4);
	cursor_r->last_addin = (uint32_t)db_int(stmt, 5);
	cursor_r->time = (uint64_t)db_int(stmt, 6);
	return DB_OK;
}

enum db_result content_cursor_get(struct db *db, struct content_cursor *cursor_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_CURSOR_GET);
	enum db_result result;

	memset(cursor_r, 0, sizeof(*cursor_r));
	db_bind_string(stmt, 0, READER);
	result = db_execute_row(stmt, err);
	if (result == DB_END)
		return DB_OK;
	if (result == DB_OK)
		result = read_cursor(stmt, cursor_r, err);
	db_done(stmt);
	return result;
}

enum db_result content_cursor_put(struct db *db, const struct content_cursor *cursor,
				  struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_CURSOR_PUT);
	char hex[2 * sizeof(cursor->journal) + 1];

	hex_encode(cursor->journal, sizeof(cursor->journal), hex);
	db_bind_string(stmt, 0, READER);
	db_bind_string(stmt, 1, hex);
	db_bind_int(stmt, 2, (int64_t)cursor->lsn);
	db_bind_int(stmt, 3, cursor->last_principal);
	db_bind_int(stmt, 4, cursor->last_room);
	db_bind_int(stmt, 5, cursor->last_category);
	db_bind_int(stmt, 6, cursor->last_addin);
	db_bind_int(stmt, 7, (int64_t)cursor->time);
	return db_execute(stmt, err);
}

enum db_result content_state_get(struct db *db, struct content_state *state_r, struct err *err)
{
	int64_t writable = 0, dead = 0;
	enum db_result result = ask_number(db, STATEMENT_WRITABLE, &writable, err);

	memset(state_r, 0, sizeof(*state_r));
	state_r->wanted = schema_content.step_count;
	state_r->writable = writable != 0;
	if (result == DB_OK)
		result = schema_version(db, &schema_content, &state_r->version, err);
	if (result != DB_OK || state_r->version != state_r->wanted)
		return result;
	result = content_cursor_get(db, &state_r->cursor, err);
	if (result == DB_OK)
		result = ask_number(db, STATEMENT_DEAD_COUNT, &dead, err);
	state_r->dead = (uint64_t)dead;
	state_r->current = result == DB_OK;
	return result;
}

/* --- What the store stores. --- */

enum db_result content_principal_put(struct db *db, const struct content_principal *principal,
				     struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_PRINCIPAL_PUT);

	db_bind_int(stmt, 0, principal->id);
	db_bind_int(stmt, 1, principal->kind);
	db_bind_int(stmt, 2, principal->state);
	db_bind_int(stmt, 3, principal->epoch);
	db_bind_bytes(stmt, 4, principal->uri);
	db_bind_bytes(stmt, 5, principal->name);
	return db_execute(stmt, err);
}

enum db_result content_room_put(struct db *db, const struct content_room *room, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_ROOM_PUT);
	char uuid[HEX_UUID], *folded;
	enum db_result result;
	size_t length;

	if (!fold_pair(room->name.data, room->name.length, room->description.data,
		       room->description.length, &folded, &length)) {
		err_set(err, "could not store a room: its name or description is no UTF-8");
		return DB_BAD_DATA;
	}
	hex_uuid_encode(room->uuid, uuid);
	db_bind_int(stmt, 0, room->id);
	db_bind_string(stmt, 1, uuid);
	db_bind_bytes(stmt, 2, room->name);
	db_bind_bytes(stmt, 3, room->description);
	db_bind_int(stmt, 4, room->disabled);
	db_bind_int(stmt, 5, room->category);
	db_bind_int(stmt, 6, room->addin);
	db_bind_int(stmt, 7, room->privacy);
	db_bind_int(stmt, 8, room->behavior);
	db_bind_int(stmt, 9, room->invitations);
	db_bind_int(stmt, 10, (int64_t)room->created);
	db_bind_int(stmt, 11, (int64_t)room->revision);
	db_bind_text(stmt, 12, folded, length);
	result = db_execute(stmt, err);
	free(folded);
	return result;
}

static void bind_message(struct db_stmt *stmt, unsigned place,
			 const struct content_message *message)
{
	db_bind_int(stmt, place, message->room);
	db_bind_int(stmt, place + 1, (int64_t)message->seq);
	db_bind_int(stmt, place + 2, (int64_t)message->time);
	db_bind_int(stmt, place + 3, message->author);
	db_bind_int(stmt, place + 4, message->flags);
	db_bind_bytes(stmt, place + 5, message->id);
	db_bind_bytes(stmt, place + 6, message->text);
	db_bind_bytes(stmt, place + 7, message->title);
	db_bind_bytes(stmt, place + 8, message->rich_type);
	db_bind_bytes(stmt, place + 9, message->rich);
}

enum { MESSAGE_WIDTH = 10 };

enum db_result content_messages_put(struct db *db, const struct content_message *list,
				    unsigned count, struct err *err)
{
	const struct content_message *const first = list;
	const unsigned all = count;
	enum db_result result = DB_OK;
	unsigned rows;

	for (; count > 0 && result == DB_OK; list += rows, count -= rows) {
		struct db_stmt *stmt;

		rows = db_rows(db, STATEMENT_MESSAGE_PUT, count);
		stmt = db_statement_rows(db, STATEMENT_MESSAGE_PUT, rows);
		for (unsigned i = 0; i < rows; i++)
			bind_message(stmt, i * MESSAGE_WIDTH, &list[i]);
		result = db_execute(stmt, err);
	}
	return result == DB_OK ? content_index_put(db, first, all, err) : result;
}

enum db_result content_room_seqs(struct db *db, const struct content_room_seq *list, unsigned count,
				 struct err *err)
{
	enum db_result result = DB_OK;
	unsigned rows;

	for (; count > 0 && result == DB_OK; list += rows, count -= rows) {
		struct db_stmt *stmt;

		rows = db_rows(db, STATEMENT_ROOM_SEQ, count);
		stmt = db_statement_rows(db, STATEMENT_ROOM_SEQ, rows);
		for (unsigned i = 0; i < rows; i++) {
			db_bind_int(stmt, 2 * i, (int64_t)list[i].seq);
			db_bind_int(stmt, 2 * i + 1, list[i].room);
		}
		result = db_execute(stmt, err);
	}
	return result;
}

enum db_result content_room_restore(struct db *db, uint32_t room, uint64_t last_seq,
				    uint64_t removals, struct err *err)
{
	const struct content_room_seq seq = {.room = room, .seq = last_seq};
	struct db_stmt *stmt = db_statement(db, STATEMENT_ROOM_REMOVALS);
	enum db_result result;

	db_bind_int(stmt, 0, (int64_t)removals);
	db_bind_int(stmt, 1, room);
	db_bind_int(stmt, 2, (int64_t)removals);
	result = db_execute(stmt, err);
	return result == DB_OK ? content_room_seqs(db, &seq, 1, err) : result;
}

static enum db_result count_removal(struct db *db, uint32_t room, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_ROOM_REMOVAL);

	db_bind_int(stmt, 0, room);
	return db_execute(stmt, err);
}

enum db_result content_message_remove(struct db *db, uint32_t room, uint64_t seq,
				      const struct db_bytes *text, struct err *err)
{
	struct db_stmt *stmt;
	unsigned place = 0;
	enum db_result result = content_index_remove(db, room, seq, err);

	if (result != DB_OK)
		return result;
	stmt = db_statement(db, text ? STATEMENT_MESSAGE_REPLACE : STATEMENT_MESSAGE_REMOVE);
	if (text)
		db_bind_bytes(stmt, place++, *text);
	db_bind_int(stmt, place++, room);
	db_bind_int(stmt, place, (int64_t)seq);
	result = db_execute(stmt, err);
	if (result == DB_OK && text)
		result = content_index_replace(db, room, seq, *text, err);
	return result == DB_OK ? count_removal(db, room, err) : result;
}

enum db_result content_purge(struct db *db, uint32_t room, uint64_t seq, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_ROOM_PURGE);
	enum db_result result;

	db_bind_int(stmt, 0, (int64_t)seq);
	db_bind_int(stmt, 1, room);
	db_bind_int(stmt, 2, (int64_t)seq);
	result = db_execute(stmt, err);
	if (result == DB_OK)
		result = count_removal(db, room, err);
	return result == DB_OK ? content_remains(db, room, seq, err) : result;
}

enum db_result content_dead_put(struct db *db, const struct content_dead *dead, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_DEAD_PUT);
	char *record = malloc(2 * dead->record_size + 1);
	enum db_result result;

	if (!record) {
		err_errno(err, "could not store a dead letter");
		return DB_RETRY;
	}
	hex_encode(dead->record, dead->record_size, record);
	db_bind_int(stmt, 0, (int64_t)dead->lsn);
	db_bind_int(stmt, 1, dead->type);
	db_bind_string(stmt, 2, READER);
	db_bind_string(stmt, 3, dead->reason);
	db_bind_string(stmt, 4, record);
	db_bind_int(stmt, 5, (int64_t)dead->time);
	result = db_execute(stmt, err);
	free(record);
	return result;
}
