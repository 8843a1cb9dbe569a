#include "odbc/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "conf/bug.h"
#include "conf/clock.h"
#include "odbc/db_handle.h"

enum {
	LOGIN_TIMEOUT = 4,     /* s; drivers that know it */
	DSN_MAX = 1024,	       /* bytes of a connection string */
	PATIENCE_US = 3000000, /* when that long has passed no further database is tried */
};

const char *db_result_name(enum db_result result)
{
	static const char *const names[] = {
		[DB_OK] = "ok",
		[DB_END] = "end",
		[DB_RETRY] = "retry",
		[DB_UNCERTAIN] = "uncertain",
		[DB_BAD_DATA] = "bad data",
		[DB_FATAL] = "fatal",
	};
	return names[result];
}

struct db *db_new(const struct conf_list *dsn, struct err *err)
{
	struct db *db = calloc(1, sizeof(*db));

	if (!db) {
		err_errno(err, "could not make a database connection");
		return NULL;
	}
	db->dsn = dsn;
	if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &db->env)) ||
	    !SQL_SUCCEEDED(
		    SQLSetEnvAttr(db->env, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0)) ||
	    !SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_DBC, db->env, &db->dbc))) {
		err_set(err, "could not start the ODBC driver manager");
		db_free(&db);
	}
	return db;
}

void db_free(struct db **dbp)
{
	struct db *db = *dbp;

	*dbp = NULL;
	if (!db)
		return;
	db_disconnect(db);
	if (db->dbc)
		SQLFreeHandle(SQL_HANDLE_DBC, db->dbc);
	if (db->env)
		SQLFreeHandle(SQL_HANDLE_ENV, db->env);
	db_free_statements(db);
	free(db);
}

void db_keep(struct db *db, int64_t number)
{
	db->kept = number;
}

int64_t db_kept(const struct db *db)
{
	return db->kept;
}

bool db_connected(const struct db *db)
{
	return db->connected;
}

const struct dialect *db_dialect(const struct db *db)
{
	return db->dialect;
}

const char *db_warning(const struct db *db)
{
	return dialect_warning(db->dialect, db->dsn->item[db->place]);
}

unsigned db_place(const struct db *db)
{
	return db->place;
}

int db_native(const struct db *db)
{
	return db->native;
}

/* The first diagnosis of a handle goes to err, behind what was attempted, and is sorted. */
static enum db_result diagnose(struct db *db, SQLSMALLINT type, SQLHANDLE handle, const char *what,
			       struct err *err)
{
	SQLCHAR state[6] = "", text[384] = "";
	SQLINTEGER native = 0;
	SQLSMALLINT length;
	enum db_result result;
	bool next;

	if (!SQL_SUCCEEDED(
		    SQLGetDiagRec(type, handle, 1, state, &native, text, sizeof(text), &length)))
		state[0] = '\0';
	db->native = native;
	result = dialect_sort(db->dialect, (const char *)state, native, &next);
	if (!db->connected && dialect_refuses(db->dialect, (const char *)text)) {
		result = DB_FATAL;
		next = true;
	}
	if (next)
		db->skip = true;
	err_set(err, "could not %s: %s (%s/%d)", what,
		*text ? (const char *)text : "the driver does not say why",
		*state ? (const char *)state : "-", (int)native);
	return result;
}

/* A failure on a connection in use: all but bad data closes it. */
enum db_result db_fail(struct db *db, SQLSMALLINT type, SQLHANDLE handle, const char *what,
		       struct err *err)
{
	const enum db_result result = diagnose(db, type, handle, what, err);

	db->spoilt = true;
	if (result != DB_BAD_DATA)
		db_disconnect(db);
	return result;
}

enum db_result db_not_connected(struct err *err)
{
	err_set(err, "could not use the database: it is not connected");
	return DB_RETRY;
}

/* --- A database that is a file. --- */

static void note_file(struct db *db)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_FILE);
	struct err err;
	struct stat st;
	const char *name;

	if (db_execute_row(stmt, &err) != DB_OK)
		return;
	name = db_bytes(stmt, 0).data;
	if (*name && stat(name, &st) == 0) {
		db->file = strdup(name);
		db->device = st.st_dev;
		db->inode = st.st_ino;
	}
	db_done(stmt);
}

void db_turn(struct db *db)
{
	db->turns = true;
	db->looked = false;
}

/* Whoever goes on writing to a file that has no name any more loses all of it in the end. */
enum db_result db_check_file(struct db *db, struct err *err)
{
	struct stat st;

