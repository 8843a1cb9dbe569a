#include "odbc/dialect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/bug.h"

static const struct dialect *const dialects[] = {&dialect_sqlite, &dialect_postgresql,
						 &dialect_mssql};
enum { DIALECTS = sizeof(dialects) / sizeof(dialects[0]) };

/*
 * What SQLSTATEs mean in any database. What is not here is fatal: to go on as if an unknown failure
 * were harmless could lose messages, and to call it bad data could empty the journal into the
 * dead letters while the database is the one that is ill.
 */
static const struct dialect_error common_errors[] = {
	{"08", 0, DB_RETRY, false},    /* connection failed or lost */
	{"24000", 0, DB_RETRY, false}, /* invalid cursor state: the connection is spoilt */
	{"25006", 0, DB_RETRY, true},  /* read-only transaction: a mirror that is none yet */
	{"HYT", 0, DB_RETRY, false},   /* time-outs */
	{"HY001", 0, DB_RETRY, false}, /* no memory */
	{"40", 0, DB_RETRY, false},    /* transaction rolled back: deadlock, serialisation */
	{"22", 0, DB_BAD_DATA, false}, /* data exceptions: too long, out of range, bad characters */
	{"23", 0, DB_BAD_DATA, false}, /* constraints */
	{NULL, 0, DB_FATAL, false},
};

const struct dialect *dialect_of_dbms(const char *dbms)
{
	for (unsigned i = 0; i < DIALECTS; i++)
		if (strncasecmp(dbms, dialects[i]->dbms, strlen(dialects[i]->dbms)) == 0)
			return dialects[i];
	return NULL;
}

const struct dialect *dialect_of_dsn(const char *dsn)
{
	for (unsigned i = 0; i < DIALECTS; i++)
		if (strcasestr(dsn, dialects[i]->hint))
			return dialects[i];
	return NULL;
}

static const struct dialect_error *find_error(const struct dialect_error *row, const char *state,
					      int native)
{
	for (; row->state; row++)
		if (strncmp(state, row->state, strlen(row->state)) == 0 &&
		    (row->native == 0 || row->native == native ||
		     (row->native == DIALECT_NO_CODE && native == 0)))
			break;
	return row;
}

enum db_result dialect_sort(const struct dialect *dialect, const char *state, int native,
			    bool *next_r)
{
	const struct dialect_error *row = NULL;

	*next_r = false;
	if (*state == '\0')
		return DB_RETRY; /* a failure without a diagnosis: the connection is gone */
	if (dialect)
		row = find_error(dialect->errors, state, native);
	if (!row || !row->state)
		row = find_error(common_errors, state, native);
	*next_r = row->next;
	return row->result;
}

const char *dialect_warning(const struct dialect *dialect, const char *dsn)
{
	return dialect && dialect->warning ? dialect->warning(dsn) : NULL;
}

bool dialect_refuses(const struct dialect *dialect, const char *text)
{
	const char *const *word = dialect ? dialect->refusals : NULL;

	for (; word && *word; word++)
		if (strstr(text, *word))
			return true;
	return false;
}

const char *dialect_parameters(enum statement number)
{
	static const char *const parameters[] = {
#define X(id, parameters, columns) parameters,
		STATEMENT_LIST(X)
#undef X
	};
	return parameters[number];
}

const char *dialect_columns(enum statement number)
{
	static const char *const columns[] = {
#define X(id, parameters, columns) columns,
		STATEMENT_LIST(X)
#undef X
	};
	return columns[number];
}

bool dialect_packs(const struct dialect *dialect, enum statement number)
{
	return dialect->packs &&
	       (number == STATEMENT_HISTORY_NEWEST || number == STATEMENT_HISTORY_OLDEST ||
		number == STATEMENT_PAGE_NEWEST || number == STATEMENT_PAGE_OLDEST);
}

/* The end of the list that begins with a parenthesis. */
static const char *end_of_list(const char *text)
{
	unsigned depth = 0;

	do {
		depth += *text == '(';
		depth -= *text == ')';
		text++;
	} while (depth > 0 && *text);
	return text;
}

static void put_rows(FILE *out, const char *text, unsigned rows)
{
	static const char word[] = "VALUES (";
	const char *const values = strstr(text, word);
	const char *list, *end;

	bug_on(!values);
	list = values + sizeof(word) - 2;
	end = end_of_list(list);
	fwrite(text, 1, (size_t)(end - text), out);
	while (--rows > 0)
		fprintf(out, ", %.*s", (int)(end - list), list);
	fputs(end, out);
}

char *dialect_statement(const struct dialect *dialect, enum statement number, unsigned rows)
{
	const char *const own = dialect->statements[number];
	const char *const text = own ? own : statement_text[number];
	const bool writes = *dialect_columns(number) == '\0';
	char *out = NULL;
	size_t size;
	FILE *stream;

	if (!own && dialect->write)
		return dialect->write(text, dialect_parameters(number), rows);
	stream = open_memstream(&out, &size);
	if (!stream)
		return NULL;
	if (writes && dialect->writes)
		fputs(dialect->writes, stream);
	if (rows == 1)
		fputs(text, stream);
	else
		put_rows(stream, text, rows);
	if (fclose(stream) == 0)
		return out;
	free(out);
	return NULL;
}
