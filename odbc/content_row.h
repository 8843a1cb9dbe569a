#ifndef PCHAT_ODBC_CONTENT_ROW_H
#define PCHAT_ODBC_CONTENT_ROW_H

#include "conf/hex.h"
#include "odbc/content.h"

/* What the files content_*.c do alike with rows; nobody else includes it. */

/* Executes a statement that loads a page of a table: the rows whose id is above this one. */
enum db_result content_row_above(struct db *db, enum statement number, uint32_t above,
				 struct err *err);

/* Binds a uuid by its text, which the caller keeps until the execution. */
void content_row_bind_uuid(struct db_stmt *stmt, unsigned place, const uint8_t uuid[16],
			   char text[HEX_UUID]);

/*
 * The row that was fetched, of a statement that loads such a table or has its columns in front.
 * DB_BAD_DATA: all of it but the uuid, which is malformed.
 */
void content_row_principal(const struct db_stmt *stmt, struct content_principal *principal_r);
enum db_result content_row_category(const struct db_stmt *stmt, struct content_category *category_r,
				    struct err *err);
enum db_result content_row_addin(const struct db_stmt *stmt, struct content_addin *addin_r,
				 struct err *err);
enum db_result content_row_room(const struct db_stmt *stmt, struct content_room *room_r,
				struct err *err);

#endif
