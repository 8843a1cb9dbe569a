#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unistr.h>

#include "conf/clock.h"
#include "odbc/content.h"
#include "odbc/content_schema.h"
#include "odbc/dialect.h"
#include "t/unit/database.h"

/*
 * What psqlodbc and PostgreSQL do that a program must cope with, one by one. Runs only where
 * PCHAT_TEST_DSN names a database of PostgreSQL (t/14-postgresql.t).
 */
struct place {
	struct database database;
	struct db *db, *rival;
	struct err err;
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place || !database_make(&place->database, ""))
		return -1;
	*state = place;
	place->db = db_new(&place->database.list, &place->err);
	place->rival = db_new(&place->database.list, &place->err);
	if (db_connect(place->db, &place->err) != DB_OK ||
	    content_open(place->db, &place->err) != DB_OK ||
	    db_connect(place->rival, &place->err) != DB_OK) {
		print_message("%s\n", place->err.text);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	db_free(&place->db);
	db_free(&place->rival);
	database_remove(&place->database);
	free(place);
	return 0;
}

#define assert_db(expression, result) assert_int_equal((expression), (result))

static enum db_result put_text(struct place *place, uint64_t seq, const char *text, size_t length)
{
	const struct content_message message = {
		.room = 1, .seq = seq, .time = seq, .author = 1, .text = {text, length}};

	return content_messages_put(place->db, &message, 1, &place->err);
}

static void expect_text(struct place *place, uint64_t seq, const char *text, size_t length)
{
	const struct content_page page = {
		.room = 1, .after = seq - 1, .before = seq + 1, .limit = 1};
	struct content_history_row row;

	assert_db(content_history(place->db, &page, &place->err), DB_OK);
	assert_db(content_history_next(place->db, &page, &row, &place->err), DB_OK);
	assert_int_equal(row.message.text.length, length);
	assert_memory_equal(row.message.text.data, text, length);
	assert_db(content_history_next(place->db, &page, &row, &place->err), DB_END);
}

static void expect_round_trip(struct place *place, uint64_t seq, const char *text, size_t length)
{
	assert_db(put_text(place, seq, text, length), DB_OK);
	expect_text(place, seq, text, length);
}

static void ask(struct place *place, const char *sql, const char *answer)
{
	char got[256];

	assert_true(database_ask(&place->database, sql, got, sizeof(got)));
	assert_string_equal(got, answer);
}

/* --- Text. --- */

static void test_awkward_text_comes_back_as_it_was(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"ends in blanks   ",
		"\t\r\n \r\n",
		"' '' \" \\ \\' ",
		"? ?? {fn now()} {?} $1 $$ :name %s",
		"\\x41 \\101",
		"E'\\n'",
		"NULL",
		"\xef\xbb\xbf",
		"\xf0\x9f\x98\x80\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80",
		"e\xcc\x81 \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe2\x80\xae",
		"\xef\xbf\xbf \xf4\x8f\xbf\xbf",
		"\x01\x1f\x7f",
	};
	struct place *place = *state;

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_round_trip(place, i + 1, texts[i], strlen(texts[i]));
}

/* Lengths around those at which the driver says that a column ends: 255, 8190, and its pieces. */
static void test_text_of_any_length_is_whole(void **state)
{
	static const size_t lengths[] = {254,  255,  256,  257,	 4000,	4001,  4095,	4096,
					 8000, 8189, 8190, 8191, 65535, 65536, 1 << 20, 5 << 20};
	struct place *place = *state;
	char *text = malloc(5 << 20);

	for (size_t i = 0; i < 5 << 20; i++)
		text[i] = (char)('a' + i % 26);
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		expect_round_trip(place, i + 1, text, lengths[i]);
	free(text);
}

