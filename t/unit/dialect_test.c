#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "odbc/content_schema.h"
#include "odbc/dialect.h"
#include "odbc/mssql_text.h"
#include "odbc/record_schema.h"

/* What every dialect must have, whether there is a server to try it on or not. */
static const struct dialect *const dialects[] = {&dialect_sqlite, &dialect_postgresql,
						 &dialect_mssql};
enum { DIALECTS = sizeof(dialects) / sizeof(dialects[0]) };

static unsigned count(const char *text, char letter)
{
	unsigned found = 0;

	for (; *text; text++)
		found += *text == letter;
	return found;
}

static void test_every_statement_has_a_text_in_every_dialect(void **state)
{
	(void)state;
	for (unsigned d = 0; d < DIALECTS; d++)
		for (unsigned i = 0; i < STATEMENTS; i++) {
			const char *kinds = dialect_parameters((enum statement)i);
			char *text;

			if (!dialects[d]->statements[i] && !statement_text[i])
				fail_msg("%s has no statement %u", dialects[d]->name, i);
			text = dialect_statement(dialects[d], (enum statement)i, 1);
			assert_non_null(text);
			if (count(text, '?') != strlen(kinds))
				fail_msg("%s: %s\nwith parameters \"%s\"", dialects[d]->name, text,
					 kinds);
			assert_int_equal(count(text, '('), count(text, ')'));
			assert_int_equal(count(text, '\'') % 2, 0);
			free(text);
		}
}

static void refuse_words(const char *const *words, const char *text, const char *where)
{
	for (; *words; words++)
		if (strstr(text, *words))
			fail_msg("%s cannot understand %s in\n%s", where, *words, text);
}

/* What one of the databases does not know. */
static void test_statements_have_no_words_of_another_dialect(void **state)
{
	static const char *const not_postgresql[] = {"IFNULL(",	  "GROUP_CONCAT", "REPLACE INTO",
						     "INSERT OR", " GLOB ",	  "ROWID",
						     "DATETIME(", "STRFTIME",	  NULL};
	static const char *const not_mssql[] = {
		"ON CONFLICT", "LIMIT",	  "excluded.", "||",	  " ILIKE ", "RETURNING",
		" LENGTH(",    "SUBSTR(", "USING (",   "IFNULL(", "NULLS ",  " ESCAPE ",
		"TRUE",	       "FALSE",	  "GREATEST(", "ON TRUE", "column1", NULL};

	(void)state;
	for (unsigned i = 0; i < STATEMENTS; i++) {
		char *postgresql = dialect_statement(&dialect_postgresql, (enum statement)i, 1);
		char *mssql = dialect_statement(&dialect_mssql, (enum statement)i, 1);

		refuse_words(not_postgresql, postgresql, "PostgreSQL");
		refuse_words(not_mssql, mssql, "SQL Server");
		free(postgresql);
		free(mssql);
	}
}

static void check_steps(const struct schema *schema)
{
	static const char *const plain[] = {
		"BLOB",	    "VARCHAR", " TEXT",	       "WITHOUT ROWID", "ADD COLUMN", "LENGTH(",
		"STRFTIME", "RANDOM",  "GROUP_CONCAT", "AUTOINCREMENT", NULL};
	struct err err;

	for (unsigned s = 0; s < schema->step_count; s++)
		for (const char *const *sql = schema->steps[s]; *sql; sql++) {
			if (!strstr(*sql, "{only "))
				refuse_words(plain, *sql, "a step: use the word of dialect.h, it");
			for (unsigned d = 0; d < DIALECTS; d++) {
				char *text = dialect_expand(dialects[d], *sql, &err);

				if (!text)
					fail_msg("%s: %s", dialects[d]->name, err.text);
				assert_null(strchr(text, '{'));
				assert_int_equal(count(text, '('), count(text, ')'));
				free(text);
			}
		}
}

static void test_steps_can_be_said_in_every_dialect(void **state)
{
	(void)state;
	check_steps(&schema_content);
	check_steps(&schema_record);
}

