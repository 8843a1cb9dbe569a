#include "odbc/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sql.h>
#include <sqlext.h>
#include <unistr.h>

#include "conf/bug.h"
#include "odbc/dialect.h"

enum {
	LOGIN_TIMEOUT = 5,     /* s; drivers that know it */
	DSN_MAX = 1024,	       /* bytes of a connection string */
	TEXT_SIZE = 1 << 30,   /* ColumnSize of text and binary: no limit of ours */
	COLUMN_FIRST = 256,    /* bytes that a column's buffer begins with */
	COLUMN_MAX = 64 << 20, /* larger values are not ours */
};

struct parameter {
	char kind; /* i, t, b; 0: not bound */
	int64_t integer;
	const void *data; /* borrowed */
	SQLLEN length;
};

struct column {
	int64_t integer;
	char *data; /* owned */
	size_t size;
	SQLLEN length; /* SQL_NULL_DATA for NULL */
};

struct db_stmt {
	struct db *db; /* borrowed, contains us */
	enum statement number;
	SQLHSTMT handle; /* SQL_NULL_HSTMT until it is prepared */
	bool open;	 /* has a result */
	struct parameter parameter[STATEMENT_PARAMETERS_MAX];
	struct column column[STATEMENT_COLUMNS_MAX];
};

struct db {
	const struct conf_list *dsn; /* borrowed */
	unsigned place;		     /* of the connection string in use */
	bool skip;		     /* that database takes no writes: begin with the next one */
	SQLHENV env;
	SQLHDBC dbc;
	bool connected, in_transaction;
	bool spoilt; /* a statement of the transaction has failed */
	const struct dialect *dialect; /* of the connection */
	int native;		       /* of the last failure */
	struct db_stmt stmt[STATEMENTS];
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
	for (unsigned i = 0; i < STATEMENTS; i++) {
		db->stmt[i].db = db;
		db->stmt[i].number = (enum statement)i;
	}
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
	for (unsigned i = 0; i < STATEMENTS; i++)
		for (unsigned c = 0; c < STATEMENT_COLUMNS_MAX; c++)
			free(db->stmt[i].column[c].data);
	free(db);
}

bool db_connected(const struct db *db)
{
	return db->connected;
}

const struct dialect *db_dialect(const struct db *db)
{
	return db->dialect;
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
	if (next)
		db->skip = true;
	err_set(err, "could not %s: %s (%s/%d)", what,
		*text ? (const char *)text : "the driver does not say why",
		*state ? (const char *)state : "-", (int)native);
	return result;
}

/* A failure on a connection in use: all but bad data closes it. */
static enum db_result fail(struct db *db, SQLSMALLINT type, SQLHANDLE handle, const char *what,
			   struct err *err)
{
	const enum db_result result = diagnose(db, type, handle, what, err);

	db->spoilt = true;
	if (result != DB_BAD_DATA)
		db_disconnect(db);
	return result;
}

static enum db_result not_connected(struct err *err)
{
	err_set(err, "could not use the database: it is not connected");
	return DB_RETRY;
}

/* --- Connecting. --- */

static void drop_statements(struct db *db)
{
	for (unsigned i = 0; i < STATEMENTS; i++) {
		if (db->stmt[i].handle)
			SQLFreeHandle(SQL_HANDLE_STMT, db->stmt[i].handle);
		db->stmt[i].handle = SQL_NULL_HSTMT;
		db->stmt[i].open = false;
	}
}

void db_disconnect(struct db *db)
{
	drop_statements(db);
	if (!db->connected)
		return;
	if (db->in_transaction)
		SQLEndTran(SQL_HANDLE_DBC, db->dbc, SQL_ROLLBACK);
	db->in_transaction = false;
	db->connected = false;
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
		return fail(db, SQL_HANDLE_DBC, db->dbc, "ask for the kind of the database", err);
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

enum db_result db_connect(struct db *db, struct err *err)
{
	const unsigned first = db->skip ? db->place + 1 : 0;
	enum db_result result = DB_FATAL;
	char all[CONF_LIST_MAX * sizeof(err->text)] = "";

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
	}
	if (db->dsn->count > 1)
		err_set(err, "%.*s", (int)sizeof(err->text) - 1, all);
	return result;
}

/* --- Transactions. They are statements, not SQLEndTran: with autocommit off a driver begins the
 * next one by itself, and an idle connection would hold it open. --- */

enum db_result db_run(struct db *db, const char *sql, struct err *err)
{
	enum db_result result = DB_OK;
	SQLHSTMT handle;
	SQLRETURN ret;
	char what[64];

	if (!db->connected)
		return not_connected(err);
	if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, db->dbc, &handle)))
		return fail(db, SQL_HANDLE_DBC, db->dbc, "make a statement", err);
	ret = SQLExecDirect(handle, (SQLCHAR *)sql, SQL_NTS);
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
		return not_connected(err);
	result = db_run(db, db->dialect->begin, err);
	db->in_transaction = result == DB_OK;
	db->spoilt = false;
	return result;
}

enum db_result db_commit(struct db *db, struct err *err)
{
	enum db_result result;

