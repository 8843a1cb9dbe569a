#include "t/bench/database_bare.h"

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <sql.h>
#include <sqlext.h>

#include "conf/clock.h"

enum { COLUMNS = 7, ROWS_MAX = 100, TRANSACTION = 1000, TEXT_SIZE = 1 << 30, BODY_MAX = 4096 };

struct bare {
	SQLHANDLE env, dbc, stmt;
	const char *begin;
	const char *body;
	SQLLEN size, id_length;
	int64_t number[ROWS_MAX][5]; /* room, seq, time, author, flags */
	SQLLEN number_length[ROWS_MAX], id_lengths[ROWS_MAX], body_lengths[ROWS_MAX];
	char ids[ROWS_MAX][17];
	char *bodies; /* ROWS_MAX times BODY_MAX, for the array */
	int64_t seq;
};

static void must(SQLRETURN ret, SQLSMALLINT type, SQLHANDLE handle, const char *what)
{
	SQLCHAR state[6] = "", text[400] = "";
	SQLINTEGER native = 0;

	if (SQL_SUCCEEDED(ret) || ret == SQL_NO_DATA)
		return;
	SQLGetDiagRec(type, handle, 1, state, &native, text, sizeof(text), NULL);
	errx(EX_SOFTWARE, "%s: %s (%s/%d)", what, text, state, (int)native);
}

static void run(struct bare *bare, const char *sql)
{
	SQLHANDLE stmt;

	must(SQLAllocHandle(SQL_HANDLE_STMT, bare->dbc, &stmt), SQL_HANDLE_DBC, bare->dbc, sql);
	must(SQLExecDirect(stmt, (SQLCHAR *)sql, SQL_NTS), SQL_HANDLE_STMT, stmt, sql);
	SQLFreeHandle(SQL_HANDLE_STMT, stmt);
}

static void connect_to(struct bare *bare, const char *dsn)
{
	char name[64] = "";

	SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &bare->env);
	SQLSetEnvAttr(bare->env, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0);
	SQLAllocHandle(SQL_HANDLE_DBC, bare->env, &bare->dbc);
	must(SQLDriverConnect(bare->dbc, NULL, (SQLCHAR *)dsn, SQL_NTS, NULL, 0, NULL,
			      SQL_DRIVER_NOPROMPT),
	     SQL_HANDLE_DBC, bare->dbc, "connect");
	SQLGetInfo(bare->dbc, SQL_DBMS_NAME, name, sizeof(name), NULL);
	bare->begin = "BEGIN TRANSACTION";
	if (strncmp(name, "Microsoft", 9) == 0)
		run(bare,
		    "CREATE TABLE bare (room BIGINT NOT NULL, seq BIGINT NOT NULL, time BIGINT,"
		    " author BIGINT, flags INTEGER, client_id NVARCHAR(40),"
		    " body NVARCHAR(MAX), PRIMARY KEY (room, seq))");
	else
		run(bare,
		    "CREATE TABLE bare (room BIGINT NOT NULL, seq BIGINT NOT NULL, time BIGINT,"
		    " author BIGINT, flags INTEGER, client_id VARCHAR(40), body TEXT,"
		    " PRIMARY KEY (room, seq))");
	if (strncmp(name, "SQLite", 6) == 0) {
		run(bare, "PRAGMA journal_mode = WAL");
		run(bare, "PRAGMA synchronous = FULL");
	}
}

static void prepare(struct bare *bare, unsigned rows)
{
	static char sql[8192];
	size_t used = (size_t)snprintf(sql, sizeof(sql),
				       "INSERT INTO bare (room, seq, time, author,"
				       " flags, client_id, body) VALUES ");

	for (unsigned i = 0; i < rows; i++)
		used += (size_t)snprintf(sql + used, sizeof(sql) - used, "%s(?, ?, ?, ?, ?, ?, ?)",
					 i ? ", " : "");
	must(SQLAllocHandle(SQL_HANDLE_STMT, bare->dbc, &bare->stmt), SQL_HANDLE_DBC, bare->dbc,
	     "statement");
	must(SQLPrepare(bare->stmt, (SQLCHAR *)sql, SQL_NTS), SQL_HANDLE_STMT, bare->stmt,
	     "prepare");
}

static void bind(struct bare *bare, SQLUSMALLINT number, bool is_text, void *value, SQLLEN size,
		 SQLLEN *length)
{
	must(SQLBindParameter(bare->stmt, number, SQL_PARAM_INPUT,
			      is_text ? SQL_C_CHAR : SQL_C_SBIGINT,
			      is_text ? SQL_WLONGVARCHAR : SQL_BIGINT, is_text ? TEXT_SIZE : 19, 0,
			      value, size, length),
	     SQL_HANDLE_STMT, bare->stmt, "bind");
}

