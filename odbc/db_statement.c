#include <stdlib.h>
#include <string.h>

#include <unistr.h>

#include "conf/bug.h"
#include "odbc/db_handle.h"

enum {
	TEXT_SIZE = 1 << 30,   /* ColumnSize of text and binary: no limit of ours */
	COLUMN_FIRST = 256,    /* bytes that a column's buffer begins with */
	COLUMN_PIECE = 4096,   /* bytes of a first piece at most: SQLite's driver fills it up */
	COLUMN_MAX = 64 << 20, /* larger values are not ours, */
	PACKED_MAX = 1 << 30,  /* nor larger pages */
};

/* --- Statements. --- */

static struct db_stmt *form(struct db *db, enum statement number, unsigned rows)
{
	unsigned place = 0;

	while (rows > 1 && db->connected && place < DIALECT_ROWS &&
	       db->dialect->rows[place++] != rows)
		;
	return &db->stmt[number][place];
}

unsigned db_rows(const struct db *db, enum statement number, unsigned count)
{
	const size_t width = strlen(dialect_parameters(number));
	unsigned best = 1;

	for (unsigned i = 0; db->connected && i < DIALECT_ROWS; i++) {
		const unsigned rows = db->dialect->rows[i], most = db->dialect->parameters_max;

		if (rows <= count && rows > best && (most == 0 || rows * width <= most))
			best = rows;
	}
	return best;
}

static void set_kinds(struct db_stmt *stmt)
{
	const char *const kinds = dialect_columns(stmt->number);

	for (unsigned i = 0; kinds[i]; i++)
		stmt->column[i].kind = kinds[i];
}

struct db_stmt *db_statement_rows(struct db *db, enum statement number, unsigned rows)
{
	const size_t width = strlen(dialect_parameters(number));
	struct db_stmt *stmt = form(db, number, rows);

	stmt->db = db;
	stmt->number = number;
	db_done(stmt);
	if (stmt->rows != rows) {
		free(stmt->parameter);
		stmt->parameter = calloc(rows * width + 1, sizeof(*stmt->parameter));
		stmt->rows = stmt->parameter ? rows : 0;
		set_kinds(stmt);
	} else {
		memset(stmt->parameter, 0, rows * width * sizeof(*stmt->parameter));
	}
	return stmt;
}

struct db_stmt *db_statement(struct db *db, enum statement number)
{
	return db_statement_rows(db, number, 1);
}

struct db_stmt *db_open_statement(struct db *db, enum statement number)
{
	return &db->stmt[number][0];
}

void db_drop_statements(struct db *db)
{
	for (unsigned i = 0; i < STATEMENTS; i++)
		for (unsigned f = 0; f < DB_FORMS; f++) {
			struct db_stmt *stmt = &db->stmt[i][f];

			if (stmt->handle)
				SQLFreeHandle(SQL_HANDLE_STMT, stmt->handle);
			stmt->handle = SQL_NULL_HSTMT;
			stmt->open = false;
		}
}

void db_free_statements(struct db *db)
{
	for (unsigned i = 0; i < STATEMENTS; i++)
		for (unsigned f = 0; f < DB_FORMS; f++) {
			free(db->stmt[i][f].parameter);
			free(db->stmt[i][f].packed.data);
			for (unsigned c = 0; c < STATEMENT_COLUMNS_MAX; c++)
				free(db->stmt[i][f].column[c].data);
		}
}

void db_done(struct db_stmt *stmt)
{
	if (stmt->open)
		SQLFreeStmt(stmt->handle, SQL_CLOSE);
	stmt->open = false;
	db_drop_packed(stmt);
}

static struct parameter *parameter(struct db_stmt *stmt, unsigned place, char kind)
{
	static struct parameter nowhere; /* db_execute says that there is no memory */
	const char *const kinds = dialect_parameters(stmt->number);
	const size_t width = strlen(kinds);

	if (!stmt->parameter)
		return &nowhere;
	bug_on(place >= width * stmt->rows || kinds[place % width] != kind);
	stmt->parameter[place].kind = kind;
	return &stmt->parameter[place];
}

void db_bind_int(struct db_stmt *stmt, unsigned place, int64_t value)
{
	struct parameter *p = parameter(stmt, place, 'i');

	p->integer = value;
	p->length = sizeof(p->integer);
}

