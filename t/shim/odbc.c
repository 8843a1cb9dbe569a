#include <dlfcn.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sql.h>
#include <sqlext.h>

#include "freetds.h"
#include "odbc.h"

struct fail_plan fail_plan; /* the test's */

static bool is_lost;   /* the connection: there is one at a time */
static bool is_failed; /* the last call was ours to fail */
static char state[6];  /* with which */
static int native_code;

static void *real(const char *name)
{
	static void *driver;

	if (!driver) {
		glob_t found;

		if (glob("/usr/lib*/*/odbc/libsqlite3odbc.so", 0, NULL, &found) == 0)
			driver = dlopen(found.gl_pathv[0], RTLD_NOW | RTLD_LOCAL);
		if (!driver) {
			fprintf(stderr, "could not load the driver of SQLite\n");
			abort();
		}
		globfree(&found);
	}
	return dlsym(driver, name);
}

static SQLRETURN fail_with(const char *with, int native)
{
	is_failed = true;
	memcpy(state, with, sizeof(state));
	native_code = native;
	return SQL_ERROR;
}

static bool is_commit(const char *text)
{
	return text && strncmp(text, "COMMIT", 6) == 0;
}

/* Whether the plan is for this call. */
static bool is_due(const char *text)
{
	fail_plan.calls++;
	if (fail_plan.how == FAIL_NEVER)
		return false;
	if (fail_plan.at == 0 ? !is_commit(text) : fail_plan.calls != fail_plan.at)
		return false;
	return true;
}

/* What comes before the real call; true: it is not to be made. */
static bool is_over(bool due, SQLRETURN *ret)
{
	is_failed = false;
	if (is_lost || (due && fail_plan.how == FAIL_LOSE)) {
		*ret = fail_with(!is_lost && fail_plan.freetds ? "HY000" : "08S01", 0);
		is_lost = true;
		return true;
	}
	if (!due)
		return false;
	if (fail_plan.how == FAIL_SLOW)
		usleep(100000);
	if (fail_plan.how == FAIL_HANG && write(fail_plan.tell, "", 1) == 1)
		for (;;)
			pause();
	if (fail_plan.how == FAIL_BEFORE)
		*ret = fail_with(fail_plan.state, fail_plan.native);
	return fail_plan.how == FAIL_BEFORE;
}

static SQLRETURN answer(bool due, SQLRETURN ret)
{
	if (due && fail_plan.how == FAIL_AFTER)
		return fail_with(fail_plan.state, fail_plan.native);
	if (due && fail_plan.how == FAIL_ANSWER) {
		is_lost = true;
		return fail_with("08S01", 0);
	}
	return ret;
}

#define FORWARD(name, types, ...) (((SQLRETURN(*) types)real(name))(__VA_ARGS__))

#define COUNTED(text, call)                    \
	{                                      \
		const bool due = is_due(text); \
		SQLRETURN ret;                 \
                                               \
		if (is_over(due, &ret))        \
			return ret;            \
		return answer(due, call);      \
	}

/* --- Calls that count. --- */

static SQLRETURN connect_to(SQLHDBC dbc, SQLHWND window, SQLCHAR *in, SQLSMALLINT in_length,
			    SQLCHAR *out, SQLSMALLINT size, SQLSMALLINT *length, SQLUSMALLINT how){
	COUNTED(NULL, FORWARD("SQLDriverConnect",
			      (SQLHDBC, SQLHWND, SQLCHAR *, SQLSMALLINT, SQLCHAR *, SQLSMALLINT,
			       SQLSMALLINT *, SQLUSMALLINT),
			      dbc, window, in, in_length, out, size, length, how))}

/* Nobody disconnects what he was told is not connected, nor frees what he did not get. */
SQLRETURN SQLDriverConnect(SQLHDBC dbc, SQLHWND window, SQLCHAR *in, SQLSMALLINT in_length,
			   SQLCHAR *out, SQLSMALLINT size, SQLSMALLINT *length, SQLUSMALLINT how)
{
	SQLRETURN ret;

	is_lost = false;
	freetds_connected();
	ret = connect_to(dbc, window, in, in_length, out, size, length, how);
	if (is_failed)
		FORWARD("SQLDisconnect", (SQLHDBC), dbc);
	return ret;
}

