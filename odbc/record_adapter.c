#include "odbc/record_adapter.h"

#include <string.h>

/* A text that is too long is cut: the database is not ours alone. */
static void take_text(const struct db_stmt *stmt, unsigned column, char *text_r, size_t size)
{
	const struct db_bytes text = db_bytes(stmt, column);
	const size_t length = text.length < size ? text.length : size - 1;

	memset(text_r, 0, size);
	memcpy(text_r, text.data, length);
}

/* from: the column behind the name. */
static void take_row(const struct db_stmt *stmt, unsigned from, struct record_adapter *adapter_r)
{
	adapter_r->done = (uint64_t)db_int(stmt, from);
	adapter_r->batch = (uint64_t)db_int(stmt, from + 1);
	adapter_r->ran = (uint64_t)db_int(stmt, from + 2);
	adapter_r->failures = (uint64_t)db_int(stmt, from + 3);
	adapter_r->failing = (uint64_t)db_int(stmt, from + 4);
	take_text(stmt, from + 5, adapter_r->error, sizeof(adapter_r->error));
}

enum db_result record_adapter_get(struct db *db, const char *name, struct record_adapter *adapter_r,
				  struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_ADAPTER_GET);
	enum db_result result;

	memset(adapter_r, 0, sizeof(*adapter_r));
	strncpy(adapter_r->name, name, sizeof(adapter_r->name) - 1);
	db_bind_string(stmt, 0, name);
	result = db_execute_row(stmt, err);
	if (result == DB_OK)
		take_row(stmt, 0, adapter_r);
	db_done(stmt);
	return result;
}

static enum db_result put(struct db *db, const struct record_adapter *adapter, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_ADAPTER_PUT);

	db_bind_string(stmt, 0, adapter->name);
	db_bind_int(stmt, 1, (int64_t)adapter->done);
	db_bind_int(stmt, 2, (int64_t)adapter->batch);
	db_bind_int(stmt, 3, (int64_t)adapter->ran);
	db_bind_int(stmt, 4, (int64_t)adapter->failures);
	db_bind_int(stmt, 5, (int64_t)adapter->failing);
	db_bind_string(stmt, 6, adapter->error);
	return db_execute(stmt, err);
}

enum db_result record_adapter_put(struct db *db, const struct record_adapter *adapter,
				  struct err *err)
{
	enum db_result result = db_begin(db, err);

	if (result != DB_OK)
		return result;
	result = put(db, adapter, err);
	if (result == DB_OK)
		return db_commit(db, err);
	db_rollback(db);
	return result;
}

enum db_result record_adapter_next(struct db *db, const char *above,
				   struct record_adapter *adapter_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_ADAPTERS);
	enum db_result result;

	memset(adapter_r, 0, sizeof(*adapter_r));
	db_bind_string(stmt, 0, above);
	db_bind_int(stmt, 1, 1);
	result = db_execute_row(stmt, err);
	if (result == DB_OK) {
		take_text(stmt, 0, adapter_r->name, sizeof(adapter_r->name));
		take_row(stmt, 1, adapter_r);
	}
	db_done(stmt);
	return result;
}

enum db_result record_adapter_floor(struct db *db, const struct conf *conf, uint64_t *number_r,
				    struct err *err)
{
	*number_r = UINT64_MAX;
	for (unsigned i = 0; i < conf->adapters.count; i++) {
		struct record_adapter row;
		const enum db_result result =
			record_adapter_get(db, conf->adapters.item[i].name, &row, err);

		if (result != DB_OK && result != DB_END)
			return result;
		if (row.done < *number_r)
			*number_r = row.done;
	}
	return DB_OK;
}
