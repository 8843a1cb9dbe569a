#include "odbc/content_row.h"

#include <stdlib.h>

#include "odbc/content_index.h"
#include "odbc/fold.h"

/* What administrators make besides users and rooms: categories, add-ins, roles, groups' members. */

static enum db_result execute_id(struct db *db, enum statement number, uint32_t id, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, number);

	db_bind_int(stmt, 0, id);
	return db_execute(stmt, err);
}

/* --- Categories. --- */

enum db_result content_category_put(struct db *db, const struct content_category *category,
				    struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_CATEGORY_PUT);
	char uuid[HEX_UUID], *folded;
	enum db_result result;
	size_t length;

	if (!fold_pair(category->name.data, category->name.length, category->description.data,
		       category->description.length, &folded, &length)) {
		err_set(err, "could not store a category: its name or description is no UTF-8");
		return DB_BAD_DATA;
	}
	db_bind_int(stmt, 0, category->id);
	content_row_bind_uuid(stmt, 1, category->uuid, uuid);
	db_bind_bytes(stmt, 2, category->name);
	db_bind_bytes(stmt, 3, category->description);
	db_bind_int(stmt, 4, category->flags);
	db_bind_int(stmt, 5, (int64_t)category->created);
	db_bind_int(stmt, 6, (int64_t)category->revision);
	db_bind_text(stmt, 7, folded, length);
	result = db_execute(stmt, err);
	free(folded);
	return result;
}

enum db_result content_categories(struct db *db, uint32_t above, struct err *err)
{
	return content_row_above(db, STATEMENT_CATEGORIES, above, err);
}

enum db_result content_categories_next(struct db *db, struct content_category *category_r,
				       struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_CATEGORIES);
	const enum db_result result = db_fetch(stmt, err);

	return result == DB_OK ? content_row_category(stmt, category_r, err) : result;
}

/* --- Add-ins. --- */

enum db_result content_addin_put(struct db *db, const struct content_addin *addin, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_ADDIN_PUT);
	char uuid[HEX_UUID];

	db_bind_int(stmt, 0, addin->id);
	content_row_bind_uuid(stmt, 1, addin->uuid, uuid);
	db_bind_bytes(stmt, 2, addin->name);
	db_bind_bytes(stmt, 3, addin->url);
	return db_execute(stmt, err);
}

enum db_result content_addins(struct db *db, uint32_t above, struct err *err)
{
	return content_row_above(db, STATEMENT_ADDINS, above, err);
}

enum db_result content_addins_next(struct db *db, struct content_addin *addin_r, struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_ADDINS);
	const enum db_result result = db_fetch(stmt, err);

	return result == DB_OK ? content_row_addin(stmt, addin_r, err) : result;
}

/* --- Roles. --- */

static void bind_role(struct db_stmt *stmt, const struct content_role *role)
{
	db_bind_int(stmt, 0, role->kind);
	db_bind_int(stmt, 1, role->node);
	db_bind_int(stmt, 2, role->principal);
	db_bind_int(stmt, 3, role->role);
}

enum db_result content_role_put(struct db *db, const struct content_role *role, bool present,
				struct err *err)
{
	struct db_stmt *stmt =
		db_statement(db, present ? STATEMENT_ROLE_PUT : STATEMENT_ROLE_REMOVE);

	bind_role(stmt, role);
	return db_execute(stmt, err);
}

enum db_result content_roles(struct db *db, const struct content_role *above, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_ROLES);

	bind_role(stmt, above);
	db_bind_int(stmt, 4, CONTENT_LOAD_PAGE);
	return db_execute(stmt, err);
}

enum db_result content_roles_next(struct db *db, struct content_role *role_r, struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_ROLES);
	const enum db_result result = db_fetch(stmt, err);

	if (result != DB_OK)
		return result;
	role_r->kind = (uint8_t)db_int(stmt, 0);
	role_r->node = (uint32_t)db_int(stmt, 1);
	role_r->principal = (uint32_t)db_int(stmt, 2);
	role_r->role = (uint8_t)db_int(stmt, 3);
	return DB_OK;
}

/* --- Members of groups. --- */