	if (!db->connected)
		return not_connected(err);
	bug_on(!db->in_transaction);
	if (db->spoilt) {
		/* PostgreSQL would roll back and call it a success. */
		db_rollback(db);
		err_set(err, "could not commit: a statement of the transaction has failed");
		return DB_RETRY;
	}
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

/* --- Statements. --- */

struct db_stmt *db_statement(struct db *db, enum statement number)
{
	struct db_stmt *stmt = &db->stmt[number];

	db_done(stmt);
	memset(stmt->parameter, 0, sizeof(stmt->parameter));
	return stmt;
}

struct db_stmt *db_open_statement(struct db *db, enum statement number)
{
	return &db->stmt[number];
}

void db_done(struct db_stmt *stmt)
{
	if (stmt->open)
		SQLFreeStmt(stmt->handle, SQL_CLOSE);
	stmt->open = false;
}

static struct parameter *parameter(struct db_stmt *stmt, unsigned place, char kind)
{
	const char *const kinds = dialect_parameters(stmt->number);

	bug_on(place >= strlen(kinds) || kinds[place] != kind);
	stmt->parameter[place].kind = kind;
	return &stmt->parameter[place];
}

void db_bind_int(struct db_stmt *stmt, unsigned place, int64_t value)
{
	struct parameter *p = parameter(stmt, place, 'i');

	p->integer = value;
	p->length = sizeof(p->integer);
}

void db_bind_text(struct db_stmt *stmt, unsigned place, const char *data, size_t length)
{
	struct parameter *p = parameter(stmt, place, 't');

	p->data = length > 0 ? data : "";
	p->length = (SQLLEN)length;
}

void db_bind_binary(struct db_stmt *stmt, unsigned place, const void *data, size_t length)
{
	struct parameter *p = parameter(stmt, place, 'b');

	p->data = length > 0 ? data : "";
	p->length = (SQLLEN)length;
}

static enum db_result check_text(const struct parameter *p, unsigned place, struct err *err)
{
	const uint8_t *bad = u8_check(p->data, (size_t)p->length);

	if (bad) {
		err_set(err, "could not store text %u: it is not UTF-8 at byte %zu", place + 1,
			(size_t)(bad - (const uint8_t *)p->data));
		return DB_BAD_DATA;
	}
	if (memchr(p->data, '\0', (size_t)p->length)) {
		err_set(err, "could not store text %u: it has a NUL in it", place + 1);
		return DB_BAD_DATA;
	}
	return DB_OK;
}

static SQLRETURN bind(struct db_stmt *stmt, unsigned place)
{
	const struct dialect *dialect = stmt->db->dialect;
	struct parameter *p = &stmt->parameter[place];
	const SQLUSMALLINT number = (SQLUSMALLINT)(place + 1);

	bug_on(p->kind == 0);
	if (p->kind == 'i')
		return SQLBindParameter(stmt->handle, number, SQL_PARAM_INPUT, SQL_C_SBIGINT,
					SQL_BIGINT, 19, 0, &p->integer, 0, &p->length);
	return SQLBindParameter(stmt->handle, number, SQL_PARAM_INPUT,
				p->kind == 't' ? SQL_C_CHAR : SQL_C_BINARY,
				p->kind == 't' ? dialect->text_type : dialect->binary_type,
				TEXT_SIZE, 0, (SQLPOINTER)p->data, p->length, &p->length);
}

static enum db_result prepare(struct db_stmt *stmt, struct err *err)
{
	struct db *db = stmt->db;
	const char *const sql = dialect_statement(db->dialect, stmt->number);

	if (stmt->handle)
		return DB_OK;
	if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, db->dbc, &stmt->handle))) {
		stmt->handle = SQL_NULL_HSTMT;
		return fail(db, SQL_HANDLE_DBC, db->dbc, "make a statement", err);
	}
	if (!SQL_SUCCEEDED(SQLPrepare(stmt->handle, (SQLCHAR *)sql, SQL_NTS)))
		return fail(db, SQL_HANDLE_STMT, stmt->handle, "prepare a statement", err);
	return DB_OK;
}

static enum db_result prepare_and_bind(struct db_stmt *stmt, struct err *err)
{
	const unsigned count = (unsigned)strlen(dialect_parameters(stmt->number));
	enum db_result result = DB_OK;

	for (unsigned i = 0; i < count && result == DB_OK; i++)
		if (stmt->parameter[i].kind == 't')
			result = check_text(&stmt->parameter[i], i, err);
	if (result == DB_OK)
		result = prepare(stmt, err);
	for (unsigned i = 0; i < count && result == DB_OK; i++)
		if (!SQL_SUCCEEDED(bind(stmt, i)))
			result = fail(stmt->db, SQL_HANDLE_STMT, stmt->handle, "bind a value", err);
	return result;
}

enum db_result db_execute(struct db_stmt *stmt, struct err *err)
{
	enum db_result result;
	SQLRETURN ret;