	if (!db->file ||
	    (stat(db->file, &st) == 0 && st.st_dev == db->device && st.st_ino == db->inode))
		return DB_OK;
	err_set(err, "the file %s was removed or replaced while it was in use", db->file);
	db_disconnect(db);
	return DB_RETRY;
}

/* --- Connecting. --- */

void db_disconnect(struct db *db)
{
	db_drop_statements(db);
	if (!db->connected)
		return;
	if (db->in_transaction)
		SQLEndTran(SQL_HANDLE_DBC, db->dbc, SQL_ROLLBACK);
	db->in_transaction = false;
	db->connected = false;
	db->kept = 0;
	free(db->file);
	db->file = NULL;
	if (SQL_SUCCEEDED(SQLDisconnect(db->dbc)))
		return;
	/* 25000: the driver believes that a transaction is under way. */
	SQLEndTran(SQL_HANDLE_DBC, db->dbc, SQL_ROLLBACK);
	SQLDisconnect(db->dbc);
}

/* The connection string with the options that its dialect needs, where it does not say them. */
static int complete_dsn(const char *dsn, const struct dialect *dialect, char out[DSN_MAX],
			struct err *err)
{
	const struct dialect_option *option = dialect ? dialect->options : NULL;
	size_t used = (size_t)snprintf(out, DSN_MAX, "%s", dsn);

	for (; option && option->name && used < DSN_MAX; option++) {
		if (strcasestr(dsn, option->name))
			continue;
		used += (size_t)snprintf(out + used, DSN_MAX - used, "%s%s=%s",
					 used > 0 && out[used - 1] != ';' ? ";" : "", option->name,
					 option->value);
	}
	if (used >= DSN_MAX)
		return err_set(err, "could not use a connection string of more than %d bytes",
			       DSN_MAX - 1);
	return 0;
}

static enum db_result open_connection(struct db *db, const char *dsn, struct err *err)
{
	SQLRETURN ret;

	if (db->dialect && db->dialect->settle)
		db->dialect->settle();
	SQLSetConnectAttr(db->dbc, SQL_ATTR_LOGIN_TIMEOUT, (SQLPOINTER)(SQLULEN)LOGIN_TIMEOUT, 0);
	ret = SQLDriverConnect(db->dbc, NULL, (SQLCHAR *)dsn, SQL_NTS, NULL, 0, NULL,
			       SQL_DRIVER_NOPROMPT);
	if (!SQL_SUCCEEDED(ret))
		return diagnose(db, SQL_HANDLE_DBC, db->dbc, "connect to the database", err);
	db->connected = true;
	return DB_OK;
}

static enum db_result find_dialect(struct db *db, struct err *err)
{
	SQLCHAR name[64] = "";

	if (!SQL_SUCCEEDED(SQLGetInfo(db->dbc, SQL_DBMS_NAME, name, sizeof(name), NULL)))
		return db_fail(db, SQL_HANDLE_DBC, db->dbc, "ask for the kind of the database",
			       err);
	db->dialect = dialect_of_dbms((const char *)name);
	if (db->dialect)
		return DB_OK;
	db_disconnect(db);
	err_set(err, "could not use the database: %s is of a kind that is not supported", name);
	return DB_FATAL;
}

static enum db_result start_session(struct db *db, struct err *err)
{
	enum db_result result = DB_OK;

	for (const char *const *sql = db->dialect->session; *sql && result == DB_OK; sql++)
		result = db_run(db, *sql, err);
	if (result != DB_OK)
		db_disconnect(db);
	else if (db->dialect->is_file)
		note_file(db);
	return result;
}

/* The kind of a data source is known for sure only behind the connection, but what the connection
 * must be told depends on it: where the guess was wrong, it is made twice. */
static enum db_result connect_to(struct db *db, const char *dsn, struct err *err)
{
	const struct dialect *guess = dialect_of_dsn(dsn);
	char text[DSN_MAX];
	enum db_result result;

	for (;;) {
		db->dialect = guess;
		if (complete_dsn(dsn, guess, text, err) == -1)
			return DB_FATAL;
		result = open_connection(db, text, err);
		if (result == DB_OK)
			result = find_dialect(db, err);
		if (result != DB_OK)
			return result;
		if (db->dialect == guess)
			return start_session(db, err);
		guess = db->dialect;
		db_disconnect(db);
	}
}

void db_skip(struct db *db)
{
	db->skip = true;
}

