#include "odbc/record.h"

#include <string.h>

#include "conf/hex.h"
#include "odbc/content.h"
#include "odbc/record_schema.h"
#include "odbc/record_search.h"

enum { WIDTH = 21 }; /* parameters of a record */

/* False: it is no hash. */
static bool take_hash(const struct db_stmt *stmt, unsigned column, char hash_r[RECORD_HEX])
{
	const struct db_bytes text = db_bytes(stmt, column);
	uint8_t bytes[RECORD_HASH];

	memset(hash_r, 0, RECORD_HEX);
	if (!hex_decode(text.data, text.length, bytes, sizeof(bytes)))
		return false;
	memcpy(hash_r, text.data, text.length);
	return true;
}

/* What is too long was not written by us: it reads as one that is no signature. */
static void take_signature(const struct db_stmt *stmt, unsigned column,
			   char signature_r[RECORD_SIGNATURE])
{
	const struct db_bytes text = db_bytes(stmt, column);
	const bool fits = text.length < RECORD_SIGNATURE;

	memset(signature_r, 0, RECORD_SIGNATURE);
	memcpy(signature_r, fits ? text.data : "?", fits ? text.length : 1);
}

enum db_result record_open(struct db *db, struct err *err)
{
	const enum db_result result = content_writable(db, err);

	return result == DB_OK ? schema_upgrade(db, &schema_record, err) : result;
}

enum db_result record_version(struct db *db, unsigned *version_r, unsigned *wanted_r,
			      struct err *err)
{
	*wanted_r = schema_record.step_count;
	return schema_version(db, &schema_record, version_r, err);
}

enum db_result record_check(struct db *db, struct err *err)
{
	return schema_check(db, &schema_record, err);
}

/* --- The cursor row. --- */

static enum db_result read_cursor(const struct db_stmt *stmt, struct record_cursor *cursor_r,
				  struct err *err)
{
	const struct db_bytes id = db_bytes(stmt, 0);

	if (!hex_decode(id.data, id.length, cursor_r->journal, sizeof(cursor_r->journal)) ||
	    !take_hash(stmt, 4, cursor_r->hash)) {
		err_set(err, "could not understand the row of pcc_cursor: it is malformed");
		return DB_FATAL;
	}
	cursor_r->lsn = (uint64_t)db_int(stmt, 1);
	cursor_r->time = (uint64_t)db_int(stmt, 2);
	cursor_r->number = (uint64_t)db_int(stmt, 3);
	cursor_r->gap = db_int(stmt, 5) != 0;
	take_signature(stmt, 6, cursor_r->signature);
	return DB_OK;
}

enum db_result record_cursor_get(struct db *db, struct record_cursor *cursor_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_RECORD_CURSOR_GET);
	enum db_result result;

	memset(cursor_r, 0, sizeof(*cursor_r));
	memset(cursor_r->hash, '0', RECORD_HEX - 1);
	result = db_execute_row(stmt, err);
	if (result == DB_END)
		return DB_OK;
	if (result == DB_OK)
		result = read_cursor(stmt, cursor_r, err);
	db_done(stmt);
	return result;
}

enum db_result record_cursor_put(struct db *db, const struct record_cursor *cursor, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_RECORD_CURSOR_PUT);
	char id[2 * sizeof(cursor->journal) + 1];

	hex_encode(cursor->journal, sizeof(cursor->journal), id);
	db_bind_int(stmt, 0, 1);
	db_bind_string(stmt, 1, id);
	db_bind_int(stmt, 2, (int64_t)cursor->lsn);
	db_bind_int(stmt, 3, (int64_t)cursor->time);
	db_bind_int(stmt, 4, (int64_t)cursor->number);
	db_bind_string(stmt, 5, cursor->hash);
	db_bind_int(stmt, 6, cursor->gap);
	db_bind_string(stmt, 7, cursor->signature);
	return db_execute(stmt, err);
}

/* --- Records. --- */

static void bind_record(struct db_stmt *stmt, unsigned at, const struct record_row *row)
{
	db_bind_int(stmt, at, (int64_t)row->number);
	db_bind_int(stmt, at + 1, (int64_t)row->lsn);
	db_bind_int(stmt, at + 2, (int64_t)row->time);
	db_bind_bytes(stmt, at + 3, row->type);
	db_bind_int(stmt, at + 4, row->flags);
	db_bind_int(stmt, at + 5, row->room_id);
	db_bind_bytes(stmt, at + 6, row->room);
	db_bind_bytes(stmt, at + 7, row->room_name);
	db_bind_bytes(stmt, at + 8, row->category);
	db_bind_int(stmt, at + 9, row->user_id);
	db_bind_bytes(stmt, at + 10, row->user_uri);
	db_bind_bytes(stmt, at + 11, row->user_name);
	db_bind_bytes(stmt, at + 12, row->address);
	db_bind_bytes(stmt, at + 13, row->session);
	db_bind_int(stmt, at + 14, (int64_t)row->message);
	db_bind_bytes(stmt, at + 15, row->title);
	db_bind_bytes(stmt, at + 16, row->content);
	db_bind_bytes(stmt, at + 17, row->rich_type);
	db_bind_bytes(stmt, at + 18, row->rich);
	db_bind_bytes(stmt, at + 19, row->detail);
	db_bind_string(stmt, at + 20, row->hash);
}

