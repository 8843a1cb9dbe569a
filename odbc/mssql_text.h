#ifndef PCHAT_ODBC_MSSQL_TEXT_H
#define PCHAT_ODBC_MSSQL_TEXT_H

/*
 * A statement of statement.c in T-SQL, for so many rows; the caller frees it. NULL: no memory.
 * parameters: their letters (odbc/statement.h).
 *
 *	INSERT ... ON CONFLICT (key) DO NOTHING   INSERT of those rows that are not there yet
 *	INSERT ... ON CONFLICT (key) DO UPDATE    UPDATE, and INSERT where that found nothing
 *	LIMIT ?, LIMIT ? OFFSET ?                 OFFSET ... FETCH
 *	LIKE ? ESCAPE '\'                         the escapes as brackets
 *	(a, b) > (?, ?)                           a > ? OR a = ? AND b > ?
 *
 * Where a parameter is needed twice or in another order the parameters become variables. MERGE is
 * not used: it has its own races.
 */
char *mssql_text(const char *text, const char *parameters, unsigned rows);

#endif
