#include "odbc/content.h"

/* Settings by scope, and who was granted which policy. */

enum db_result content_setting_put(struct db *db, const struct content_setting *setting,
				   bool present, struct err *err)
{
	struct db_stmt *stmt =
		db_statement(db, present ? STATEMENT_SETTING_PUT : STATEMENT_SETTING_REMOVE);

	db_bind_int(stmt, 0, setting->kind);
	db_bind_bytes(stmt, 1, setting->scope);
	db_bind_bytes(stmt, 2, setting->name);
	if (present)
		db_bind_bytes(stmt, 3, setting->value);
	return db_execute(stmt, err);
}

enum db_result content_settings(struct db *db, const struct content_setting *above, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_SETTINGS);

	db_bind_int(stmt, 0, above->kind);
	db_bind_bytes(stmt, 1, above->scope);
	db_bind_bytes(stmt, 2, above->name);
	db_bind_int(stmt, 3, CONTENT_LOAD_PAGE);
	return db_execute(stmt, err);
}

enum db_result content_settings_next(struct db *db, struct content_setting *setting_r,
				     struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_SETTINGS);
	const enum db_result result = db_fetch(stmt, err);

	if (result != DB_OK)
		return result;
	setting_r->kind = (uint32_t)db_int(stmt, 0);
	setting_r->scope = db_bytes(stmt, 1);
	setting_r->name = db_bytes(stmt, 2);
	setting_r->value = db_bytes(stmt, 3);
	return DB_OK;
}

enum db_result content_grant_put(struct db *db, const struct content_grant *grant, struct err *err)
{
	const bool present = grant->policy.length > 0;
	struct db_stmt *stmt =
		db_statement(db, present ? STATEMENT_GRANT_PUT : STATEMENT_GRANT_REMOVE);

	db_bind_int(stmt, 0, grant->principal);
	if (present)
		db_bind_bytes(stmt, 1, grant->policy);
	return db_execute(stmt, err);
}

enum db_result content_grants(struct db *db, uint32_t above, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_GRANTS);

	db_bind_int(stmt, 0, above);
	db_bind_int(stmt, 1, CONTENT_LOAD_PAGE);
	return db_execute(stmt, err);
}

enum db_result content_grants_next(struct db *db, struct content_grant *grant_r, struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_GRANTS);
	const enum db_result result = db_fetch(stmt, err);

	if (result != DB_OK)
		return result;
	grant_r->principal = (uint32_t)db_int(stmt, 0);
	grant_r->policy = db_bytes(stmt, 1);
	return DB_OK;
}
