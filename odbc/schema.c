#include "odbc/schema.h"

#include <stdlib.h>

#include "conf/clock.h"
#include "odbc/dialect.h"

static enum db_result read_int(struct db *db, enum statement number, int64_t *value_r,
			       struct err *err)
{
	struct db_stmt *stmt = db_statement(db, number);
	enum db_result result = db_execute_row(stmt, err);

	if (result == DB_OK)
		*value_r = db_int(stmt, 0);
	db_done(stmt);
	if (result == DB_END) {
		err_set(err, "could not read the schema's version: no answer");
		return DB_FATAL;
	}
	return result;
}

enum db_result schema_version(struct db *db, const struct schema *schema, unsigned *version_r,
			      struct err *err)
{
	int64_t value = 0;
	enum db_result result = read_int(db, schema->exists, &value, err);

	*version_r = 0;
	if (result != DB_OK || value == 0)
		return result;
	result = read_int(db, schema->version, &value, err);
	if (result == DB_OK && (value < 0 || value > INT32_MAX)) {
		err_set(err, "could not understand the schema's version %lld", (long long)value);
		return DB_FATAL;
	}
	*version_r = (unsigned)value;
	return result;
}

static enum db_result refuse_newer(const struct schema *schema, unsigned version, struct err *err)
{
	err_set(err, "could not use the database: its schema has version %u, this program knows %u",
		version, schema->step_count);
	return DB_FATAL;
}

enum db_result schema_check(struct db *db, const struct schema *schema, struct err *err)
{
	unsigned version;
	const enum db_result result = schema_version(db, schema, &version, err);

	if (result != DB_OK)
		return result;
	if (version > schema->step_count)
		return refuse_newer(schema, version, err);
	if (version == schema->step_count)
		return DB_OK;
	err_set(err, "could not use the database yet: its schema has version %u of %u", version,
		schema->step_count);
	return DB_RETRY;
}

static enum db_result note_step(struct db *db, const struct schema *schema, unsigned version,
				struct err *err)
{
	struct db_stmt *stmt = db_statement(db, schema->put);

	db_bind_int(stmt, 0, version);
	db_bind_int(stmt, 1, (int64_t)clock_utc());
	return db_execute(stmt, err);
}

static enum db_result run_expanded(struct db *db, const char *text, struct err *err)
{
	char *sql = dialect_expand(db_dialect(db), text, err);
	enum db_result result = DB_OK;

	if (!sql)
		return DB_FATAL;
	if (*sql)
		result = db_run(db, sql, err);
	free(sql);
	return result;
}

/* In a transaction: looks again, now that nobody else can change it, and applies one step. */
static enum db_result apply_next(struct db *db, const struct schema *schema, unsigned last,
				 unsigned *version_r, struct err *err)
{
	const struct dialect *dialect = db_dialect(db);
	enum db_result result = DB_OK;

	if (dialect->schema_lock)
		result = db_run(db, dialect->schema_lock, err);
	if (result == DB_OK)
		result = schema_version(db, schema, version_r, err);
	if (result != DB_OK || *version_r >= last)
		return result;
	for (const char *const *text = schema->steps[*version_r]; *text && result == DB_OK; text++)
		result = run_expanded(db, *text, err);
	if (result == DB_OK)
		result = note_step(db, schema, ++*version_r, err);
	return result;
}

enum db_result schema_upgrade_to(struct db *db, const struct schema *schema, unsigned last,
				 struct err *err)
{
	unsigned version;
	enum db_result result = schema_version(db, schema, &version, err);

	while (result == DB_OK && version < last) {
		result = db_begin(db, err);
		if (result == DB_OK)
			result = apply_next(db, schema, last, &version, err);
		if (result == DB_OK)
			result = db_commit(db, err);
		else
			db_rollback(db);
	}
	if (result == DB_OK && version > schema->step_count)
		return refuse_newer(schema, version, err);
	/* After an uncertain commit the next attempt reads what the database holds. */
	if (result == DB_UNCERTAIN)
		return DB_RETRY;
	return result == DB_BAD_DATA ? DB_FATAL : result;
}

enum db_result schema_upgrade(struct db *db, const struct schema *schema, struct err *err)
{
	return schema_upgrade_to(db, schema, schema->step_count, err);
}
