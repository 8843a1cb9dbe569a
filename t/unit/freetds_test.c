#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "odbc/content.h"
#include "odbc/dialect.h"
#include "odbc/record_schema.h"
#include "t/unit/database.h"
#include "t/unit/fail_driver.h"

/*
 * The traps of FreeTDS one by one, in the order of the list in odbc/mssql.c, without a server: the
 * driver of t/shim/odbc.c behaves as FreeTDS does, and the dialect is SQL Server's. Behind it is
 * SQLite, so only statements are used that say the same in both. With a server the same is in
 * driver_test, db_test and mssql_test (t/14-mssql.t).
 */
struct place {
	struct database database; /* by SQLite's own driver */
	struct fail_driver driver;
	struct db *db;
	struct err err;
};

#define assert_db(expression, result) assert_int_equal((expression), (result))

/* Both schemas, a room's number and an empty message 1 in it, by the driver that has no traps. */
static void make_tables(struct place *place)
{
	const struct content_message message = {.room = 1, .seq = 1, .time = 1, .author = 1};
	struct db *db = db_new(&place->database.list, &place->err);

	assert_db(db_connect(db, &place->err), DB_OK);
	assert_db(content_open(db, &place->err), DB_OK);
	assert_db(schema_upgrade(db, &schema_record, &place->err), DB_OK);
	assert_db(content_messages_put(db, &message, 1, &place->err), DB_OK);
	db_free(&db);
}

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	unsetenv("PCHAT_TEST_DSN"); /* it is SQLite's file in any case */
	if (!place || !database_make(&place->database))
		return -1;
	*state = place;
	fail_driver_load(&place->driver, place->database.directory);
	make_tables(place);
	*place->driver.plan = (struct fail_plan){.freetds = true};
	place->db = db_new(&place->driver.list, &place->err);
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_ptr_equal(db_dialect(place->db), &dialect_mssql);
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	db_free(&place->db);
	fail_driver_unload(&place->driver);
	database_remove(&place->database);
	free(place);
	return 0;
}

static enum db_result put_text(struct place *place, const char *text, size_t length)
{
	struct db_stmt *stmt = db_statement(place->db, STATEMENT_MESSAGE_REPLACE);

	db_bind_text(stmt, 0, text, length);
	db_bind_int(stmt, 1, 1);
	db_bind_int(stmt, 2, 1);
	return db_execute(stmt, &place->err);
}

static struct db_stmt *read_text(struct place *place)
{
	struct db_stmt *stmt = db_statement(place->db, STATEMENT_INDEX_TEXT);

	db_bind_int(stmt, 0, 1);
	db_bind_int(stmt, 1, 1);
	assert_db(db_execute_row(stmt, &place->err), DB_OK);
	return stmt;
}

static void expect_text(struct place *place, const char *text, size_t length)
{
	const struct db_bytes got = db_bytes(read_text(place), 1);

	assert_int_equal(got.length, length);
	assert_memory_equal(got.data, text, length);
}

static enum db_result put_version(struct place *place, int64_t version)
{
	struct db_stmt *stmt = db_statement(place->db, STATEMENT_SCHEMA_PUT);

	db_bind_int(stmt, 0, version);
	db_bind_int(stmt, 1, 0);
	return db_execute(stmt, &place->err);
}

static void ask(struct place *place, const char *sql, const char *answer)
{
	char got[256];

	assert_true(database_ask(&place->database, sql, got, sizeof(got)));
	assert_string_equal(got, answer);
}

/* Characters of four bytes behind so many letters, up to a size. */
static size_t fill(char *text, size_t size, size_t shift)
{
	size_t length = shift;

	memset(text, 'x', shift);
	for (; length + 4 <= size; length += 4)
		memcpy(text + length, "\xf0\x9f\x98\x80", 4);
	return length;
}

static void test_1_text_is_not_cut(void **state)
{
	static char text[100000];
	struct place *place = *state;

	memset(text, 'x', sizeof(text));
	for (size_t length = 3999; length < sizeof(text); length = length * 2 + 1) {
		assert_db(put_text(place, text, length), DB_OK);
		expect_text(place, text, length);
	}
}