/* Whether FreeTDS would not even ask the server. */
static bool is_refused(SQLHSTMT stmt)
{
	int native;
	const char *refusal = fail_plan.freetds ? freetds_refusal(stmt, &native) : NULL;

	if (refusal)
		fail_with(refusal, native);
	return refusal != NULL;
}

static SQLRETURN execute_direct(SQLHSTMT stmt, const char *text, SQLINTEGER length){
	COUNTED(text, FORWARD("SQLExecDirect", (SQLHSTMT, SQLCHAR *, SQLINTEGER), stmt,
			      (SQLCHAR *)text, length))}

SQLRETURN SQLExecDirect(SQLHSTMT stmt, SQLCHAR *text, SQLINTEGER length)
{
	const char *sql = (const char *)text;

	if (is_refused(stmt))
		return SQL_ERROR;
	if (fail_plan.freetds && freetds_is_own(sql))
		return SQL_SUCCESS;
	return execute_direct(stmt, fail_plan.freetds ? freetds_text(sql) : sql, length);
}

SQLRETURN SQLPrepare(SQLHSTMT stmt, SQLCHAR *text, SQLINTEGER length)
{
	COUNTED(NULL, FORWARD("SQLPrepare", (SQLHSTMT, SQLCHAR *, SQLINTEGER), stmt, text, length))
}

static SQLRETURN execute(SQLHSTMT stmt){COUNTED(NULL, FORWARD("SQLExecute", (SQLHSTMT), stmt))}

SQLRETURN SQLExecute(SQLHSTMT stmt)
{
	SQLSMALLINT columns = 0;
	SQLRETURN ret;

	if (is_refused(stmt))
		return SQL_ERROR;
	ret = execute(stmt);
	if (!fail_plan.freetds || is_failed)
		return ret;
	FORWARD("SQLNumResultCols", (SQLHSTMT, SQLSMALLINT *), stmt, &columns);
	return freetds_executed(stmt, ret, columns > 0);
}

static SQLRETURN bind(SQLHSTMT stmt, SQLUSMALLINT number, SQLSMALLINT way, SQLSMALLINT c_type,
		      SQLSMALLINT type, SQLULEN size, SQLSMALLINT digits, SQLPOINTER value,
		      SQLLEN length, SQLLEN *indicator){
	COUNTED(NULL,
		FORWARD("SQLBindParameter",
			(SQLHSTMT, SQLUSMALLINT, SQLSMALLINT, SQLSMALLINT, SQLSMALLINT, SQLULEN,
			 SQLSMALLINT, SQLPOINTER, SQLLEN, SQLLEN *),
			stmt, number, way, c_type, type, size, digits, value, length, indicator))}

SQLRETURN SQLBindParameter(SQLHSTMT stmt, SQLUSMALLINT number, SQLSMALLINT way, SQLSMALLINT c_type,
			   SQLSMALLINT type, SQLULEN size, SQLSMALLINT digits, SQLPOINTER value,
			   SQLLEN length, SQLLEN *indicator)
{
	if (fail_plan.freetds)
		indicator = freetds_bound(stmt, number, type, size, value, indicator);
	return bind(stmt, number, way, c_type, type, size, digits, value, length, indicator);
}

static SQLRETURN fetch(SQLHSTMT stmt){COUNTED(NULL, FORWARD("SQLFetch", (SQLHSTMT), stmt))}

SQLRETURN SQLFetch(SQLHSTMT stmt)
{
	const SQLRETURN ret = fetch(stmt);

	if (ret == SQL_NO_DATA)
		freetds_done(stmt);
	return ret;
}

