#ifndef PCHAT_ODBC_DB_HANDLE_H
#define PCHAT_ODBC_DB_HANDLE_H

#include <sys/types.h>

#include <sql.h>
#include <sqlext.h>

#include "odbc/db.h"
#include "odbc/dialect.h"

/* What db.c (connections, transactions) and db_statement.c (statements, rows) share; nobody else
 * includes it. */

struct parameter {
	char kind; /* i, t, b; 0: not bound */
	int64_t integer;
	const void *data; /* borrowed */
	SQLLEN length;
};

struct column {
	char kind; /* i, t, b; 0: the statement has no such column */
	int64_t integer;
	char *data; /* owned */
	size_t size;
	SQLLEN length;	   /* SQL_NULL_DATA for NULL */
	const char *bytes; /* borrowed: so many of them, from data or from the packed rows */
};

/* A statement for so many rows; its handle is prepared when it is first needed. */
struct db_stmt {
	struct db *db; /* borrowed, contains us */
	enum statement number;
	unsigned rows;
	SQLHSTMT handle;	     /* SQL_NULL_HSTMT until it is prepared */
	bool open;		     /* has a result */
	bool cut;		     /* had one when another statement ended it */
	struct parameter *parameter; /* owned; rows times what the statement has; NULL at first */
	struct column column[STATEMENT_COLUMNS_MAX];
	struct column packed; /* all rows in one (db_packed.c) */
	char *next, *end;     /* what is left of it; NULL until it is read */
};

enum { DB_FORMS = 1 + DIALECT_ROWS }; /* for one row, and for those of the dialect */

struct db {
	const struct conf_list *dsn; /* borrowed */
	unsigned place;		     /* of the connection string in use */
	bool skip;		     /* that database takes no writes: begin with the next one */
	SQLHENV env;
	SQLHDBC dbc;
	bool connected, in_transaction;
	bool spoilt;		       /* a statement of the transaction has failed */
	const struct dialect *dialect; /* of the connection */
	int native;		       /* of the last failure */
	int64_t kept;		       /* by the user; 0 in a new connection */
	char *file;		       /* owned: of a database that is one; NULL: none */
	dev_t device;		       /* where that is, as is the next */
	ino_t inode;
	void (*progress)(void *arg); /* may be NULL */
	void *progress_arg;
	bool turns, looked;	 /* db_turn was called; the file was looked at in this turn */
	struct db_stmt *reading; /* the last one that had a result */
	struct db_stmt stmt[STATEMENTS][DB_FORMS];
};

/* The first diagnosis of a handle goes to err, behind what was attempted, and is sorted; all but
 * bad data closes the connection. */
enum db_result db_fail(struct db *db, SQLSMALLINT type, SQLHANDLE handle, const char *what,
		       struct err *err);

enum db_result db_not_connected(struct err *err);

/* Looks whether the file of the database is still the one that was connected to. */
enum db_result db_check_file(struct db *db, struct err *err);

/* Reads a column of text ('t') or binary ('b'), whose first piece may have so many bytes. */
SQLRETURN db_get_bytes(struct db_stmt *stmt, unsigned place, struct column *column, char kind,
		       size_t first);

/* The next row of a statement whose rows come packed, as db_fetch; the other forgets the rest. */
enum db_result db_fetch_packed(struct db_stmt *stmt, struct err *err);
void db_drop_packed(struct db_stmt *stmt);

/* Ends the result that may be open: who reads on from it is told that it was cut. */
void db_end_result(struct db *db);

/* Frees the handles of all statements, or also what is kept for the next connection. */
void db_drop_statements(struct db *db);
void db_free_statements(struct db *db);

#endif