static void test_2_string_that_would_spoil_the_connection_never_reaches_it(void **state)
{
	static const char *const bad[] = {"\xff", "a\xc3", "\xed\xa0\x80", "\xf0\x9f\x98"};
	struct place *place = *state;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_db(put_text(place, bad[i], strlen(bad[i])), DB_BAD_DATA);
	assert_db(put_text(place, "\xf0\x9f\x98\x80", 4), DB_OK);
	expect_text(place, "\xf0\x9f\x98\x80", 4);
}

/* What is not expected happens all the same: the connection says that it is not dead. */
static void test_2_spoilt_connection_is_left(void **state)
{
	struct place *place = *state;

	place->driver.plan->how = FAIL_BEFORE;
	place->driver.plan->at = place->driver.plan->calls + 1;
	strcpy(place->driver.plan->state, "24000");
	assert_db(put_version(place, 98), DB_RETRY);
	assert_false(db_connected(place->db));
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_db(put_version(place, 98), DB_OK);
}

static void test_3_result_that_is_open_is_ended_for_the_next_statement(void **state)
{
	struct place *place = *state;

	read_text(place);
	assert_db(put_version(place, 98), DB_OK);
	read_text(place);
	assert_db(put_text(place, "text", 4), DB_OK);
	assert_true(db_connected(place->db));
}

static void test_3_statement_of_a_transaction_ends_it_as_well(void **state)
{
	struct place *place = *state;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	read_text(place);
	assert_db(db_commit(place->db, &place->err), DB_OK);
	read_text(place);
	assert_db(db_begin(place->db, &place->err), DB_OK);
	read_text(place);
	db_rollback(place->db);
	assert_true(db_connected(place->db));
}

static void test_4_time_outs_of_the_driver_are_not_relied_on(void **state)
{
	struct place *place = *state;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(put_version(place, 98), DB_OK);
	assert_db(db_commit(place->db, &place->err), DB_OK);
	read_text(place);
	assert_int_equal(place->driver.plan->timeouts, 0);
}

/* "Unknown error" at first, and without a code. */
static void test_5_lost_connection_is_retried_whatever_it_is_called(void **state)
{
	struct place *place = *state;

	place->driver.plan->how = FAIL_LOSE;
	place->driver.plan->at = place->driver.plan->calls + 4; /* statement, prepare, two values */
	assert_db(put_version(place, 98), DB_RETRY);
	assert_non_null(strstr(place->err.text, "HY000/0"));
	place->driver.plan->how = FAIL_NEVER;
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_db(put_version(place, 98), DB_OK);
}

static void test_5_commit_that_fails_without_a_diagnosis_is_uncertain(void **state)
{
	struct place *place = *state;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(put_version(place, 98), DB_OK);
	place->driver.plan->how = FAIL_AFTER;
	assert_db(db_commit(place->db, &place->err), DB_UNCERTAIN);
	assert_false(db_connected(place->db));
	ask(place, "SELECT MAX(version) FROM pc_schema", "98");
}

/* The SQLSTATE is the same for all of them. */
static void test_6_native_codes_tell_what_states_do_not(void **state)
{
	static const struct {
		int native;
		enum db_result result;
	} cases[] = {{1205, DB_RETRY}, {1222, DB_RETRY},    {3960, DB_RETRY}, {2628, DB_BAD_DATA},
		     {9002, DB_RETRY}, {8152, DB_BAD_DATA}, {102, DB_FATAL},  {208, DB_FATAL}};
	struct place *place = *state;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!db_connected(place->db))
			assert_db(db_connect(place->db, &place->err), DB_OK);
		db_statement(place->db, STATEMENT_SCHEMA_PUT);
		assert_db(put_version(place, (int64_t)i + 100), DB_OK);
		place->driver.plan->how = FAIL_BEFORE;
		place->driver.plan->native = cases[i].native;
		place->driver.plan->at = place->driver.plan->calls + 3; /* two values */
		strcpy(place->driver.plan->state, "42000");
		assert_db(put_version(place, (int64_t)i + 200), cases[i].result);
		place->driver.plan->how = FAIL_NEVER;
	}
}

static void test_7_no_transaction_is_open_but_those_that_were_begun(void **state)
{
	struct place *place = *state;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(put_version(place, 98), DB_OK);
	assert_db(db_commit(place->db, &place->err), DB_OK);
	ask(place, "UPDATE pc_schema SET applied = 7 WHERE version = 98", "");
	ask(place, "SELECT applied FROM pc_schema WHERE version = 98", "7");
	db_rollback(place->db); /* there is none */
	assert_true(db_connected(place->db));
}