/* Characters of four bytes, shifted, so that every boundary falls into one somewhere. */
static void test_characters_are_not_cut_at_any_boundary(void **state)
{
	struct place *place = *state;
	enum { SIZE = 70000 };
	char text[SIZE];

	for (unsigned shift = 0; shift < 4; shift++) {
		size_t length = shift;

		memset(text, 'x', shift);
		for (; length + 4 <= SIZE; length += 4)
			memcpy(text + length, "\xf0\x9f\x98\x80", 4);
		expect_round_trip(place, shift + 1, text, length);
	}
}

static void test_every_plane_of_unicode_is_kept(void **state)
{
	struct place *place = *state;

	for (unsigned plane = 0; plane <= 16; plane++) {
		char text[6 * 64];
		size_t length = 0;

		for (ucs4_t i = 0; i < 64; i++)
			length += (size_t)u8_uctomb((uint8_t *)text + length,
						    plane * 0x10000 + 0x100 + 0x101 * i, 6);
		expect_round_trip(place, plane + 1, text, length);
	}
}

/* The driver sets the locale of the process by the environment, and may ask it what bytes mean. */
static void test_text_does_not_depend_on_the_locale(void **state)
{
	static const char text[] = "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80";
	struct place *place = *state;

	setenv("LC_ALL", "C", 1);
	setlocale(LC_ALL, "C");
	assert_db(db_connect(place->db, &place->err), DB_OK);
	expect_round_trip(place, 1, text, strlen(text));
	ask(place, "SELECT LENGTH(body), OCTET_LENGTH(body) FROM pc_message", "6|11");
}

static void put_principal(struct place *place, uint32_t id, const char *uri)
{
	const struct content_principal principal = {.id = id, .kind = 5, .uri = {uri, strlen(uri)}};

	assert_db(content_principal_put(place->db, &principal, &place->err), DB_OK);
}

static void test_names_that_end_in_blanks_or_differ_in_case_are_different(void **state)
{
	struct place *place = *state;

	put_principal(place, 1, "sip:a");
	put_principal(place, 2, "sip:a ");
	put_principal(place, 3, "sip:A");
	ask(place, "SELECT COUNT(*) FROM pc_principal WHERE uri = 'sip:a'", "1");
}

static void test_empty_text_is_not_null(void **state)
{
	struct place *place = *state;

	assert_db(put_text(place, 1, "", 0), DB_OK);
	ask(place, "SELECT COUNT(*) FROM pc_message WHERE body = '' AND body IS NOT NULL", "1");
}

/* --- Other types. --- */

static void test_binary_is_kept_to_the_byte(void **state)
{
	static const char uri[] = "sip:alice@example.test";
	struct place *place = *state;

	for (unsigned round = 0; round < 256; round++) {
		struct content_credential put = {.mechanism = "X", .iterations = 1}, got;

		put.salt_length = round % (CONTENT_SALT_MAX + 1);
		put.stored_length = put.server_length = CONTENT_KEY_MAX;
		for (unsigned i = 0; i < CONTENT_KEY_MAX; i++)
			put.salt[i] = put.stored_key[i] = put.server_key[i] =
				(uint8_t)(round + 4 * i);
		assert_db(content_credential_set(place->db, uri, strlen(uri), &put, &place->err),
			  DB_OK);
		assert_db(
			content_credential_get(place->db, uri, strlen(uri), "X", &got, &place->err),
			DB_OK);
		assert_int_equal(got.salt_length, put.salt_length);
		assert_memory_equal(got.salt, put.salt, put.salt_length);
		assert_int_equal(got.server_length, CONTENT_KEY_MAX);
		assert_memory_equal(got.server_key, put.server_key, CONTENT_KEY_MAX);
	}
}

static void test_integers_have_64_bits(void **state)
{
	struct place *place = *state;
	struct content_cursor put = {.lsn = INT64_MAX, .time = (uint64_t)INT64_MAX - 1}, got;

	assert_db(content_cursor_put(place->db, &put, &place->err), DB_OK);
	assert_db(content_cursor_get(place->db, &got, &place->err), DB_OK);
	assert_int_equal(got.lsn, INT64_MAX);
	assert_int_equal(got.time, INT64_MAX - 1);
}

/* --- Statements and transactions. --- */

