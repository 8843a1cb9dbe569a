#include "odbc/content_file.h"

#include "odbc/content_row.h"

/* --- Writing. --- */

enum db_result content_file_put(struct db *db, const struct content_file *file, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_FILE_PUT);
	char uuid[HEX_UUID], hash[2 * CONTENT_FILE_HASH + 1];

	hex_encode(file->sha256, CONTENT_FILE_HASH, hash);
	content_row_bind_uuid(stmt, 0, file->uuid, uuid);
	db_bind_count(stmt, 1, file->lsn);
	db_bind_int(stmt, 2, file->room);
	db_bind_count(stmt, 3, file->time);
	db_bind_int(stmt, 4, file->author);
	db_bind_bytes(stmt, 5, file->name);
	db_bind_bytes(stmt, 6, file->type);
	db_bind_count(stmt, 7, file->size);
	db_bind_string(stmt, 8, hash);
	return db_execute(stmt, err);
}

enum db_result content_file_remove(struct db *db, const uint8_t uuid[16], uint64_t time,
				   uint32_t by, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_FILE_REMOVE);
	char text[HEX_UUID];

	db_bind_count(stmt, 0, time);
	db_bind_int(stmt, 1, by);
	content_row_bind_uuid(stmt, 2, uuid, text);
	return db_execute(stmt, err);
}

enum db_result content_files_remove(struct db *db, uint32_t room, uint64_t time, uint32_t by,
				    struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_FILES_REMOVE);

	db_bind_count(stmt, 0, time);
	db_bind_int(stmt, 1, by);
	db_bind_int(stmt, 2, room);
	return db_execute(stmt, err);
}

/* --- Reading. --- */

/* What is malformed was changed by somebody else than the store. */
static enum db_result take(const struct db_stmt *stmt, struct content_file_row *row_r,
			   struct err *err)
{
	const struct db_bytes uuid = db_bytes(stmt, 0), hash = db_bytes(stmt, 8);
	struct content_file *file = &row_r->file;

	*row_r = (struct content_file_row){.file = {.lsn = (uint64_t)db_int(stmt, 1),
						    .room = (uint32_t)db_int(stmt, 2),
						    .time = (uint64_t)db_int(stmt, 3),
						    .author = (uint32_t)db_int(stmt, 4),
						    .name = db_bytes(stmt, 5),
						    .type = db_bytes(stmt, 6),
						    .size = (uint64_t)db_int(stmt, 7)},
					   .removed = (uint64_t)db_int(stmt, 9),
					   .removed_by = (uint32_t)db_int(stmt, 10),
					   .category = (uint32_t)db_int(stmt, 11),
					   .room = db_bytes(stmt, 12),
					   .author_uri = db_bytes(stmt, 13),
					   .author_name = db_bytes(stmt, 14),
					   .remover_uri = db_bytes(stmt, 15)};
	row_r->has_uuid = hex_uuid_decode(uuid.data, uuid.length, file->uuid);
	if (row_r->has_uuid &&
	    hex_decode(hash.data, hash.length, file->sha256, sizeof(file->sha256)))
		return DB_OK;
	err_set(err, "could not understand a row of pc_file: its uuid or its hash is malformed");
	return DB_BAD_DATA;
}

enum db_result content_file_get(struct db *db, const uint8_t uuid[16],
				struct content_file_row *row_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_FILE_GET);
	enum db_result result;
	char text[HEX_UUID];

	content_row_bind_uuid(stmt, 0, uuid, text);
	result = db_execute_row(stmt, err);
	return result == DB_OK ? take(stmt, row_r, err) : result;
}

enum db_result content_files(struct db *db, const struct content_file_page *page, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_FILES);
	char uuid[HEX_UUID];

	db_bind_int(stmt, 0, page->room);
	db_bind_count(stmt, 1, page->time);
	db_bind_count(stmt, 2, page->time);
	content_row_bind_uuid(stmt, 3, page->uuid, uuid);
	db_bind_int(stmt, 4, page->removed ? INT64_MAX : 0);
	db_bind_int(stmt, 5, page->limit);
	return db_execute(stmt, err);
}

static enum db_result next(struct db *db, enum statement number, struct content_file_row *row_r,
			   struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, number);
	const enum db_result result = db_fetch(stmt, err);

	return result == DB_OK ? take(stmt, row_r, err) : result;
}

enum db_result content_files_next(struct db *db, struct content_file_row *row_r, struct err *err)
{
	return next(db, STATEMENT_FILES, row_r, err);
}

enum db_result content_export_files(struct db *db, const uint8_t *above, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_EXPORT_FILES);
	char text[HEX_UUID] = "";

	if (above)
		content_row_bind_uuid(stmt, 0, above, text);
	else
		db_bind_string(stmt, 0, "");
	db_bind_int(stmt, 1, CONTENT_LOAD_PAGE);
	return db_execute(stmt, err);
}

enum db_result content_export_files_next(struct db *db, struct content_file_row *row_r,
					 struct err *err)
{
	const enum db_result result = next(db, STATEMENT_EXPORT_FILES, row_r, err);

	return result == DB_BAD_DATA && !row_r->has_uuid ? DB_FATAL : result;
}
