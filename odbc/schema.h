#ifndef PCHAT_ODBC_SCHEMA_H
#define PCHAT_ODBC_SCHEMA_H

#include "odbc/db.h"

/*
 * A schema: the steps that lead to it, number 1 first. Each is a list of statements, ended by NULL,
 * that run in one transaction; words in braces are expanded for the dialect (dialect_expand). The
 * statements ask for and note the version in a table of the schema's own.
 */
struct schema {
	enum statement exists, version, put;
	const char *const *const *steps;
	unsigned step_count;
};

/* The version of a connected database's schema: 0 where there is none. */
enum db_result schema_version(struct db *db, const struct schema *schema, unsigned *version_r,
			      struct err *err);

/*
 * Applies the steps that the database has not had, each in a transaction of its own that also
 * notes its number, under the dialect's lock: an upgrade that was interrupted goes on where it was,
 * and of two programs that upgrade at the same time the second finds nothing to do. DB_FATAL where
 * the database is newer than this program.
 */
enum db_result schema_upgrade(struct db *db, const struct schema *schema, struct err *err);

/* The same, but no further than to a version; for tests of the upgrade from there. */
enum db_result schema_upgrade_to(struct db *db, const struct schema *schema, unsigned version,
				 struct err *err);

/* DB_OK where the database has exactly this program's version, DB_RETRY where it is older (whoever
 * upgrades it has not come to it yet), DB_FATAL where it is newer. */
enum db_result schema_check(struct db *db, const struct schema *schema, struct err *err);

#endif
