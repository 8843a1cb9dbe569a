#include "freetds.h"

#include <iconv.h>
#include <string.h>

#include "odbc.h"

enum {
	PARAMETERS = 2101, /* and one to which nothing is bound */
	TEXT_MAX = 4000,   /* of a type that is not long */
	BINARY_MAX = 8000,
};

/* The connection; there is one at a time. */
static bool is_spoilt;	      /* by a string that it could not convert */
static SQLHSTMT reading;      /* the statement whose result is open */
static SQLHSTMT failed;	      /* the statement whose second result is a failure */
static SQLHSTMT bad;	      /* the statement with a parameter that cannot be sent */
static const char *bad_state; /* what it is refused with */
static int bad_native;
static SQLLEN sent[PARAMETERS];
static SQLULEN sizes[PARAMETERS];

void freetds_connected(void)
{
	is_spoilt = false;
	reading = failed = bad = SQL_NULL_HSTMT;
}

bool freetds_is_own(const char *text)
{
	if (strncmp(text, "SET ", 4) != 0)
		return false;
	fail_plan.snapshots += strstr(text, "ISOLATION LEVEL SNAPSHOT") != NULL;
	return true;
}

const char *freetds_text(const char *text)
{
	return strncmp(text, "IF @@TRANCOUNT", 14) == 0 ? "ROLLBACK" : text;
}

/* --- Parameters. --- */

static bool can_convert(const char *to, const char *data, SQLLEN length)
{
	iconv_t convert = iconv_open(to, "UTF-8");
	char *in = (char *)data, out[4096];
	size_t left = (size_t)length;
	bool good = true;

	while (good && left > 0) {
		char *next = out;
		size_t room = sizeof(out);
		const size_t before = left;

		iconv(convert, &in, &left, &next, &room);
		good = left < before;
	}
	iconv_close(convert);
	return good;
}

static void refuse(SQLHSTMT stmt, const char *state, int native)
{
	bad = stmt;
	bad_state = state;
	bad_native = native;
}

static bool is_wide(SQLSMALLINT type)
{
	return type == SQL_WLONGVARCHAR || type == SQL_WVARCHAR || type == SQL_WCHAR;
}

SQLLEN *freetds_bound(SQLHSTMT stmt, SQLUSMALLINT number, SQLSMALLINT type, SQLULEN size,
		      const void *value, SQLLEN *length)
{
	const bool is_binary = type == SQL_BINARY || type == SQL_VARBINARY;
	const bool is_cut = is_binary || type == SQL_CHAR || type == SQL_VARCHAR ||
			    type == SQL_WCHAR || type == SQL_WVARCHAR;
	const SQLLEN most = is_binary ? BINARY_MAX : TEXT_MAX;

	if (number >= PARAMETERS) {
		refuse(stmt, "HY000", 8003);
		return length;
	}
	if (type == SQL_BIGINT)
		return length;
	fail_plan.plans += size == 0 || (sizes[number] != 0 && sizes[number] != size);
	sizes[number] = size;
	if (!is_binary && type != SQL_LONGVARBINARY &&
	    !can_convert(is_wide(type) ? "UTF-16LE" : "CP1252", value, *length))
		refuse(stmt, "HY000", 2402);
	sent[number] = is_cut && *length > most ? most : *length;
	return &sent[number];
}

/* --- Executions. --- */

const char *freetds_refusal(SQLHSTMT stmt, int *native_r)
{
	*native_r = 0;
	if (is_spoilt || (reading && reading != stmt))
		return "24000";
	if (bad == SQL_NULL_HSTMT || bad != stmt)
		return NULL;
	bad = SQL_NULL_HSTMT;
	is_spoilt = bad_native == 2402;
	*native_r = bad_native;
	return bad_state;
}

SQLRETURN freetds_executed(SQLHSTMT stmt, SQLRETURN ret, bool has_columns)
{
	if (has_columns) {
		reading = SQL_SUCCEEDED(ret) ? stmt : SQL_NULL_HSTMT;
		return ret;
	}
	failed = ret == SQL_ERROR ? stmt : SQL_NULL_HSTMT;
	return SQL_NO_DATA;
}

SQLRETURN freetds_more(SQLHSTMT stmt, const char **state_r, int *native_r)
{
	if (failed == SQL_NULL_HSTMT || failed != stmt)
		return SQL_NO_DATA;
	failed = SQL_NULL_HSTMT;
	*state_r = "23000";
	*native_r = 2627;
	return SQL_ERROR;
}

void freetds_done(SQLHSTMT stmt)
{
	if (reading == stmt)
		reading = SQL_NULL_HSTMT;
}

/* How much is left it does not say. */
void freetds_piece(SQLRETURN ret, SQLSMALLINT type, SQLLEN *length)
{
	if (ret == SQL_SUCCESS_WITH_INFO && type == SQL_C_CHAR && *length != SQL_NULL_DATA)
		*length = SQL_NO_TOTAL;
}

bool freetds_attribute(SQLINTEGER attribute)
{
	fail_plan.timeouts += attribute == SQL_ATTR_QUERY_TIMEOUT;
	return attribute == SQL_ATTR_TXN_ISOLATION || attribute == SQL_ATTR_ASYNC_ENABLE;
}