/* All that are run with many rows at once. */
static void test_many_rows_go_into_one_statement_where_that_is_quicker(void **state)
{
	static const enum statement many[] = {STATEMENT_MESSAGE_PUT, STATEMENT_ROOM_SEQ,
					      STATEMENT_RECORD_PUT, STATEMENT_INDEX_PUT};

	(void)state;
	assert_true(dialect_mssql.parameters_max > 0 && dialect_mssql.parameters_max < 2090);
	for (unsigned i = 0; i < sizeof(many) / sizeof(many[0]); i++)
		for (unsigned d = 0; d < DIALECTS; d++) {
			const unsigned most = dialects[d]->rows[0], rows = most > 0 ? most : 1;
			char *text = dialect_statement(dialects[d], many[i], rows);

			assert_int_equal(count(text, '?'),
					 rows * strlen(dialect_parameters(many[i])));
			assert_int_equal(count(text, '('), count(text, ')'));
			free(text);
		}
}

/* The others its driver takes apart anew each time that they are run. */
static void test_sqlite_keeps_every_statement(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STATEMENTS; i++) {
		char *text = dialect_statement(&dialect_sqlite, (enum statement)i, 1);

		if (strncmp(text, "SELECT ", 7) != 0 && strncmp(text, "WITH ", 5) != 0)
			fail_msg("neither SELECT nor WITH stands before %s", text);
		free(text);
	}
}

static void test_words_in_braces_are_expanded(void **state)
{
	static const struct {
		const char *text, *sqlite, *mssql;
	} cases[] = {
		{"a {text 36} b", "a VARCHAR(36) b",
		 "a NVARCHAR(36) COLLATE Latin1_General_100_BIN2 b"},
		{"{binary}", "BLOB", "VARBINARY(MAX)"},
		{"{not mssql}A", "A", ""},
		{"{only mssql}A", "", "A"},
		{"x{keyed}", "xWITHOUT ROWID", "x"},
	};
	struct err err;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *sqlite = dialect_expand(&dialect_sqlite, cases[i].text, &err);
		char *mssql = dialect_expand(&dialect_mssql, cases[i].text, &err);

		assert_string_equal(sqlite, cases[i].sqlite);
		assert_string_equal(mssql, cases[i].mssql);
		free(sqlite);
		free(mssql);
	}
	assert_null(dialect_expand(&dialect_sqlite, "a {nonsense} b", &err));
	assert_null(dialect_expand(&dialect_sqlite, "a {text", &err));
	assert_null(dialect_expand(&dialect_sqlite, "a {binary 7}", &err));
}

static void test_statements_become_t_sql(void **state)
{
	static const struct {
		const char *text, *parameters, *expected;
		unsigned rows;
	} cases[] = {
		{"SELECT a FROM t WHERE b = ? ORDER BY a LIMIT ?", "ti",
		 "SELECT a FROM t WHERE b = ? ORDER BY a OFFSET 0 ROWS FETCH NEXT ? ROWS ONLY", 1},
		{"SELECT a FROM t ORDER BY a LIMIT 1", "",
		 "SELECT a FROM t ORDER BY a OFFSET 0 ROWS FETCH NEXT 1 ROWS ONLY", 1},
		{"SELECT a FROM t ORDER BY a LIMIT ? OFFSET ?", "ii",
		 "DECLARE @v1 BIGINT = ?, @v2 BIGINT = ?; "
		 "SELECT a FROM t ORDER BY a OFFSET @v2 ROWS FETCH NEXT @v1 ROWS ONLY",
		 1},
		{"SELECT a FROM t WHERE (a, b) > (?, ?) ORDER BY a, b LIMIT ?", "iti",
		 "DECLARE @v1 BIGINT = ?, @v2 NVARCHAR(MAX) = ?, @v3 BIGINT = ?; "
		 "SELECT a FROM t WHERE (a > @v1 OR (a = @v1 AND (b > @v2))) ORDER BY a, b "
		 "OFFSET 0 ROWS FETCH NEXT @v3 ROWS ONLY",
		 1},
		{"INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT (a) DO NOTHING", "it",
		 "INSERT INTO t (a, b) SELECT a, b FROM (VALUES (?, ?), (?, ?)) AS v (a, b) "
		 "WHERE NOT EXISTS (SELECT 1 FROM t AS o WHERE o.a = v.a)",
		 2},
		{"INSERT INTO t (a, b, c) VALUES (?, ?, 0) ON CONFLICT (a) DO UPDATE SET "
		 "b = excluded.b",
		 "ib",
		 "DECLARE @v1 BIGINT = ?, @v2 VARBINARY(MAX) = ?; UPDATE t SET b = @v2 "
		 "WHERE a = @v1; IF @@ROWCOUNT = 0 INSERT INTO t (a, b, c) VALUES (@v1, @v2, 0)",
		 1},
		{"INSERT INTO t (a, b) VALUES (?, ?)", "it",
		 "INSERT INTO t (a, b) VALUES (?, ?), (?, ?), (?, ?)", 3},
		{"DELETE FROM t WHERE a = ?", "i", "DELETE FROM t WHERE a = ?", 1},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = mssql_text(cases[i].text, cases[i].parameters, cases[i].rows);

		assert_non_null(text);
		assert_string_equal(text, cases[i].expected);
		free(text);
	}
}