static void test_8_snapshot_is_asked_for_by_a_statement(void **state)
{
	struct place *place = *state;

	assert_db(db_begin_read(place->db, &place->err), DB_OK);
	assert_int_equal(place->driver.plan->snapshots, 1);
	read_text(place);
	db_rollback(place->db);
}

static void test_9_size_that_is_declared_does_not_depend_on_the_text(void **state)
{
	struct place *place = *state;

	for (size_t length = 0; length <= 4; length++)
		assert_db(put_text(place, "text", length), DB_OK);
	assert_int_equal(place->driver.plan->plans, 0);
}

static void test_9_failure_behind_the_first_result_is_seen(void **state)
{
	struct place *place = *state;

	assert_db(put_version(place, 98), DB_OK);
	assert_db(put_version(place, 98), DB_BAD_DATA);
	assert_true(db_connected(place->db));
	assert_db(put_version(place, 99), DB_OK);
	ask(place, "SELECT COUNT(*) FROM pc_schema WHERE version > 90", "2");
}

static void test_10_text_that_is_read_in_pieces_is_whole(void **state)
{
	static char text[70000];
	struct place *place = *state;

	for (size_t shift = 0; shift < 4; shift++) {
		const size_t length = fill(text, sizeof(text), shift);

		assert_db(put_text(place, text, length), DB_OK);
		expect_text(place, text, length);
	}
}

/* As many rows as go into one statement, of each statement that takes many. */
static void test_11_no_statement_has_more_parameters_than_there_may_be(void **state)
{
	struct place *place = *state;

	for (unsigned i = 0; i < STATEMENTS; i++) {
		const size_t width = strlen(dialect_parameters((enum statement)i));

		assert_true(db_rows(place->db, (enum statement)i, 1000000) * width <= 2090);
	}
}

static void test_11_many_rows_of_a_record_go_in_one_after_the_other(void **state)
{
	const char *kinds = dialect_parameters(STATEMENT_RECORD_PUT);
	struct place *place = *state;
	const unsigned rows = db_rows(place->db, STATEMENT_RECORD_PUT, 1000);
	struct db_stmt *stmt = db_statement_rows(place->db, STATEMENT_RECORD_PUT, rows);
	char count[16];

	assert_true(rows > 1);
	for (unsigned i = 0; i < rows * strlen(kinds); i++)
		if (kinds[i % strlen(kinds)] == 'i')
			db_bind_int(stmt, i, i / (int64_t)strlen(kinds) + 1);
		else
			db_bind_text(stmt, i, "text", 4);
	assert_db(db_execute(stmt, &place->err), DB_OK);
	snprintf(count, sizeof(count), "%u", rows);
	ask(place, "SELECT COUNT(*) FROM pcc_record", count);
}

/* What a user sees is the warning in the log of whatever process connects. */
static void test_12_encryption_for_whoever_answers_is_warned_of(void **state)
{
	struct place *place = *state;

	assert_null(db_warning(place->db));
	strcat(place->driver.dsn, ";Encryption=require");
	setenv("FREETDSCONF", "/nonexistent/freetds.conf", 1);
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_non_null(strstr(db_warning(place->db), "certificate is not checked"));
	unsetenv("FREETDSCONF");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(1_text_is_not_cut),
		TEST(2_string_that_would_spoil_the_connection_never_reaches_it),
		TEST(2_spoilt_connection_is_left),
		TEST(3_result_that_is_open_is_ended_for_the_next_statement),
		TEST(3_statement_of_a_transaction_ends_it_as_well),
		TEST(4_time_outs_of_the_driver_are_not_relied_on),
		TEST(5_lost_connection_is_retried_whatever_it_is_called),
		TEST(5_commit_that_fails_without_a_diagnosis_is_uncertain),
		TEST(6_native_codes_tell_what_states_do_not),
		TEST(7_no_transaction_is_open_but_those_that_were_begun),
		TEST(8_snapshot_is_asked_for_by_a_statement),
		TEST(9_size_that_is_declared_does_not_depend_on_the_text),
		TEST(9_failure_behind_the_first_result_is_seen),
		TEST(10_text_that_is_read_in_pieces_is_whole),
		TEST(11_no_statement_has_more_parameters_than_there_may_be),
		TEST(11_many_rows_of_a_record_go_in_one_after_the_other),
		TEST(12_encryption_for_whoever_answers_is_warned_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
