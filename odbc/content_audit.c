#include "odbc/content_audit.h"

#include "odbc/content_row.h"

/* --- The rows. --- */

enum db_result content_audit_put(struct db *db, const struct content_audit *audit, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_AUDIT_PUT);

	db_bind_count(stmt, 0, audit->lsn);
	db_bind_count(stmt, 1, audit->time);
	db_bind_bytes(stmt, 2, audit->actor);
	db_bind_bytes(stmt, 3, audit->address);
	db_bind_bytes(stmt, 4, audit->what);
	db_bind_bytes(stmt, 5, audit->object);
	db_bind_bytes(stmt, 6, audit->ref);
	db_bind_bytes(stmt, 7, audit->details);
	return db_execute(stmt, err);
}

enum db_result content_audits(struct db *db, const struct content_audit_range *range,
			      struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_AUDITS);

	db_bind_count(stmt, 0, range->before);
	db_bind_count(stmt, 1, range->start);
	db_bind_count(stmt, 2, range->end);
	db_bind_int(stmt, 3, range->limit);
	return db_execute(stmt, err);
}

enum db_result content_audits_next(struct db *db, struct content_audit *audit_r, struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_AUDITS);
	const enum db_result result = db_fetch(stmt, err);

	if (result != DB_OK)
		return result;
	audit_r->lsn = (uint64_t)db_int(stmt, 0);
	audit_r->time = (uint64_t)db_int(stmt, 1);
	audit_r->actor = db_bytes(stmt, 2);
	audit_r->address = db_bytes(stmt, 3);
	audit_r->what = db_bytes(stmt, 4);
	audit_r->object = db_bytes(stmt, 5);
	audit_r->ref = db_bytes(stmt, 6);
	audit_r->details = db_bytes(stmt, 7);
	return DB_OK;
}

static enum db_result expire_up_to(struct db *db, int64_t lsn, struct err *err)
{
	enum db_result result = db_begin(db, err);
	struct db_stmt *stmt;

	if (result != DB_OK)
		return result;
	stmt = db_statement(db, STATEMENT_AUDIT_REMOVE);
	db_bind_int(stmt, 0, lsn);
	result = db_execute(stmt, err);
	if (result == DB_OK)
		return db_commit(db, err);
	db_rollback(db);
	return result;
}

/* The order of the LSNs is that of the times. */
enum db_result content_audit_expire(struct db *db, uint64_t before, unsigned most, bool *more_r,
				    struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_AUDIT_OLD);
	enum db_result result;
	int64_t lsn = 0;

	db_bind_count(stmt, 0, before);
	db_bind_int(stmt, 1, most);
	result = db_execute_row(stmt, err);
	if (result == DB_OK)
		lsn = db_int(stmt, 0);
	db_done(stmt);
	*more_r = result == DB_OK && lsn > 0;
	if (result != DB_OK || lsn == 0)
		return result == DB_END ? DB_OK : result;
	return expire_up_to(db, lsn, err);
}

/* --- Who it was. --- */

static struct db_stmt *bind_admin(struct db *db, enum statement number,
				  const struct content_admin *admin)
{
	struct db_stmt *stmt = db_statement(db, number);

	db_bind_int(stmt, 0, admin->slot);
	db_bind_int(stmt, 1, admin->generation);
	db_bind_int(stmt, 2, admin->session);
	return stmt;
}

enum db_result content_admin_put(struct db *db, const struct content_admin *admin, struct err *err)
{
	struct db_stmt *stmt = bind_admin(db, STATEMENT_ADMIN_PUT, admin);

	db_bind_bytes(stmt, 3, admin->name);
	db_bind_bytes(stmt, 4, admin->address);
	return db_execute(stmt, err);
}

enum db_result content_admin_remove(struct db *db, const struct content_admin *admin,
				    struct err *err)
{
	return db_execute(bind_admin(db, STATEMENT_ADMIN_REMOVE, admin), err);
}

