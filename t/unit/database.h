#ifndef PCHAT_UNIT_DATABASE_H
#define PCHAT_UNIT_DATABASE_H

#include <stdbool.h>

#include "odbc/db.h"

/*
 * An empty database for one test: a file of SQLite in a scratch directory, or, where PCHAT_TEST_DSN
 * has a connection string, the database that it names, emptied first. So a test of odbc/ runs
 * against any database; t/14-postgresql.t runs all of them on PostgreSQL.
 */
struct database {
	char directory[64]; /* of the test */
	char dsn[512];
	struct conf_list list;
};

/* A lock of SQLite's is waited for 50 ms. False: told by print_message. */
bool database_make(struct database *database);
void database_remove(struct database *database);

/*
 * For fixtures: makes it, connects, and makes the tables (schema is content_open, record_open or
 * NULL for none). NULL: told by print_message. database_close ends both.
 */
struct db *database_open(struct database *database,
			 enum db_result (*schema)(struct db *db, struct err *err), struct err *err);
void database_close(struct database *database, struct db **db);

/* The rows of the answer, ',' between them, and '|' between the columns, by a connection of its
 * own. */
bool database_ask(const struct database *database, const char *sql, char *answer, size_t size);

/* Whether it is SQLite: for tests of what only SQLite does. */
bool database_is_sqlite(void);

#endif
