#include "odbc/content_export.h"

#include <string.h>

/* --- Members of groups. --- */

enum db_result content_export_affiliations(struct db *db, const struct content_affiliation *above,
					   struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_EXPORT_AFFILIATIONS);

	db_bind_int(stmt, 0, above->member);
	db_bind_int(stmt, 1, above->group);
	db_bind_int(stmt, 2, CONTENT_LOAD_PAGE);
	return db_execute(stmt, err);
}

enum db_result content_export_affiliations_next(struct db *db,
						struct content_affiliation *affiliation_r,
						struct content_names *names_r, struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_EXPORT_AFFILIATIONS);
	const enum db_result result = db_fetch(stmt, err);

	if (result != DB_OK)
		return result;
	affiliation_r->member = (uint32_t)db_int(stmt, 0);
	affiliation_r->group = (uint32_t)db_int(stmt, 1);
	*names_r =
		(struct content_names){.principal = db_bytes(stmt, 2), .other = db_bytes(stmt, 3)};
	return DB_OK;
}

/* --- Roles. --- */

enum db_result content_export_roles(struct db *db, const struct content_role *above,
				    struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_EXPORT_ROLES);

	db_bind_int(stmt, 0, above->kind);
	db_bind_int(stmt, 1, above->node);
	db_bind_int(stmt, 2, above->principal);
	db_bind_int(stmt, 3, above->role);
	db_bind_int(stmt, 4, CONTENT_LOAD_PAGE);
	return db_execute(stmt, err);
}

enum db_result content_export_roles_next(struct db *db, struct content_role *role_r,
					 struct content_names *names_r, struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_EXPORT_ROLES);
	const enum db_result result = db_fetch(stmt, err);

	if (result != DB_OK)
		return result;
	role_r->kind = (uint8_t)db_int(stmt, 0);
	role_r->node = (uint32_t)db_int(stmt, 1);
	role_r->principal = (uint32_t)db_int(stmt, 2);
	role_r->role = (uint8_t)db_int(stmt, 3);
	*names_r = (struct content_names){.category = (uint32_t)db_int(stmt, 4),
					  .node = db_bytes(stmt, 5),
					  .principal = db_bytes(stmt, 6)};
	return DB_OK;
}

/* --- Policies of users. --- */

enum db_result content_export_grants(struct db *db, uint32_t above, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_EXPORT_GRANTS);

	db_bind_int(stmt, 0, above);
	db_bind_int(stmt, 1, CONTENT_LOAD_PAGE);
	return db_execute(stmt, err);
}

enum db_result content_export_grants_next(struct db *db, struct content_grant *grant_r,
					  struct content_names *names_r, struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_EXPORT_GRANTS);
	const enum db_result result = db_fetch(stmt, err);

	if (result != DB_OK)
		return result;
	grant_r->principal = (uint32_t)db_int(stmt, 0);
	grant_r->policy = db_bytes(stmt, 1);
	*names_r = (struct content_names){.principal = db_bytes(stmt, 2)};
	return DB_OK;
}

/* --- Credentials. --- */

enum db_result content_export_credentials(struct db *db,
					  const struct content_export_credential *above,
					  struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_EXPORT_CREDENTIALS);
	const char *mechanism = above->credential.mechanism;

	db_bind_text(stmt, 0, above->uri, above->uri_length);
	db_bind_text(stmt, 1, mechanism, strlen(mechanism));
	db_bind_int(stmt, 2, CONTENT_LOAD_PAGE);
	return db_execute(stmt, err);
}

static bool read_key(const struct db_stmt *stmt, unsigned column, uint8_t *out, size_t size,
		     size_t *length_r)
{
	const void *data = db_binary(stmt, column, length_r);

	if (*length_r > size)
		return false;
	if (*length_r > 0)
		memcpy(out, data, *length_r);
	return true;
}

enum db_result content_export_credentials_next(struct db *db,
					       struct content_export_credential *credential_r,
					       struct err *err)
{
	struct db_stmt *stmt = db_open_statement(db, STATEMENT_EXPORT_CREDENTIALS);
	struct content_credential *credential = &credential_r->credential;
	const enum db_result result = db_fetch(stmt, err);
	struct db_bytes uri, mechanism;

	if (result != DB_OK)
		return result;
	memset(credential_r, 0, sizeof(*credential_r));
	uri = db_bytes(stmt, 0);
	mechanism = db_bytes(stmt, 1);
	credential->iterations = (uint32_t)db_int(stmt, 2);
	credential->changed = (uint64_t)db_int(stmt, 6);
	if (uri.length > sizeof(credential_r->uri) ||
	    mechanism.length >= sizeof(credential->mechanism) ||
	    !read_key(stmt, 3, credential->salt, CONTENT_SALT_MAX, &credential->salt_length) ||
	    !read_key(stmt, 4, credential->stored_key, CONTENT_KEY_MAX,
		      &credential->stored_length) ||
	    !read_key(stmt, 5, credential->server_key, CONTENT_KEY_MAX,
		      &credential->server_length)) {
		err_set(err, "could not understand a row of pc_credential: it is too long");
		return DB_FATAL;
	}
	credential_r->uri_length = uri.length;
	memcpy(credential_r->uri, uri.data, uri.length);
	memcpy(credential->mechanism, mechanism.data, mechanism.length);
	return DB_OK;
}
