#ifndef PCHAT_ODBC_CONTENT_FILE_H
#define PCHAT_ODBC_CONTENT_FILE_H

#include "odbc/content.h"

/* Files that were uploaded into rooms: a row for each, also when it is removed. Their contents are
 * no business of the database. All functions answer as odbc/db.h says. */

enum { CONTENT_FILE_HASH = 32 /* bytes of a SHA-256 */ };

struct content_file {
	uint8_t uuid[16];
	uint64_t lsn; /* of the event */
	uint32_t room, author;
	uint64_t time; /* of the upload, UTC us */
	uint64_t size; /* bytes of the content */
	uint8_t sha256[CONTENT_FILE_HASH];
	struct db_bytes name, type;
};

/* What is there is there already: it stays as it is. */
enum db_result content_file_put(struct db *db, const struct content_file *file, struct err *err);

/* It is removed from now on, by a user (0: an administrator); so are all files of a room. One that
 * was removed before, or is not known, stays as it is. */
enum db_result content_file_remove(struct db *db, const uint8_t uuid[16], uint64_t time,
				   uint32_t by, struct err *err);
enum db_result content_files_remove(struct db *db, uint32_t room, uint64_t time, uint32_t by,
				    struct err *err);

/* --- Reading. Texts are good until the next row is taken. --- */

struct content_file_row {
	struct content_file file;
	bool has_uuid;	      /* it could be read */
	uint64_t removed;     /* when; 0: it is there */
	uint32_t removed_by;  /* 0: an administrator */
	uint32_t category;    /* of the room; 0: there is no such room any more */
	struct db_bytes room; /* its uuid as text; empty likewise */
	struct db_bytes author_uri, author_name, remover_uri; /* empty where there is none */
};

/* DB_END: there is none. */
enum db_result content_file_get(struct db *db, const uint8_t uuid[16],
				struct content_file_row *row_r, struct err *err);

/* Those of a room, newest first; of one time in the reverse order of their uuids. removed: those
 * that are removed, too. Execute, then take rows. DB_BAD_DATA: a row is malformed, the next may be
 * taken.
 */
struct content_file_page {
	uint32_t room;
	uint64_t time;	  /* only what stands behind the file of this time */
	uint8_t uuid[16]; /* and with this uuid */
	bool removed;
	unsigned limit;
};
enum db_result content_files(struct db *db, const struct content_file_page *page, struct err *err);
enum db_result content_files_next(struct db *db, struct content_file_row *row_r, struct err *err);

/* All of them above a uuid (NULL: from the first on), in the order of their uuids,
 * CONTENT_LOAD_PAGE at most. DB_FATAL where it is not even known which one is malformed, and so
 * where to go on. */
enum db_result content_export_files(struct db *db, const uint8_t *above, struct err *err);
enum db_result content_export_files_next(struct db *db, struct content_file_row *row_r,
					 struct err *err);

#endif