enum db_result db_connect(struct db *db, struct err *err)
{
	const uint64_t began = clock_mono();
	const unsigned first = db->skip ? db->place + 1 : 0;
	enum db_result result = DB_FATAL;
	char all[CONF_ITEMS_MAX * sizeof(err->text)] = "";

	db_disconnect(db);
	db->skip = false;
	err_set(err, "could not connect: no database is configured");
	for (unsigned i = 0; i < db->dsn->count; i++) {
		const size_t used = strlen(all);

		db->place = (first + i) % db->dsn->count;
		result = connect_to(db, db->dsn->item[db->place], err);
		if (result == DB_OK)
			return DB_OK;
		snprintf(all + used, sizeof(all) - used, "%sdatabase %u: %s", used ? "; " : "",
			 db->place + 1, err->text);
		db->skip = i + 1 < db->dsn->count && clock_mono() - began > PATIENCE_US;
		if (db->skip)
			break;
	}
	if (db->dsn->count > 1)
		err_set(err, "%.*s", (int)sizeof(err->text) - 1, all);
	return result;
}

/* --- Transactions. They are statements, not SQLEndTran: with autocommit off a driver begins the
 * next one by itself, and an idle connection would hold it open. --- */

static SQLRETURN run_all(struct db *db, SQLHSTMT handle, const char *sql)
{
	SQLRETURN ret = SQLExecDirect(handle, (SQLCHAR *)sql, SQL_NTS);

	while (db->dialect->more_results && (SQL_SUCCEEDED(ret) || ret == SQL_NO_DATA)) {
		ret = SQLMoreResults(handle);
		if (ret == SQL_NO_DATA)
			return SQL_SUCCESS;
	}
	return ret;
}

enum db_result db_run(struct db *db, const char *sql, struct err *err)
{
	enum db_result result = DB_OK;
	SQLHSTMT handle;
	SQLRETURN ret;
	char what[64];

	if (!db->connected)
		return db_not_connected(err);
	db_end_result(db);
	if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, db->dbc, &handle)))
		return db_fail(db, SQL_HANDLE_DBC, db->dbc, "make a statement", err);
	ret = run_all(db, handle, sql);
	if (!SQL_SUCCEEDED(ret) && ret != SQL_NO_DATA) {
		snprintf(what, sizeof(what), "run %.40s", sql);
		result = diagnose(db, SQL_HANDLE_STMT, handle, what, err);
		db->spoilt = true;
	}
	SQLFreeHandle(SQL_HANDLE_STMT, handle);
	if (result != DB_OK && result != DB_BAD_DATA)
		db_disconnect(db);
	return result;
}

enum db_result db_begin(struct db *db, struct err *err)
{
	enum db_result result;

	bug_on(db->in_transaction);
	if (!db->connected)
		return db_not_connected(err);
	if (db_check_file(db, err) != DB_OK)
		return DB_RETRY;
	result = db_run(db, db->dialect->begin, err);
	db->in_transaction = result == DB_OK;
	db->spoilt = false;
	return result;
}

enum db_result db_begin_read(struct db *db, struct err *err)
{
	enum db_result result = DB_OK;

	bug_on(db->in_transaction);
	if (!db->connected)
		return db_not_connected(err);
	for (const char *const *sql = db->dialect->begin_read; *sql && result == DB_OK; sql++)
		result = db_run(db, *sql, err);
	db->in_transaction = result == DB_OK;
	db->spoilt = false;
	return result;
}

enum db_result db_commit(struct db *db, struct err *err)
{
	enum db_result result;

	if (!db->connected)
		return db_not_connected(err);
	bug_on(!db->in_transaction);
	if (db->spoilt) {
		/* PostgreSQL would roll back and call it a success. */
		db_rollback(db);
		err_set(err, "could not commit: a statement of the transaction has failed");
		return DB_RETRY;
	}
	if (db_check_file(db, err) != DB_OK)
		return DB_RETRY;
	result = db_run(db, db->dialect->commit, err);
	if (result == DB_OK) {
		db->in_transaction = false;
		return DB_OK;
	}
	/* Even a failure that says "busy" or "full" may come after the commit took effect. */
	db_disconnect(db);
	return DB_UNCERTAIN;
}

void db_rollback(struct db *db)
{
	struct err err;

	if (!db->connected || !db->in_transaction)
		return;
	if (db_run(db, db->dialect->rollback, &err) != DB_OK)
		db_disconnect(db);
	db->in_transaction = false;
}