enum db_result record_put(struct db *db, const struct record_row *list, unsigned count,
			  struct err *err)
{
	enum db_result result = DB_OK;
	unsigned rows;

	for (; count > 0 && result == DB_OK; list += rows, count -= rows) {
		struct db_stmt *stmt;

		rows = db_rows(db, STATEMENT_RECORD_PUT, count);
		stmt = db_statement_rows(db, STATEMENT_RECORD_PUT, rows);
		for (unsigned i = 0; i < rows; i++)
			bind_record(stmt, i * WIDTH, &list[i]);
		result = db_execute(stmt, err);
	}
	return result;
}

enum db_result record_list(struct db *db, uint64_t above, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_RECORDS);

	db_bind_int(stmt, 0, (int64_t)above);
	db_bind_int(stmt, 1, RECORD_PAGE);
	return db_execute(stmt, err);
}

/* What is no hash reads as an empty one: whoever verifies finds that it does not agree. */
void record_row_take(const struct db_stmt *stmt, struct record_row *row_r)
{
	*row_r = (struct record_row){
		.number = (uint64_t)db_int(stmt, 0),
		.lsn = (uint64_t)db_int(stmt, 1),
		.time = (uint64_t)db_int(stmt, 2),
		.type = db_bytes(stmt, 3),
		.flags = (uint32_t)db_int(stmt, 4),
		.room_id = (uint32_t)db_int(stmt, 5),
		.room = db_bytes(stmt, 6),
		.room_name = db_bytes(stmt, 7),
		.category = db_bytes(stmt, 8),
		.user_id = (uint32_t)db_int(stmt, 9),
		.user_uri = db_bytes(stmt, 10),
		.user_name = db_bytes(stmt, 11),
		.address = db_bytes(stmt, 12),
		.session = db_bytes(stmt, 13),
		.message = (uint64_t)db_int(stmt, 14),
		.title = db_bytes(stmt, 15),
		.content = db_bytes(stmt, 16),
		.rich_type = db_bytes(stmt, 17),
		.rich = db_bytes(stmt, 18),
		.detail = db_bytes(stmt, 19),
		.description = db_bytes(stmt, 21),
	};
	take_hash(stmt, 20, row_r->hash);
}

enum db_result record_list_next(struct db *db, struct record_row *row_r, struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_RECORDS);
	const enum db_result result = db_fetch(stmt, err);

	if (result == DB_OK)
		record_row_take(stmt, row_r);
	return result;
}

enum db_result record_hash_get(struct db *db, uint64_t number, char hash_r[RECORD_HEX],
			       struct err *err)
{
	enum db_result result = record_list(db, number - 1, err);
	struct record_row row;

	if (result == DB_OK)
		result = record_list_next(db, &row, err);
	if (result == DB_OK && row.number != number)
		result = DB_END;
	if (result == DB_OK)
		memcpy(hash_r, row.hash, RECORD_HEX);
	db_done(db_open_statement(db, STATEMENT_RECORDS));
	return result;
}

/* --- Checkpoints. --- */

enum db_result record_checkpoint_put(struct db *db, const struct record_checkpoint *checkpoint,
				     struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_CHECKPOINT_PUT);

	db_bind_int(stmt, 0, (int64_t)checkpoint->number);
	db_bind_string(stmt, 1, checkpoint->hash);
	db_bind_int(stmt, 2, (int64_t)checkpoint->time);
	db_bind_string(stmt, 3, checkpoint->signature);
	return db_execute(stmt, err);
}

enum db_result record_checkpoint_next(struct db *db, uint64_t above,
				      struct record_checkpoint *checkpoint_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_CHECKPOINTS);
	enum db_result result;

	db_bind_int(stmt, 0, (int64_t)above);
	db_bind_int(stmt, 1, 1);
	result = db_execute_row(stmt, err);
	if (result != DB_OK)
		return result;
	memset(checkpoint_r, 0, sizeof(*checkpoint_r));
	checkpoint_r->number = (uint64_t)db_int(stmt, 0);
	take_hash(stmt, 1, checkpoint_r->hash);
	checkpoint_r->time = (uint64_t)db_int(stmt, 2);
	take_signature(stmt, 3, checkpoint_r->signature);
	db_done(stmt);
	return DB_OK;
}