void db_bind_count(struct db_stmt *stmt, unsigned place, uint64_t value)
{
	db_bind_int(stmt, place, value > INT64_MAX ? INT64_MAX : (int64_t)value);
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

void db_bind_bytes(struct db_stmt *stmt, unsigned place, struct db_bytes text)
{
	db_bind_text(stmt, place, text.data, text.length);
}

void db_bind_string(struct db_stmt *stmt, unsigned place, const char *text)
{
	db_bind_text(stmt, place, text, strlen(text));
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
	enum db_result result = DB_OK;
	char *sql;

	if (stmt->handle)
		return DB_OK;
	sql = dialect_statement(db->dialect, stmt->number, stmt->rows);
	if (!sql || !SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, db->dbc, &stmt->handle))) {
		stmt->handle = SQL_NULL_HSTMT;
		free(sql);
		return db_fail(db, SQL_HANDLE_DBC, db->dbc, "make a statement", err);
	}
	if (!SQL_SUCCEEDED(SQLPrepare(stmt->handle, (SQLCHAR *)sql, SQL_NTS)))
		result = db_fail(db, SQL_HANDLE_STMT, stmt->handle, "prepare a statement", err);
	free(sql);
	return result;
}

static enum db_result prepare_and_bind(struct db_stmt *stmt, struct err *err)
{
	const unsigned count = (unsigned)strlen(dialect_parameters(stmt->number)) * stmt->rows;
	enum db_result result = DB_OK;

	for (unsigned i = 0; i < count && result == DB_OK; i++)
		if (stmt->parameter[i].kind == 't')
			result = check_text(&stmt->parameter[i], i, err);
	if (result == DB_OK)
		result = prepare(stmt, err);
	for (unsigned i = 0; i < count && result == DB_OK; i++)
		if (!SQL_SUCCEEDED(bind(stmt, i)))
			result = db_fail(stmt->db, SQL_HANDLE_STMT, stmt->handle, "bind a value",
					 err);
	return result;
}

/* A result that is still open is in the way of the next statement with some drivers: it is ended
 * with all of them. */
void db_end_result(struct db *db)
{
	if (!db->reading || !db->reading->open)
		return;
	db_done(db->reading);
	db->reading->cut = true;
}

/* A statement behind one that failed may find itself outside the transaction. */
static enum db_result may_execute(struct db_stmt *stmt, struct err *err)
{
	struct db *db = stmt->db;

	if (!db->connected)
		return db_not_connected(err);
	/* Within a transaction its beginning and its commit look. */
	if (!db->in_transaction && !db->looked && db_check_file(db, err) != DB_OK)
		return DB_RETRY;
	db->looked = db->turns;
	if (db->in_transaction && db->spoilt) {
		err_set(err, "could not run a statement: one of its transaction has failed");
		db_disconnect(db);
		return DB_RETRY;
	}
	if (!stmt->parameter) {
		err_set(err, "could not run a statement: no memory");
		return DB_RETRY;
	}
	if (db->reading != stmt)
		db_end_result(db);
	return DB_OK;
}

/* All results of a statement that has no columns. */
static SQLRETURN execute_all(struct db_stmt *stmt)
{
	SQLRETURN ret = SQLExecute(stmt->handle);

	if (*dialect_columns(stmt->number) != '\0' || !stmt->db->dialect->more_results)
		return ret;
	while (SQL_SUCCEEDED(ret) || ret == SQL_NO_DATA) {
		ret = SQLMoreResults(stmt->handle);
		if (ret == SQL_NO_DATA)
			return SQL_SUCCESS;
	}
	return ret;
}

static enum db_result try_execute(struct db_stmt *stmt, struct err *err)
{
	const SQLRETURN ret = execute_all(stmt);
	enum db_result result;

	if (SQL_SUCCEEDED(ret) || ret == SQL_NO_DATA)
		return DB_OK;
	result = db_fail(stmt->db, SQL_HANDLE_STMT, stmt->handle, "run a statement", err);
	if (stmt->handle)
		SQLFreeStmt(stmt->handle, SQL_CLOSE);
	return result;
}

enum db_result db_execute(struct db_stmt *stmt, struct err *err)
{
	enum db_result result = may_execute(stmt, err);
	struct db *db = stmt->db;