static SQLRETURN get_data(SQLHSTMT stmt, SQLUSMALLINT column, SQLSMALLINT type, SQLPOINTER value,
			  SQLLEN size, SQLLEN *length){
	COUNTED(NULL, FORWARD("SQLGetData",
			      (SQLHSTMT, SQLUSMALLINT, SQLSMALLINT, SQLPOINTER, SQLLEN, SQLLEN *),
			      stmt, column, type, value, size, length))}

SQLRETURN SQLGetData(SQLHSTMT stmt, SQLUSMALLINT column, SQLSMALLINT type, SQLPOINTER value,
		     SQLLEN size, SQLLEN *length)
{
	const SQLRETURN ret = get_data(stmt, column, type, value, size, length);

	if (fail_plan.freetds)
		freetds_piece(ret, type, length);
	return ret;
}

static SQLRETURN make_statement(SQLHANDLE from, SQLHANDLE *made){
	COUNTED(NULL, FORWARD("SQLAllocHandle", (SQLSMALLINT, SQLHANDLE, SQLHANDLE *),
			      SQL_HANDLE_STMT, from, made))}

SQLRETURN SQLAllocHandle(SQLSMALLINT type, SQLHANDLE from, SQLHANDLE *made)
{
	if (type == SQL_HANDLE_STMT) {
		SQLRETURN ret;

		*made = SQL_NULL_HANDLE;
		ret = make_statement(from, made);
		if (is_failed && *made)
			FORWARD("SQLFreeHandle", (SQLSMALLINT, SQLHANDLE), SQL_HANDLE_STMT, *made);
		return ret;
	}
	return FORWARD("SQLAllocHandle", (SQLSMALLINT, SQLHANDLE, SQLHANDLE *), type, from, made);
}

/* --- What was the matter. --- */

SQLRETURN SQLGetDiagRec(SQLSMALLINT type, SQLHANDLE handle, SQLSMALLINT number, SQLCHAR *sqlstate,
			SQLINTEGER *native, SQLCHAR *text, SQLSMALLINT size, SQLSMALLINT *length)
{
	if (!is_failed)
		return FORWARD("SQLGetDiagRec",
			       (SQLSMALLINT, SQLHANDLE, SQLSMALLINT, SQLCHAR *, SQLINTEGER *,
				SQLCHAR *, SQLSMALLINT, SQLSMALLINT *),
			       type, handle, number, sqlstate, native, text, size, length);
	if (number > 1 || !*state)
		return SQL_NO_DATA;
	memcpy(sqlstate, state, sizeof(state));
	*native = native_code;
	snprintf((char *)text, (size_t)size, "failed on demand");
	if (length)
		*length = (SQLSMALLINT)strlen((char *)text);
	return SQL_SUCCESS;
}

/* The driver manager asks for nothing at all where this is missing, or where SQLGetFunctions says
 * so, as SQLite's does, which has SQLError; of our own failures it may do without. */
SQLRETURN SQLGetDiagField(SQLSMALLINT type, SQLHANDLE handle, SQLSMALLINT number, SQLSMALLINT field,
			  SQLPOINTER value, SQLSMALLINT size, SQLSMALLINT *length)
{
	if (is_failed)
		return SQL_NO_DATA;
	return FORWARD("SQLGetDiagField",
		       (SQLSMALLINT, SQLHANDLE, SQLSMALLINT, SQLSMALLINT, SQLPOINTER, SQLSMALLINT,
			SQLSMALLINT *),
		       type, handle, number, field, value, size, length);
}

/* --- The others. --- */

SQLRETURN SQLFreeHandle(SQLSMALLINT type, SQLHANDLE handle)
{
	if (type == SQL_HANDLE_STMT)
		freetds_done(handle);
	return FORWARD("SQLFreeHandle", (SQLSMALLINT, SQLHANDLE), type, handle);
}

SQLRETURN SQLSetEnvAttr(SQLHENV env, SQLINTEGER attribute, SQLPOINTER value, SQLINTEGER length)
{
	return FORWARD("SQLSetEnvAttr", (SQLHENV, SQLINTEGER, SQLPOINTER, SQLINTEGER), env,
		       attribute, value, length);
}

