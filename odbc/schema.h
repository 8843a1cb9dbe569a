#ifndef PCHAT_ODBC_SCHEMA_H
#define PCHAT_ODBC_SCHEMA_H

#include "odbc/db.h"

/* The version of a connected database's schema: 0 where there is none. */
enum db_result schema_version(struct db *db, unsigned *version_r, struct err *err);

/*
 * Applies the steps that the database has not had, each in a transaction of its own that also
 * notes its number, under the dialect's lock: an upgrade that was interrupted goes on where it was,
 * and of two programs that upgrade at the same time the second finds nothing to do. DB_FATAL where
 * the database is newer than this program.
 */
enum db_result schema_upgrade(struct db *db, struct err *err);

/* DB_OK where the database has exactly this program's version, DB_RETRY where it is older (whoever
 * upgrades it has not come to it yet), DB_FATAL where it is newer. */
enum db_result schema_check(struct db *db, struct err *err);

#endif