	if (result == DB_OK)
		result = prepare_and_bind(stmt, err);
	if (result != DB_OK)
		return result;
	result = try_execute(stmt, err);
	if (result == DB_BAD_DATA && db->native == db->dialect->repeat_native && db->native != 0) {
		db->spoilt = false; /* the statement alone has failed */
		result = try_execute(stmt, err);
	}
	/* Without a result there is no cursor to be closed. */
	stmt->open = result == DB_OK && *dialect_columns(stmt->number) != '\0';
	stmt->cut = false;
	if (stmt->open)
		db->reading = stmt;
	if (db->progress)
		db->progress(db->progress_arg);
	return result;
}

void db_progress(struct db *db, void (*progress)(void *arg), void *arg)
{
	db->progress = progress;
	db->progress_arg = arg;
}

/* --- Rows. --- */

static bool grow(struct column *column, size_t size, size_t most)
{
	char *data;

	if (size <= column->size)
		return true;
	if (size > most)
		return false;
	data = realloc(column->data, size);
	if (!data)
		return false;
	column->data = data;
	column->size = size;
	return true;
}

/*
 * Piece by piece into the column's buffer. A piece of text ends with a NUL that the next one
 * overwrites; a driver may say how much is left or SQL_NO_TOTAL.
 */
SQLRETURN db_get_bytes(struct db_stmt *stmt, unsigned place, struct column *column, char kind,
		       size_t first)
{
	const SQLSMALLINT type = kind == 't' ? SQL_C_CHAR : SQL_C_BINARY;
	const size_t end = kind == 't', most = column == &stmt->packed ? PACKED_MAX : COLUMN_MAX;
	size_t used = 0, want = first, next;

	for (;;) {
		SQLLEN left = 0;
		SQLRETURN ret;

		if (!grow(column, want, most))
			return SQL_ERROR;
		column->bytes = column->data;
		ret = SQLGetData(stmt->handle, (SQLUSMALLINT)(place + 1), type, column->data + used,
				 (SQLLEN)(want - used), &left);
		if (ret == SQL_NO_DATA && used > 0)
			left = 0, ret = SQL_SUCCESS;
		if (!SQL_SUCCEEDED(ret) || left == SQL_NULL_DATA) {
			column->length = SQL_NULL_DATA;
			return ret;
		}
		if (left != SQL_NO_TOTAL && (size_t)left + end <= want - used) {
			column->length = (SQLLEN)(used + (size_t)left);
			return ret;
		}
		next = left == SQL_NO_TOTAL ? 2 * want : used + (size_t)left + end;
		used = kind == 't' ? used + strlen(column->data + used) : want;
		want = next;
	}
}

static size_t first_piece(const struct column *column)
{
	if (column->size < COLUMN_FIRST)
		return COLUMN_FIRST;
	return column->size < COLUMN_PIECE ? column->size : COLUMN_PIECE;
}

static SQLRETURN get_column(struct db_stmt *stmt, unsigned place, char kind)
{
	struct column *column = &stmt->column[place];

	if (kind != 'i')
		return db_get_bytes(stmt, place, column, kind, first_piece(column));
	column->integer = 0;
	return SQLGetData(stmt->handle, (SQLUSMALLINT)(place + 1), SQL_C_SBIGINT, &column->integer,
			  sizeof(column->integer), &column->length);
}

enum db_result db_fetch(struct db_stmt *stmt, struct err *err)
{
	const char *const kinds = dialect_columns(stmt->number);
	enum db_result result;
	SQLRETURN ret;

	if (!stmt->open && stmt->cut) {
		err_set(err, "could not read a row: another statement has ended the result");
		return DB_FATAL;
	}
	if (!stmt->open)
		return stmt->db->connected ? DB_END : db_not_connected(err);
	if (dialect_packs(stmt->db->dialect, stmt->number))
		return db_fetch_packed(stmt, err);
	ret = SQLFetch(stmt->handle);
	if (ret == SQL_NO_DATA) {
		db_done(stmt);
		return DB_END;
	}
	for (unsigned i = 0; kinds[i] && SQL_SUCCEEDED(ret); i++)
		ret = get_column(stmt, i, kinds[i]);
	if (SQL_SUCCEEDED(ret))
		return DB_OK;
	result = db_fail(stmt->db, SQL_HANDLE_STMT, stmt->handle, "read a row", err);
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
	bug_on(place >= STATEMENT_COLUMNS_MAX || stmt->column[place].kind != kind);
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
	return is_null ? "" : column->bytes;
}

struct db_bytes db_bytes(const struct db_stmt *stmt, unsigned place)
{
	struct db_bytes text;

	text.data = bytes_of(column_of(stmt, place, 't'), &text.length);
	return text;
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