	if (!stmt->db->connected)
		return not_connected(err);
	result = prepare_and_bind(stmt, err);
	if (result != DB_OK)
		return result;
	ret = SQLExecute(stmt->handle);
	if (!SQL_SUCCEEDED(ret) && ret != SQL_NO_DATA) {
		result = fail(stmt->db, SQL_HANDLE_STMT, stmt->handle, "run a statement", err);
		if (stmt->handle)
			SQLFreeStmt(stmt->handle, SQL_CLOSE);
		return result;
	}
	/* Without a result there is no cursor to be closed, and closing costs a new prepare on
	 * SQLite. */
	stmt->open = *dialect_columns(stmt->number) != '\0';
	return DB_OK;
}

/* --- Rows. --- */

static bool grow(struct column *column, size_t size)
{
	char *data;

	if (size <= column->size)
		return true;
	if (size > COLUMN_MAX)
		return false;
	data = realloc(column->data, size);
	if (!data)
		return false;
	column->data = data;
	column->size = size;
	return true;
}

/*
 * Reads text or binary piece by piece into the column's buffer. A piece of text ends with a NUL
 * that the next one overwrites; a driver may say how much is left or SQL_NO_TOTAL.
 */
static SQLRETURN get_bytes(struct db_stmt *stmt, unsigned place, char kind)
{
	struct column *column = &stmt->column[place];
	const SQLSMALLINT type = kind == 't' ? SQL_C_CHAR : SQL_C_BINARY;
	const size_t end = kind == 't';
	size_t used = 0, want = COLUMN_FIRST;

	for (;;) {
		SQLLEN left = 0;
		SQLRETURN ret;

		if (!grow(column, want))
			return SQL_ERROR;
		ret = SQLGetData(stmt->handle, (SQLUSMALLINT)(place + 1), type, column->data + used,
				 (SQLLEN)(column->size - used), &left);
		if (ret == SQL_NO_DATA && used > 0)
			left = 0, ret = SQL_SUCCESS;
		if (!SQL_SUCCEEDED(ret) || left == SQL_NULL_DATA) {
			column->length = SQL_NULL_DATA;
			return ret;
		}
		if (left != SQL_NO_TOTAL && (size_t)left + end <= column->size - used) {
			column->length = (SQLLEN)(used + (size_t)left);
			return ret;
		}
		want = left == SQL_NO_TOTAL ? 2 * column->size : used + (size_t)left + end;
		used = kind == 't' ? used + strlen(column->data + used) : column->size;
	}
}

static SQLRETURN get_column(struct db_stmt *stmt, unsigned place, char kind)
{
	struct column *column = &stmt->column[place];

	if (kind != 'i')
		return get_bytes(stmt, place, kind);
	column->integer = 0;
	return SQLGetData(stmt->handle, (SQLUSMALLINT)(place + 1), SQL_C_SBIGINT, &column->integer,
			  sizeof(column->integer), &column->length);
}

enum db_result db_fetch(struct db_stmt *stmt, struct err *err)
{
	const char *const kinds = dialect_columns(stmt->number);
	enum db_result result;
	SQLRETURN ret;

	if (!stmt->open)
		return stmt->db->connected ? DB_END : not_connected(err);
	ret = SQLFetch(stmt->handle);
	if (ret == SQL_NO_DATA) {
		db_done(stmt);
		return DB_END;
	}
	for (unsigned i = 0; kinds[i] && SQL_SUCCEEDED(ret); i++)
		ret = get_column(stmt, i, kinds[i]);
	if (SQL_SUCCEEDED(ret))
		return DB_OK;
	result = fail(stmt->db, SQL_HANDLE_STMT, stmt->handle, "read a row", err);
	db_done(stmt);
	return result;
}

enum db_result db_execute_row(struct db_stmt *stmt, struct err *err)
{
	const enum db_result result = db_execute(stmt, err);

	return result == DB_OK ? db_fetch(stmt, err) : result;
}

static const struct column *column_of(const struct db_stmt *stmt, unsigned place, char kind)
{
	const char *const kinds = dialect_columns(stmt->number);

	bug_on(place >= strlen(kinds) || kinds[place] != kind);
	return &stmt->column[place];
}

int64_t db_int(const struct db_stmt *stmt, unsigned place)
{
	const struct column *column = column_of(stmt, place, 'i');

	return column->length == SQL_NULL_DATA ? 0 : column->integer;
}

static const char *bytes_of(const struct column *column, size_t *length_r)
{
	const bool is_null = column->length == SQL_NULL_DATA;

	*length_r = is_null ? 0 : (size_t)column->length;
	return is_null ? "" : column->data;
}

const char *db_text(const struct db_stmt *stmt, unsigned place, size_t *length_r)
{
	return bytes_of(column_of(stmt, place, 't'), length_r);
}

const void *db_binary(const struct db_stmt *stmt, unsigned place, size_t *length_r)
{
	return bytes_of(column_of(stmt, place, 'b'), length_r);
}

bool db_is_null(const struct db_stmt *stmt, unsigned place)
{
	bug_on(place >= STATEMENT_COLUMNS_MAX);
	return stmt->column[place].length == SQL_NULL_DATA;
}