static void test_statements_are_prepared_on_the_server_once(void **state)
{
	struct place *place = *state;

	for (uint64_t seq = 1; seq <= 20; seq++)
		assert_db(put_text(place, seq, "x", 1), DB_OK);
	assert_db(db_run(place->db,
			 "CREATE TABLE seen AS SELECT COUNT(*) AS count FROM pg_prepared_statements"
			 " WHERE statement LIKE 'INSERT INTO pc_message%'",
			 &place->err),
		  DB_OK);
	ask(place, "SELECT count FROM seen", "1");
}

/* The driver would set a savepoint before every statement and hide the failure. */
static void test_failure_ends_its_transaction(void **state)
{
	struct place *place = *state;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(put_text(place, 1, "first", 5), DB_OK);
	assert_db(put_text(place, 0, "breaks a rule", 13), DB_BAD_DATA);
	assert_db(put_text(place, 2, "in the failed one", 17), DB_RETRY);
	assert_false(db_connected(place->db));
	ask(place, "SELECT COUNT(*) FROM pc_message", "0");
}

/* The server answers COMMIT of a failed transaction with success, having rolled back. */
static void test_commit_after_a_failure_does_not_pretend(void **state)
{
	struct place *place = *state;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(put_text(place, 1, "first", 5), DB_OK);
	assert_db(put_text(place, 0, "breaks a rule", 13), DB_BAD_DATA);
	assert_db(db_commit(place->db, &place->err), DB_RETRY);
	ask(place, "SELECT COUNT(*) FROM pc_message", "0");
}

static void test_transaction_after_a_rollback_is_a_good_one(void **state)
{
	struct place *place = *state;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(put_text(place, 0, "breaks a rule", 13), DB_BAD_DATA);
	db_rollback(place->db);
	assert_true(db_connected(place->db));
	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(put_text(place, 1, "first", 5), DB_OK);
	assert_db(db_commit(place->db, &place->err), DB_OK);
	ask(place, "SELECT COUNT(*) FROM pc_message", "1");
}

static void test_table_that_changes_under_a_prepared_statement_is_retried(void **state)
{
	struct place *place = *state;
	const struct content_page page = {.room = 1, .before = 100, .limit = 1};
	struct content_history_row row;

	assert_db(put_text(place, 1, "text", 4), DB_OK);
	for (unsigned i = 0; i < 2; i++) {
		assert_db(content_history(place->db, &page, &place->err), DB_OK);
		assert_db(content_history_next(place->db, &page, &row, &place->err), DB_OK);
		assert_db(content_history_next(place->db, &page, &row, &place->err), DB_END);
	}
	assert_db(db_run(place->rival, "ALTER TABLE pc_message ALTER COLUMN flags TYPE BIGINT",
			 &place->err),
		  DB_OK);
	assert_db(content_history(place->db, &page, &place->err), DB_RETRY);
	assert_db(db_connect(place->db, &place->err), DB_OK);
	expect_text(place, 1, "text", 4);
}

/* --- Failures. --- */

static void end_connection(struct place *place)
{
	assert_db(db_run(place->rival,
			 "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
			 " WHERE pid <> pg_backend_pid() AND datname = current_database()",
			 &place->err),
		  DB_OK);
}

static void test_lost_connection_is_retried(void **state)
{
	struct place *place = *state;

	assert_db(put_text(place, 1, "first", 5), DB_OK);
	end_connection(place);
	assert_db(put_text(place, 2, "second", 6), DB_RETRY);
	assert_false(db_connected(place->db));
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_db(put_text(place, 2, "second", 6), DB_OK);
}

static void test_commit_on_a_lost_connection_is_uncertain(void **state)
{
	struct place *place = *state;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(put_text(place, 1, "first", 5), DB_OK);
	end_connection(place);
	assert_db(db_commit(place->db, &place->err), DB_UNCERTAIN);
	ask(place, "SELECT COUNT(*) FROM pc_message", "0");
}