enum db_result content_admin_clear(struct db *db, struct err *err)
{
	return db_execute(db_statement(db, STATEMENT_ADMIN_CLEAR), err);
}

enum db_result content_admin_get(struct db *db, struct content_admin *admin_r, struct err *err)
{
	struct db_stmt *stmt = bind_admin(db, STATEMENT_ADMIN_GET, admin_r);
	const enum db_result result = db_execute_row(stmt, err);

	if (result != DB_OK)
		return result;
	admin_r->name = db_bytes(stmt, 0);
	admin_r->address = db_bytes(stmt, 1);
	return DB_OK;
}

/* --- What it was before. --- */

/* The statements that load a table find one row, too: the first above the number before. */
static struct db_stmt *first_above(struct db *db, enum statement number, uint32_t id)
{
	struct db_stmt *stmt = db_statement(db, number);

	db_bind_int(stmt, 0, (int64_t)id - 1);
	db_bind_int(stmt, 1, 1);
	return stmt;
}

static enum db_result get(struct db_stmt *stmt, uint32_t id, struct err *err)
{
	const enum db_result result = db_execute_row(stmt, err);

	return result == DB_OK && (uint32_t)db_int(stmt, 0) != id ? DB_END : result;
}

enum db_result content_principal_get(struct db *db, uint32_t id,
				     struct content_principal *principal_r, struct err *err)
{
	struct db_stmt *stmt = first_above(db, STATEMENT_PRINCIPALS, id);
	const enum db_result result = get(stmt, id, err);

	*principal_r = (struct content_principal){.id = id};
	if (result == DB_OK)
		content_row_principal(stmt, principal_r);
	return result;
}

/* A uuid that is malformed is nothing to be compared with, but the rest of its row is. */

enum db_result content_room_get(struct db *db, uint32_t id, struct content_room *room_r,
				struct err *err)
{
	struct db_stmt *stmt = first_above(db, STATEMENT_ROOMS, id);
	const enum db_result result = get(stmt, id, err);

	*room_r = (struct content_room){.id = id};
	if (result == DB_OK)
		(void)content_row_room(stmt, room_r, err);
	return result;
}

enum db_result content_category_get(struct db *db, uint32_t id, struct content_category *category_r,
				    struct err *err)
{
	struct db_stmt *stmt = first_above(db, STATEMENT_CATEGORIES, id);
	const enum db_result result = get(stmt, id, err);

	*category_r = (struct content_category){.id = id};
	if (result == DB_OK)
		(void)content_row_category(stmt, category_r, err);
	return result;
}

enum db_result content_addin_get(struct db *db, uint32_t id, struct content_addin *addin_r,
				 struct err *err)
{
	struct db_stmt *stmt = first_above(db, STATEMENT_ADDINS, id);
	const enum db_result result = get(stmt, id, err);

	*addin_r = (struct content_addin){.id = id};
	if (result == DB_OK)
		(void)content_row_addin(stmt, addin_r, err);
	return result;
}

enum db_result content_setting_get(struct db *db, struct content_setting *setting_r,
				   struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_SETTING_GET);
	enum db_result result;

	db_bind_int(stmt, 0, setting_r->kind);
	db_bind_bytes(stmt, 1, setting_r->scope);
	db_bind_bytes(stmt, 2, setting_r->name);
	result = db_execute_row(stmt, err);
	setting_r->value = result == DB_OK ? db_bytes(stmt, 0) : (struct db_bytes){"", 0};
	return result;
}

enum db_result content_grant_get(struct db *db, struct content_grant *grant_r, struct err *err)
{
	struct db_stmt *stmt = first_above(db, STATEMENT_GRANTS, grant_r->principal);
	const enum db_result result = get(stmt, grant_r->principal, err);

	grant_r->policy = result == DB_OK ? db_bytes(stmt, 1) : (struct db_bytes){"", 0};
	return result;
}
