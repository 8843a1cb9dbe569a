#include "t/unit/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sql.h>
#include <sqlext.h>

#include "odbc/dialect.h"

/* psqlodbc loses the description of a failure when its connection breaks; LeakSanitizer asks for
 * this where it is linked in. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:psqlodbcw.so\n";
}

bool database_is_sqlite(void)
{
	return getenv("PCHAT_TEST_DSN") == NULL;
}

static const char *const empty_postgresql[] = {
	"SET client_min_messages = 'warning'",
	"DROP SCHEMA public CASCADE",
	"CREATE SCHEMA public",
	/* What SQLite has and the tests use. */
	"CREATE FUNCTION add_to_group (TEXT, ANYELEMENT) RETURNS TEXT LANGUAGE sql AS"
	" $$ SELECT COALESCE($1 || ',', '') || CAST($2 AS TEXT) $$",
	"CREATE AGGREGATE group_concat (ANYELEMENT) (SFUNC = add_to_group, STYPE = TEXT)",
	NULL,
};

static const char *const empty_mssql[] = {
	"DECLARE @sql NVARCHAR(MAX); SELECT @sql = STRING_AGG(N'DROP TABLE ' + name, N'; ')"
	" FROM sys.tables WHERE name LIKE 'pc%' OR name = 'seen'; EXEC (@sql)",
	NULL,
};

static const char *const *emptying(const struct dialect *dialect)
{
	return dialect == &dialect_postgresql ? empty_postgresql : empty_mssql;
}

static bool empty(struct database *database)
{
	struct err err;
	struct db *db = db_new(&database->list, &err);
	enum db_result result = db ? db_connect(db, &err) : DB_FATAL;

	if (result == DB_OK)
		for (const char *const *sql = emptying(db_dialect(db)); *sql && result == DB_OK;
		     sql++)
			result = db_run(db, *sql, &err);
	if (result != DB_OK)
		print_message("%s\n", err.text);
	db_free(&db);
	return result == DB_OK;
}

bool database_make(struct database *database)
{
	const char *given = getenv("PCHAT_TEST_DSN");

	strcpy(database->directory, "/tmp/pchat-database-XXXXXX");
	if (!mkdtemp(database->directory))
		return false;
	database->list.count = 1;
	database->list.item[0] = database->dsn;
	if (given) {
		snprintf(database->dsn, sizeof(database->dsn), "%s", given);
		return empty(database);
	}
	snprintf(database->dsn, sizeof(database->dsn),
		 "Driver=SQLite3;Database=%s/content.db;Timeout=50", database->directory);
	return true;
}

void database_remove(struct database *database)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -r '%s'", database->directory);
	if (system(command) != 0)
		print_message("could not remove %s\n", database->directory);
}

struct db *database_open(struct database *database,
			 enum db_result (*schema)(struct db *db, struct err *err), struct err *err)
{
	struct db *db = database_make(database) ? db_new(&database->list, err) : NULL;

	if (db && db_connect(db, err) == DB_OK && (!schema || schema(db, err) == DB_OK))
		return db;
	print_message("%s\n", err->text);
	db_free(&db);
	return NULL;
}

void database_close(struct database *database, struct db **db)
{
	db_free(db);
	database_remove(database);
}

static void read_columns(SQLHSTMT stmt, char *answer, size_t size, bool further)
{
	SQLSMALLINT columns = 0;
	size_t used = 0;

	SQLNumResultCols(stmt, &columns);
	for (SQLUSMALLINT i = 1; i <= columns && used + 1 < size; i++) {
		SQLLEN length = 0;

		if (i > 1 || further)
			answer[used++] = i > 1 ? '|' : ',';
		answer[used] = '\0';
		SQLGetData(stmt, i, SQL_C_CHAR, answer + used, (SQLLEN)(size - used), &length);
		used += strlen(answer + used);
	}
}

bool database_ask(const struct database *database, const char *sql, char *answer, size_t size)
{
	SQLHANDLE env = NULL, dbc = NULL, stmt = NULL;
	bool done;

	*answer = '\0';
	SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &env);
	SQLSetEnvAttr(env, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0);
	SQLAllocHandle(SQL_HANDLE_DBC, env, &dbc);
	done = SQL_SUCCEEDED(SQLDriverConnect(dbc, NULL, (SQLCHAR *)database->dsn, SQL_NTS, NULL, 0,
					      NULL, SQL_DRIVER_NOPROMPT)) &&
	       SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, dbc, &stmt)) &&
	       SQL_SUCCEEDED(SQLExecDirect(stmt, (SQLCHAR *)sql, SQL_NTS));
	while (done && SQL_SUCCEEDED(SQLFetch(stmt))) {
		const size_t used = strlen(answer);

		if (used + 1 < size)
			read_columns(stmt, answer + used, size - used, used > 0);
	}
	if (stmt)
		SQLFreeHandle(SQL_HANDLE_STMT, stmt);
	SQLDisconnect(dbc);
	SQLFreeHandle(SQL_HANDLE_DBC, dbc);
	SQLFreeHandle(SQL_HANDLE_ENV, env);
	return done;
}
