#ifndef PCHAT_SHIM_FREETDS_H
#define PCHAT_SHIM_FREETDS_H

#include <stdbool.h>

#include <sql.h>
#include <sqlext.h>

/*
 * What makes the driver of t/shim/odbc.c behave as FreeTDS does where that is a trap (odbc/mssql.c
 * has the list). It is in force where fail_plan.freetds is set.
 */
void freetds_connected(void);

/* The state with which an execution is refused, and the native code; NULL: it is not. */
const char *freetds_refusal(SQLHSTMT stmt, int *native_r);

/* A statement of SQL Server's own, which changes nothing that counts here. */
bool freetds_is_own(const char *text);

/* What the database is told instead of a text. */
const char *freetds_text(const char *text);

/* A parameter is bound: what the driver really sends of it. */
SQLLEN *freetds_bound(SQLHSTMT stmt, SQLUSMALLINT number, SQLSMALLINT type, SQLULEN size,
		      const void *value, SQLLEN *length);

/* A statement was executed: what it answers. A failure of one without columns comes later. */
SQLRETURN freetds_executed(SQLHSTMT stmt, SQLRETURN ret, bool has_columns);

/* The next result of a statement; *state_r, *native_r: where it is a failure. */
SQLRETURN freetds_more(SQLHSTMT stmt, const char **state_r, int *native_r);

/* There is nothing more to be read of it. */
void freetds_done(SQLHSTMT stmt);

/* The answer to a piece of a column. */
void freetds_piece(SQLRETURN ret, SQLSMALLINT type, SQLLEN *length);

/* An attribute is set, of a connection or a statement: whether the driver refuses it. */
bool freetds_attribute(SQLINTEGER attribute);

#endif