static void test_lock_is_waited_for_a_bounded_time(void **state)
{
	struct place *place = *state;
	const uint64_t began = clock_mono();

	assert_db(db_begin(place->rival, &place->err), DB_OK);
	assert_db(db_run(place->rival, "LOCK TABLE pc_message", &place->err), DB_OK);
	assert_db(put_text(place, 1, "first", 5), DB_RETRY);
	assert_true(clock_mono() - began < 8000000);
}

static void test_upgrade_waits_for_its_turn_but_not_for_ever(void **state)
{
	struct place *place = *state;

	assert_db(db_run(place->db, "DROP TABLE pc_schema", &place->err), DB_OK);
	assert_db(db_begin(place->rival, &place->err), DB_OK);
	assert_db(db_run(place->rival, dialect_postgresql.schema_lock, &place->err), DB_OK);
	assert_db(content_open(place->db, &place->err), DB_RETRY);
	assert_non_null(strstr(place->err.text, "55P03"));
}

/* Each has a row that the other wants; the server ends the one that finds out first. */
static void test_deadlock_is_retried(void **state)
{
	struct place *place = *state;
	const char *const one = "UPDATE pc_cursor SET lsn = 1";
	const char *const two = "UPDATE pc_category SET flags = 1";
	pid_t child;
	int status;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(db_run(place->db, one, &place->err), DB_OK);
	child = fork();
	if (child == 0) {
		struct db *db = db_new(&place->database.list, &place->err);
		bool good = db_connect(db, &place->err) == DB_OK &&
			    db_run(db, "SET deadlock_timeout = 60000", &place->err) == DB_OK &&
			    db_begin(db, &place->err) == DB_OK &&
			    db_run(db, two, &place->err) == DB_OK;

		good = good && db_run(db, one, &place->err) == DB_OK;
		_exit(good ? 0 : 1);
	}
	for (char got[8] = ""; strcmp(got, "1") != 0;)
		assert_true(database_ask(&place->database,
					 "SELECT COUNT(*) FROM pg_stat_activity"
					 " WHERE wait_event_type = 'Lock'",
					 got, sizeof(got)));
	assert_db(db_run(place->db, "SET LOCAL deadlock_timeout = 10", &place->err), DB_OK);
	assert_db(db_run(place->db, two, &place->err), DB_RETRY);
	assert_non_null(strstr(place->err.text, "40P01"));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_database_that_takes_no_writes_leaves_the_next(void **state)
{
	struct place *place = *state;

	place->database.list.count = 2;
	place->database.list.item[1] = place->database.dsn;
	assert_db(db_run(place->db, "SET default_transaction_read_only = on", &place->err), DB_OK);
	assert_db(put_text(place, 1, "text", 4), DB_RETRY);
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_int_equal(db_place(place->db), 1);
}

static void test_database_of_another_encoding_is_refused(void **state)
{
	struct place *place = *state;
	char *name = strstr(place->database.dsn, "Database=");

	assert_non_null(name);
	assert_db(db_run(place->rival, "DROP DATABASE IF EXISTS latin1", &place->err), DB_OK);
	assert_db(db_run(place->rival,
			 "CREATE DATABASE latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
			 &place->err),
		  DB_OK);
	strcat(place->database.dsn, ";Database=latin1");
	memcpy(name, "Ignored_", 8);
	assert_db(db_connect(place->db, &place->err), DB_FATAL);
	assert_non_null(strstr(place->err.text, "encoding LATIN1"));
}

/* The driver has one state for all that keeps it from connecting, so it cannot be told apart. */
static void test_wrong_password_is_retried_and_not_told(void **state)
{
	struct place *place = *state;
	char *password = strstr(place->database.dsn, "PWD={");

	assert_non_null(password);
	password[5] = 'X';
	assert_db(db_connect(place->db, &place->err), DB_RETRY);
	assert_null(strstr(place->err.text, "loopback}"));
}

static void test_commits_wait_for_the_disk_whatever_the_server_says(void **state)
{
	struct place *place = *state;

	assert_db(db_run(place->rival, "ALTER ROLE CURRENT_USER SET synchronous_commit = off",
			 &place->err),
		  DB_OK);
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_db(
		db_run(place->db,
		       "CREATE TABLE seen AS SELECT current_setting('synchronous_commit') AS value",
		       &place->err),
		DB_OK);
	assert_db(db_run(place->rival, "ALTER ROLE CURRENT_USER RESET synchronous_commit",
			 &place->err),
		  DB_OK);
	ask(place, "SELECT value FROM seen", "on");
}

static void test_failures_are_sorted(void **state)
{
	static const struct {
		const char *state;
		enum db_result result;
		bool next;
	} cases[] = {
		{"08006", DB_RETRY, false},    {"08S01", DB_RETRY, false},
		{"22001", DB_BAD_DATA, false}, {"22021", DB_BAD_DATA, false},
		{"22P05", DB_BAD_DATA, false}, {"23505", DB_BAD_DATA, false},
		{"23514", DB_BAD_DATA, false}, {"25006", DB_RETRY, true},
		{"25P02", DB_RETRY, false},    {"25P03", DB_RETRY, false},
		{"26000", DB_RETRY, false},    {"28P01", DB_FATAL, true},
		{"3D000", DB_FATAL, true},     {"40001", DB_RETRY, false},
		{"40P01", DB_RETRY, false},    {"42501", DB_FATAL, false},
		{"42601", DB_FATAL, false},    {"42P01", DB_FATAL, false},
		{"53100", DB_RETRY, false},    {"53200", DB_RETRY, false},
		{"53300", DB_RETRY, false},    {"54000", DB_BAD_DATA, false},
		{"55P03", DB_RETRY, false},    {"55006", DB_RETRY, false},
		{"57014", DB_RETRY, false},    {"57P01", DB_RETRY, false},
		{"57P03", DB_RETRY, false},    {"58030", DB_RETRY, false},
		{"XX000", DB_FATAL, false},    {"P0001", DB_FATAL, false},
		{"HY000", DB_FATAL, false},    {"", DB_RETRY, false},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool next;

		assert_db(dialect_sort(&dialect_postgresql, cases[i].state, 7, &next),
			  cases[i].result);
		assert_int_equal(next, cases[i].next);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest without[] = {
		cmocka_unit_test(test_failures_are_sorted),
	};
	const struct CMUnitTest with[] = {
		TEST(test_awkward_text_comes_back_as_it_was),
		TEST(test_text_of_any_length_is_whole),
		TEST(test_characters_are_not_cut_at_any_boundary),
		TEST(test_every_plane_of_unicode_is_kept),
		TEST(test_text_does_not_depend_on_the_locale),
		TEST(test_names_that_end_in_blanks_or_differ_in_case_are_different),
		TEST(test_empty_text_is_not_null),
		TEST(test_binary_is_kept_to_the_byte),
		TEST(test_integers_have_64_bits),
		TEST(test_statements_are_prepared_on_the_server_once),
		TEST(test_failure_ends_its_transaction),
		TEST(test_commit_after_a_failure_does_not_pretend),
		TEST(test_transaction_after_a_rollback_is_a_good_one),
		TEST(test_table_that_changes_under_a_prepared_statement_is_retried),
		TEST(test_lost_connection_is_retried),
		TEST(test_commit_on_a_lost_connection_is_uncertain),
		TEST(test_lock_is_waited_for_a_bounded_time),
		TEST(test_upgrade_waits_for_its_turn_but_not_for_ever),
		TEST(test_deadlock_is_retried),
		TEST(test_database_that_takes_no_writes_leaves_the_next),
		TEST(test_database_of_another_encoding_is_refused),
		TEST(test_wrong_password_is_retried_and_not_told),
		TEST(test_commits_wait_for_the_disk_whatever_the_server_says),
	};
	int failed = cmocka_run_group_tests(without, NULL, NULL);

	if (!database_is_sqlite())
		failed += cmocka_run_group_tests(with, NULL, NULL);
	return failed;
}