SQLRETURN SQLSetConnectAttr(SQLHDBC dbc, SQLINTEGER attribute, SQLPOINTER value, SQLINTEGER length)
{
	is_failed = false;
	if (fail_plan.freetds && freetds_attribute(attribute))
		return fail_with("HY024", 0);
	return FORWARD("SQLSetConnectAttr", (SQLHDBC, SQLINTEGER, SQLPOINTER, SQLINTEGER), dbc,
		       attribute, value, length);
}

SQLRETURN SQLGetConnectAttr(SQLHDBC dbc, SQLINTEGER attribute, SQLPOINTER value, SQLINTEGER size,
			    SQLINTEGER *length)
{
	return FORWARD("SQLGetConnectAttr",
		       (SQLHDBC, SQLINTEGER, SQLPOINTER, SQLINTEGER, SQLINTEGER *), dbc, attribute,
		       value, size, length);
}

SQLRETURN SQLGetInfo(SQLHDBC dbc, SQLUSMALLINT what, SQLPOINTER value, SQLSMALLINT size,
		     SQLSMALLINT *length)
{
	if (fail_plan.freetds && what == SQL_DBMS_NAME) {
		snprintf(value, (size_t)size, "Microsoft SQL Server");
		return SQL_SUCCESS;
	}
	return FORWARD("SQLGetInfo",
		       (SQLHDBC, SQLUSMALLINT, SQLPOINTER, SQLSMALLINT, SQLSMALLINT *), dbc, what,
		       value, size, length);
}

SQLRETURN SQLDisconnect(SQLHDBC dbc)
{
	return FORWARD("SQLDisconnect", (SQLHDBC), dbc);
}

/* A lost connection has rolled back what it had begun, for the database. */
SQLRETURN SQLEndTran(SQLSMALLINT type, SQLHANDLE handle, SQLSMALLINT how)
{
	return FORWARD("SQLEndTran", (SQLSMALLINT, SQLHANDLE, SQLSMALLINT), type, handle, how);
}

SQLRETURN SQLFreeStmt(SQLHSTMT stmt, SQLUSMALLINT how)
{
	freetds_done(stmt);
	return FORWARD("SQLFreeStmt", (SQLHSTMT, SQLUSMALLINT), stmt, how);
}

SQLRETURN SQLNumResultCols(SQLHSTMT stmt, SQLSMALLINT *count)
{
	return FORWARD("SQLNumResultCols", (SQLHSTMT, SQLSMALLINT *), stmt, count);
}

SQLRETURN SQLRowCount(SQLHSTMT stmt, SQLLEN *count)
{
	return FORWARD("SQLRowCount", (SQLHSTMT, SQLLEN *), stmt, count);
}

SQLRETURN SQLMoreResults(SQLHSTMT stmt)
{
	const char *with;
	int native;

	if (fail_plan.freetds) {
		SQLRETURN ret = freetds_more(stmt, &with, &native);

		return ret == SQL_ERROR ? fail_with(with, native) : ret;
	}
	return FORWARD("SQLMoreResults", (SQLHSTMT), stmt);
}

SQLRETURN SQLSetStmtAttr(SQLHSTMT stmt, SQLINTEGER attribute, SQLPOINTER value, SQLINTEGER length)
{
	is_failed = false;
	if (fail_plan.freetds && freetds_attribute(attribute))
		return fail_with("HYC00", 0);
	return FORWARD("SQLSetStmtAttr", (SQLHSTMT, SQLINTEGER, SQLPOINTER, SQLINTEGER), stmt,
		       attribute, value, length);
}

SQLRETURN SQLGetStmtAttr(SQLHSTMT stmt, SQLINTEGER attribute, SQLPOINTER value, SQLINTEGER size,
			 SQLINTEGER *length)
{
	return FORWARD("SQLGetStmtAttr",
		       (SQLHSTMT, SQLINTEGER, SQLPOINTER, SQLINTEGER, SQLINTEGER *), stmt,
		       attribute, value, size, length);
}