static void fill_row(struct bare *bare, unsigned row)
{
	bare->number[row][0] = 1;
	bare->number[row][1] = ++bare->seq;
	bare->number[row][2] = (int64_t)clock_utc();
	bare->number[row][3] = 1;
	bare->number[row][4] = 0;
	bare->number_length[row] = sizeof(int64_t);
	memcpy(bare->ids[row], "0123456789abcdef", 17);
	bare->id_lengths[row] = 16;
	bare->body_lengths[row] = bare->size;
}

static void insert_rows(struct bare *bare, unsigned rows)
{
	for (unsigned i = 0; i < rows; i++) {
		const SQLUSMALLINT first = (SQLUSMALLINT)(i * COLUMNS + 1);

		fill_row(bare, i);
		for (SQLUSMALLINT c = 0; c < 5; c++)
			bind(bare, first + c, false, &bare->number[i][c], 0,
			     &bare->number_length[i]);
		bind(bare, first + 5, true, bare->ids[i], 16, &bare->id_lengths[i]);
		bind(bare, first + 6, true, (void *)bare->body, bare->size, &bare->body_lengths[i]);
	}
	must(SQLExecute(bare->stmt), SQL_HANDLE_STMT, bare->stmt, "execute");
}

/* Column by column: the numbers of a row do not lie beside each other then. */
static void insert_array(struct bare *bare, unsigned rows)
{
	static int64_t columns[5][ROWS_MAX];
	static SQLLEN lengths[ROWS_MAX];

	for (unsigned i = 0; i < rows; i++) {
		fill_row(bare, i);
		lengths[i] = sizeof(int64_t);
		for (unsigned c = 0; c < 5; c++)
			columns[c][i] = bare->number[i][c];
	}
	SQLSetStmtAttr(bare->stmt, SQL_ATTR_PARAMSET_SIZE, (SQLPOINTER)(SQLULEN)rows, 0);
	for (SQLUSMALLINT c = 0; c < 5; c++)
		bind(bare, c + 1, false, columns[c], 0, lengths);
	bind(bare, 6, true, bare->ids, sizeof(bare->ids[0]), bare->id_lengths);
	bind(bare, 7, true, bare->bodies, BODY_MAX, bare->body_lengths);
	must(SQLExecute(bare->stmt), SQL_HANDLE_STMT, bare->stmt, "execute an array");
}

static void measure(struct bare *bare, unsigned rows, bool is_array, uint64_t time)
{
	const uint64_t start = clock_mono();
	uint64_t done = 0, now = start;

	prepare(bare, is_array ? 1 : rows);
	while (now - start < time) {
		run(bare, bare->begin);
		for (unsigned i = 0; i < TRANSACTION; i += rows) {
			if (is_array)
				insert_array(bare, rows);
			else
				insert_rows(bare, rows);
		}
		run(bare, "COMMIT");
		done += TRANSACTION;
		now = clock_mono();
	}
	SQLFreeHandle(SQL_HANDLE_STMT, bare->stmt);
	printf("{\"how\":\"%s\",\"rows\":%u,\"rows_per_s\":%.0f}", is_array ? "array" : "values",
	       rows, (double)done * 1e6 / (double)(now - start));
}

void database_bare(const char *dsn, const char *body, size_t size, uint64_t time)
{
	static struct bare bare;

	if (size >= BODY_MAX)
		errx(EX_USAGE, "the bare loop takes bodies of less than %d bytes", BODY_MAX);
	bare.body = body;
	bare.size = (SQLLEN)size;
	bare.bodies = malloc((size_t)ROWS_MAX * BODY_MAX);
	if (!bare.bodies)
		errx(EX_OSERR, "no memory");
	for (unsigned i = 0; i < ROWS_MAX; i++)
		memcpy(bare.bodies + (size_t)i * BODY_MAX, body, size);
	connect_to(&bare, dsn);
	printf("\"bare\":[");
	measure(&bare, 1, false, time);
	printf(",");
	measure(&bare, 10, false, time);
	printf(",");
	measure(&bare, 100, false, time);
	printf(",");
	measure(&bare, 100, true, time);
	printf("],");
	run(&bare, "DROP TABLE bare");
	SQLDisconnect(bare.dbc);
	SQLFreeHandle(SQL_HANDLE_DBC, bare.dbc);
	SQLFreeHandle(SQL_HANDLE_ENV, bare.env);
	free(bare.bodies);
}
