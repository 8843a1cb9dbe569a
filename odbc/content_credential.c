#include "odbc/content.h"

#include <string.h>

static bool take_binary(const struct db_stmt *stmt, unsigned column, uint8_t *out, size_t size,
			size_t *length_r)
{
	const void *data = db_binary(stmt, column, length_r);

	if (*length_r > size)
		return false;
	memcpy(out, data, *length_r);
	return true;
}

static enum db_result read_credential(const struct db_stmt *stmt, const char *mechanism,
				      struct content_credential *out, struct err *err)
{
	memset(out, 0, sizeof(*out));
	strncpy(out->mechanism, mechanism, sizeof(out->mechanism) - 1);
	out->iterations = (uint32_t)db_int(stmt, 0);
	out->changed = (uint64_t)db_int(stmt, 4);
	out->has_principal = !db_is_null(stmt, 5);
	out->principal = (uint32_t)db_int(stmt, 5);
	out->epoch = (uint32_t)db_int(stmt, 6);
	out->state = (uint16_t)db_int(stmt, 7);
	if (take_binary(stmt, 1, out->salt, sizeof(out->salt), &out->salt_length) &&
	    take_binary(stmt, 2, out->stored_key, sizeof(out->stored_key), &out->stored_length) &&
	    take_binary(stmt, 3, out->server_key, sizeof(out->server_key), &out->server_length))
		return DB_OK;
	err_set(err, "could not use a credential: its salt or a key is too long");
	return DB_BAD_DATA;
}

enum db_result content_credential_get(struct db *db, const char *uri, size_t length,
				      const char *mechanism,
				      struct content_credential *credential_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_CREDENTIAL_GET);
	enum db_result result;

	db_bind_text(stmt, 0, uri, length);
	db_bind_text(stmt, 1, mechanism, strlen(mechanism));
	result = db_execute_row(stmt, err);
	if (result == DB_OK)
		result = read_credential(stmt, mechanism, credential_r, err);
	db_done(stmt);
	return result;
}

/* Ends a transaction by what became of it. */
static enum db_result end_transaction(struct db *db, enum db_result result, struct err *err)
{
	if (result == DB_OK)
		return db_commit(db, err);
	db_rollback(db);
	return result;
}

enum db_result content_credential_set(struct db *db, const char *uri, size_t length,
				      const struct content_credential *credential, struct err *err)
{
	enum db_result result = db_begin(db, err);
	struct db_stmt *stmt;

	if (result != DB_OK)
		return result;
	stmt = db_statement(db, STATEMENT_CREDENTIAL_PUT);
	db_bind_text(stmt, 0, uri, length);
	db_bind_text(stmt, 1, credential->mechanism,
		     strnlen(credential->mechanism, sizeof(credential->mechanism)));
	db_bind_int(stmt, 2, credential->iterations);
	db_bind_binary(stmt, 3, credential->salt, credential->salt_length);
	db_bind_binary(stmt, 4, credential->stored_key, credential->stored_length);
	db_bind_binary(stmt, 5, credential->server_key, credential->server_length);
	db_bind_int(stmt, 6, (int64_t)credential->changed);
	return end_transaction(db, db_execute(stmt, err), err);
}