static void test_failures_of_sql_server_are_sorted(void **state)
{
	static const struct {
		const char *state;
		int native;
		enum db_result result;
		bool next;
	} cases[] = {
		{"23000", 2627, DB_BAD_DATA, false}, {"23000", 2601, DB_BAD_DATA, false},
		{"23000", 547, DB_BAD_DATA, false},  {"42000", 1205, DB_RETRY, false},
		{"HY019", 0, DB_BAD_DATA, false},    {"42000", 18456, DB_FATAL, true},
		{"08004", 911, DB_FATAL, true},	     {"42000", 4060, DB_FATAL, true},
		{"08001", 0, DB_RETRY, false},	     {"42000", 1222, DB_RETRY, false},
		{"42000", 3960, DB_RETRY, false},    {"42000", 2628, DB_BAD_DATA, false},
		{"22001", 8152, DB_BAD_DATA, false}, {"42S01", 2714, DB_FATAL, false},
		{"42000", 1913, DB_FATAL, false},    {"HY000", 0, DB_RETRY, false},
		{"08S01", 0, DB_RETRY, false},	     {"24000", 0, DB_RETRY, false},
		{"HY000", 2402, DB_RETRY, false},    {"HYT00", 0, DB_RETRY, false},
		{"42000", 3906, DB_RETRY, true},     {"42000", 978, DB_RETRY, true},
		{"42000", 9002, DB_RETRY, false},    {"42000", 102, DB_FATAL, false},
		{"HY000", 4711, DB_FATAL, false},    {"", 0, DB_RETRY, false},
		{"01000", 20017, DB_RETRY, false},   {"01000", 20047, DB_RETRY, false},
		{"08S01", 20004, DB_RETRY, false},   {"01000", 4711, DB_FATAL, false},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool next;

		assert_int_equal(
			dialect_sort(&dialect_mssql, cases[i].state, cases[i].native, &next),
			cases[i].result);
		assert_int_equal(next, cases[i].next);
	}
}

/* What psqlodbc says is all it says: the code is the same for all of these. */
static void test_a_wrong_password_is_not_waited_for(void **state)
{
	static const struct {
		const char *text;
		bool refuses;
	} cases[] = {
		{"FATAL:  password authentication failed for user \"pchat\"\n", true},
		{"FATAL:  database \"nodb\" does not exist\n", true},
		{"FATAL:  no pg_hba.conf entry for host \"::1\"", true},
		{"FATAL:  the database system is starting up\n", false},
		{"FATAL:  sorry, too many clients already\n", false},
		{"Is the server running on that host and accepting TCP/IP connections?", false},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(dialect_refuses(&dialect_postgresql, cases[i].text),
				 cases[i].refuses);
		assert_false(dialect_refuses(&dialect_sqlite, cases[i].text));
	}
	assert_false(dialect_refuses(NULL, cases[0].text));
}

static const char *warning_of(const char *dsn)
{
	return dialect_warning(&dialect_mssql, dsn);
}

static void test_encryption_without_a_certificate_is_told(void **state)
{
	static const char dsn[] = "Driver=FreeTDS;Servername=x;Encryption=require";
	char path[] = "/tmp/pchat-freetds-XXXXXX";
	const int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	setenv("FREETDSCONF", path, 1);
	assert_non_null(warning_of(dsn));
	assert_null(warning_of("Driver=FreeTDS;Servername=x"));
	assert_null(dialect_warning(&dialect_postgresql, dsn));
	assert_true(dprintf(fd, "[global]\n\tca file = /etc/ssl/certs/ca.pem\n") > 0);
	assert_null(warning_of(dsn));
	assert_null(warning_of("driver=FreeTDS;encryption=STRICT;SERVERNAME=x"));
	close(fd);
	unlink(path);
	assert_non_null(warning_of(dsn));
	unsetenv("FREETDSCONF");
}

