#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/clock.h"
#include "odbc/content_schema.h"
#include "odbc/dialect.h"
#include "t/unit/place.h"

/*
 * What psqlodbc and PostgreSQL do that a program must cope with, one by one. Runs only where
 * PCHAT_TEST_DSN names a database of PostgreSQL (t/14-postgresql.t).
 */

static void test_names_that_end_in_blanks_are_different(void **state)
{
	static const char *const uris[] = {"sip:a", "sip:a ", "sip:a  "};
	struct place *place = *state;

	for (uint32_t i = 0; i < 3; i++) {
		const struct content_principal principal = {
			.id = i + 1, .kind = 5, .uri = {uris[i], strlen(uris[i])}};

		assert_db(content_principal_put(place->db, &principal, &place->err), DB_OK);
	}
	expect(place, "SELECT COUNT(*) FROM pc_principal WHERE uri = 'sip:a'", "1");
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
	expect(place, "SELECT count FROM seen", "1");
}

static enum db_result read_rooms(struct place *place)
{
	struct content_room room;
	enum db_result result = content_rooms(place->db, 0, &place->err);

	while (result == DB_OK)
		result = content_rooms_next(place->db, &room, &place->err);
	return result;
}

static void test_table_that_changes_under_a_prepared_statement_is_retried(void **state)
{
	struct place *place = *state;

	for (unsigned i = 0; i < 2; i++)
		assert_db(read_rooms(place), DB_END);
	assert_db(db_run(place->rival, "ALTER TABLE pc_room ALTER COLUMN disabled TYPE BIGINT",
			 &place->err),
		  DB_OK);
	assert_db(read_rooms(place), DB_RETRY);
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_db(read_rooms(place), DB_END);
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
	expect(place, "SELECT COUNT(*) FROM pc_message", "0");
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

static void test_wrong_password_is_fatal_and_not_told(void **state)
{
	struct place *place = *state;
	char *password = strstr(place->database.dsn, "PWD={");

	assert_non_null(password);
	password[5] = 'X';
	assert_db(db_connect(place->db, &place->err), DB_FATAL);
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
	expect(place, "SELECT value FROM seen", "on");
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_two, place_end)

int main(void)
{
	const struct CMUnitTest without[] = {
		cmocka_unit_test(test_failures_are_sorted),
	};
	const struct CMUnitTest with[] = {
		TEST(test_names_that_end_in_blanks_are_different),
		TEST(test_statements_are_prepared_on_the_server_once),
		TEST(test_table_that_changes_under_a_prepared_statement_is_retried),
		TEST(test_lost_connection_is_retried),
		TEST(test_commit_on_a_lost_connection_is_uncertain),
		TEST(test_lock_is_waited_for_a_bounded_time),
		TEST(test_upgrade_waits_for_its_turn_but_not_for_ever),
		TEST(test_deadlock_is_retried),
		TEST(test_database_that_takes_no_writes_leaves_the_next),
		TEST(test_database_of_another_encoding_is_refused),
		TEST(test_wrong_password_is_fatal_and_not_told),
		TEST(test_commits_wait_for_the_disk_whatever_the_server_says),
	};
	int failed = cmocka_run_group_tests(without, NULL, NULL);

	if (!database_is_sqlite())
		failed += cmocka_run_group_tests(with, NULL, NULL);
	return failed;
}
