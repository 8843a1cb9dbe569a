#ifndef PCHAT_ODBC_DB_H
#define PCHAT_ODBC_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "conf/err.h"
#include "odbc/statement.h"

/*
 * One connection to a database through unixODBC: at most one statement with a result open, no
 * threads. Every call may wait for the database; none waits for ever by itself, but a driver can
 * hang, so whoever calls must be a process that may be killed.
 */
struct db;

/*
 * What became of a call. After DB_RETRY, DB_UNCERTAIN and DB_FATAL the connection is closed and
 * whatever its transaction did is undone (after DB_UNCERTAIN: or committed); the caller connects
 * again when its back-off (odbc/backoff.h) says so. After DB_BAD_DATA the connection is good, and
 * a transaction that was begun must be rolled back.
 */
enum db_result {
	DB_OK = 0,
	DB_END,	  /* db_fetch: there are no more rows */
	DB_RETRY, /* nothing happened; later it may work: busy, away, disk full, not connected */
	DB_UNCERTAIN, /* a commit whose outcome is unknown: ask the database what it holds */
	DB_BAD_DATA,  /* these values can never be stored; others can */
	DB_FATAL,     /* it will not work until an administrator does something */
};

struct db_bytes { /* borrowed, not terminated; text is UTF-8 */
	const char *data;
	size_t length;
};

/* "retry", for logs. */
const char *db_result_name(enum db_result result);

/*
 * dsn: connection strings, principal first, borrowed. Nothing is connected yet. NULL: no memory
 * or no ODBC driver manager. db_free closes the connection, takes the address, accepts NULL.
 */
struct db *db_new(const struct conf_list *dsn, struct err *err);
void db_free(struct db **db);

/*
 * Connects to the first of the databases that can be reached, and closes the connection that there
 * was. DB_OK, DB_RETRY or DB_FATAL (the last one's, with the reasons of all in err; passwords are
 * not in it). A database may take seconds to say that it cannot be reached: after some of them it
 * gives up, and the next call goes on with those that were not tried.
 */
enum db_result db_connect(struct db *db, struct err *err);
void db_disconnect(struct db *db);

/* The database is not the right one, though it can be reached: the next db_connect begins behind it. */
void db_skip(struct db *db);
bool db_connected(const struct db *db);

/* The dialect of the connection (odbc/dialect.h); only while connected. */
struct dialect;
const struct dialect *db_dialect(const struct db *db);

/* A number that whoever uses the connection may keep with it; 0 in each new one. */
void db_keep(struct db *db, int64_t number);
int64_t db_kept(const struct db *db);

/* What is unsafe about the connection, for the log; NULL: nothing. */
const char *db_warning(const struct db *db);

/* Which of the connection strings the connection belongs to; the last one's number if closed. */
unsigned db_place(const struct db *db);

/* The native error code of the last failure, for logs and tests. */
int db_native(const struct db *db);

/* Transactions. A commit answers DB_OK or DB_UNCERTAIN. A rollback that fails closes the
 * connection. */
enum db_result db_begin(struct db *db, struct err *err);
/* The same for one that only reads: all of it sees one state of the database, whoever writes
 * meanwhile. It ends by db_rollback. */
enum db_result db_begin_read(struct db *db, struct err *err);
enum db_result db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);

/* Runs SQL that has neither parameters nor a result that anybody wants. */
enum db_result db_run(struct db *db, const char *sql, struct err *err);

/*
 * Statements. Their texts stand in the dialects, by number (odbc/statement.h); each is prepared
 * when a connection first needs it. db_statement never fails: what went wrong is the answer of
 * db_execute. It ends an execution of the same statement that was under way and forgets its
 * parameters.
 */
struct db_stmt;
struct db_stmt *db_statement(struct db *db, enum statement number);

/*
 * The same for a statement that stores, with several rows at once: a round trip to the database
 * costs more than many rows. How many of `count` rows the next execution is to take, which depends
 * on the dialect and is at least 1; then the statement for so many, whose parameters are those of
 * the rows one behind the other.
 */
unsigned db_rows(const struct db *db, enum statement number, unsigned count);
struct db_stmt *db_statement_rows(struct db *db, enum statement number, unsigned rows);

/* The same statement with its execution under way, to take further rows from it. */
struct db_stmt *db_open_statement(struct db *db, enum statement number);

/*
 * Parameters, from 0 on, in the order of the text. The bytes are borrowed until db_execute returns.
 * Text that is not UTF-8, or has a NUL in it (drivers cut it there), is refused by db_execute with
 * DB_BAD_DATA.
 */
void db_bind_int(struct db_stmt *stmt, unsigned place, int64_t value);
void db_bind_count(struct db_stmt *stmt, unsigned place, uint64_t value); /* INT64_MAX at the most */
void db_bind_text(struct db_stmt *stmt, unsigned place, const char *data, size_t length);
void db_bind_binary(struct db_stmt *stmt, unsigned place, const void *data, size_t length);
void db_bind_bytes(struct db_stmt *stmt, unsigned place, struct db_bytes text);
void db_bind_string(struct db_stmt *stmt, unsigned place, const char *text); /* terminated */

enum db_result db_execute(struct db_stmt *stmt, struct err *err);

/* Whom to call whenever a statement has been executed, well or not: a transaction may take longer than
 * its process may be silent, though no statement of it does. */
void db_progress(struct db *db, void (*progress)(void *arg), void *arg);

/* For who only reads, and much: from here to the next call the first statement alone looks whether the
 * file of the database is still the one that was connected to. */
void db_turn(struct db *db);

/* The next row: DB_OK, DB_END (the statement is then done), or a failure. */
enum db_result db_fetch(struct db_stmt *stmt, struct err *err);

/*
 * The columns of the row, from 0 on; NULL reads as 0 or as no bytes. Text is terminated; text and
 * binary belong to the statement until the next fetch.
 */
int64_t db_int(const struct db_stmt *stmt, unsigned column);
struct db_bytes db_bytes(const struct db_stmt *stmt, unsigned column); /* text */
const void *db_binary(const struct db_stmt *stmt, unsigned column, size_t *length_r);
bool db_is_null(const struct db_stmt *stmt, unsigned column);

/* Ends a statement whose rows are not all wanted; harmless where it has ended. */
void db_done(struct db_stmt *stmt);

/* Executes a statement that yields at most one row: DB_OK (fetched; ends with db_done or the next
 * execution), DB_END, or a failure. */
enum db_result db_execute_row(struct db_stmt *stmt, struct err *err);

#endif