/* Of a server by its address FreeTDS reads nothing of its file: whoever has a certificate is
 * believed. */
static void test_encryption_for_a_server_by_its_address_is_told(void **state)
{
	char conf[] = "/tmp/pchat-freetds-XXXXXX", ini[] = "/tmp/pchat-odbc-ini-XXXXXX";
	const int in_conf = mkstemp(conf), in_ini = mkstemp(ini);

	(void)state;
	assert_true(in_conf >= 0 && in_ini >= 0);
	assert_true(dprintf(in_conf, "[global]\n\tca file = /etc/ssl/certs/ca.pem\n") > 0);
	assert_true(dprintf(in_ini, "[by-name]\nServername = x\nEncryption = require\n"
				    "[by-address]\nServer = x\nEncryption = require\n") > 0);
	setenv("FREETDSCONF", conf, 1);
	setenv("ODBCINI", ini, 1);
	assert_non_null(warning_of("Driver=FreeTDS;Server=x;Encryption=require"));
	assert_non_null(warning_of("DSN=by-address;UID=a;PWD=b"));
	assert_null(warning_of("DSN=by-name;UID=a;PWD=b"));
	unsetenv("FREETDSCONF");
	unsetenv("ODBCINI");
	close(in_conf);
	close(in_ini);
	unlink(conf);
	unlink(ini);
}

/* Neither by an attribute, nor only for the next transaction. */
static void test_a_snapshot_is_asked_for_by_statements(void **state)
{
	(void)state;
	assert_string_equal(dialect_mssql.begin_read[0],
			    "SET TRANSACTION ISOLATION LEVEL SNAPSHOT");
	assert_string_equal(dialect_mssql.begin_read[1], "BEGIN TRANSACTION");
	assert_null(dialect_mssql.begin_read[2]);
	for (unsigned d = 0; d < DIALECTS; d++)
		assert_non_null(dialects[d]->begin_read);
}

/* FreeTDS cuts what is bound as anything else, and declares a type by length where it has none. */
static void test_text_is_bound_as_types_that_are_not_cut(void **state)
{
	(void)state;
	assert_int_equal(dialect_mssql.text_type, -10);	 /* SQL_WLONGVARCHAR */
	assert_int_equal(dialect_mssql.binary_type, -4); /* SQL_LONGVARBINARY */
}

static void test_dialect_is_known_by_its_connection_string(void **state)
{
	(void)state;
	assert_ptr_equal(dialect_of_dsn("Driver=FreeTDS;Server=x"), &dialect_mssql);
	assert_ptr_equal(dialect_of_dsn("Driver=PostgreSQL Unicode;Servername=x"),
			 &dialect_postgresql);
	assert_ptr_equal(dialect_of_dsn("Driver=SQLite3;Database=x"), &dialect_sqlite);
	assert_null(dialect_of_dsn("DSN=chat"));
	assert_ptr_equal(dialect_of_dbms("Microsoft SQL Server"), &dialect_mssql);
	assert_ptr_equal(dialect_of_dbms("PostgreSQL"), &dialect_postgresql);
	assert_null(dialect_of_dbms("Oracle"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_statement_has_a_text_in_every_dialect),
		cmocka_unit_test(test_statements_have_no_words_of_another_dialect),
		cmocka_unit_test(test_steps_can_be_said_in_every_dialect),
		cmocka_unit_test(test_many_rows_go_into_one_statement_where_that_is_quicker),
		cmocka_unit_test(test_sqlite_keeps_every_statement),
		cmocka_unit_test(test_words_in_braces_are_expanded),
		cmocka_unit_test(test_statements_become_t_sql),
		cmocka_unit_test(test_failures_of_sql_server_are_sorted),
		cmocka_unit_test(test_encryption_without_a_certificate_is_told),
		cmocka_unit_test(test_encryption_for_a_server_by_its_address_is_told),
		cmocka_unit_test(test_a_snapshot_is_asked_for_by_statements),
		cmocka_unit_test(test_a_wrong_password_is_not_waited_for),
		cmocka_unit_test(test_text_is_bound_as_types_that_are_not_cut),
		cmocka_unit_test(test_dialect_is_known_by_its_connection_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