enum db_result content_affiliation_put(struct db *db, const struct content_affiliation *affiliation,
				       bool present, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, present ? STATEMENT_AFFILIATION_PUT
							: STATEMENT_AFFILIATION_REMOVE);

	db_bind_int(stmt, 0, affiliation->member);
	db_bind_int(stmt, 1, affiliation->group);
	return db_execute(stmt, err);
}

enum db_result content_affiliations(struct db *db, const struct content_affiliation *above,
				    struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_AFFILIATIONS);

	db_bind_int(stmt, 0, above->member);
	db_bind_int(stmt, 1, above->group);
	db_bind_int(stmt, 2, CONTENT_LOAD_PAGE);
	return db_execute(stmt, err);
}

enum db_result content_affiliations_next(struct db *db, struct content_affiliation *affiliation_r,
					 struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_AFFILIATIONS);
	const enum db_result result = db_fetch(stmt, err);

	if (result != DB_OK)
		return result;
	affiliation_r->member = (uint32_t)db_int(stmt, 0);
	affiliation_r->group = (uint32_t)db_int(stmt, 1);
	return DB_OK;
}

/* --- Removal. --- */

static enum db_result remove_roles(struct db *db, enum content_kind kind, uint32_t id,
				   struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_ROLES_REMOVE);

	db_bind_int(stmt, 0, kind);
	db_bind_int(stmt, 1, id);
	return db_execute(stmt, err);
}

enum db_result content_category_remove(struct db *db, uint32_t id, struct err *err)
{
	const enum db_result result = execute_id(db, STATEMENT_CATEGORY_REMOVE, id, err);

	return result == DB_OK ? remove_roles(db, CONTENT_CATEGORY, id, err) : result;
}

enum db_result content_room_remove(struct db *db, uint32_t id, struct err *err)
{
	enum db_result result = execute_id(db, STATEMENT_ROOM_REMOVE, id, err);

	if (result == DB_OK)
		result = remove_roles(db, CONTENT_ROOM, id, err);
	return result == DB_OK ? content_remains(db, id, INT64_MAX, err) : result;
}

enum db_result content_remains(struct db *db, uint32_t room, uint64_t seq, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_REMAINS_PUT);

	db_bind_int(stmt, 0, room);
	db_bind_int(stmt, 1, (int64_t)seq);
	return db_execute(stmt, err);
}

enum db_result content_addin_remove(struct db *db, uint32_t id, struct err *err)
{
	return execute_id(db, STATEMENT_ADDIN_REMOVE, id, err);
}

/* The oldest messages that are to be deleted, up to seq, or the note that there are any. */
static enum db_result sweep_room(struct db *db, uint32_t room, int64_t seq, unsigned messages,
				 struct err *err)
{
	struct db_stmt *stmt;
	enum db_result result;

	if (seq == 0)
		return execute_id(db, STATEMENT_REMAINS_END, room, err);
	result = content_index_sweep(db, room, (uint64_t)seq, messages, err);
	if (result != DB_OK)
		return result;
	stmt = db_statement(db, STATEMENT_REMAINS_MESSAGES);
	db_bind_int(stmt, 0, room);
	db_bind_int(stmt, 1, seq);
	return db_execute(stmt, err);
}

/* Nobody else writes these rows: what is read before the transaction is still so in it. */
enum db_result content_sweep(struct db *db, unsigned messages, bool *more_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_REMAINS_NEXT);
	enum db_result result;
	uint32_t room = 0;
	int64_t seq = 0;

	db_bind_int(stmt, 0, messages);
	result = db_execute_row(stmt, err);
	*more_r = result == DB_OK;
	if (result == DB_OK) {
		room = (uint32_t)db_int(stmt, 0);
		seq = db_int(stmt, 1);
	}
	db_done(stmt);
	if (result != DB_OK)
		return result == DB_END ? DB_OK : result;
	result = db_begin(db, err);
	if (result != DB_OK)
		return result;
	result = sweep_room(db, room, seq, messages, err);
	if (result == DB_OK)
		return db_commit(db, err);
	db_rollback(db);
	return result;
}
