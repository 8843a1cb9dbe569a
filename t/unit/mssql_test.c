#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/clock.h"
#include "odbc/content_index.h"
#include "odbc/dialect.h"
#include "t/unit/place.h"

/*
 * What FreeTDS and a server that speaks TDS do that a program must cope with. Runs only where
 * PCHAT_TEST_DSN names a database of SQL Server (t/14-mssql.t); freetds_test has the driver's traps
 * without a server.
 */

/* --- Lost connections. --- */

/* Cuts every connection of this process to a server, so that neither side has asked for it. */
static void cut_connections(void)
{
	for (int fd = 3; fd < 64; fd++) {
		struct sockaddr_storage peer;
		socklen_t size = sizeof(peer);

		if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 &&
		    (peer.ss_family == AF_INET || peer.ss_family == AF_INET6))
			shutdown(fd, SHUT_RDWR);
	}
}

static void test_lost_connection_is_retried(void **state)
{
	struct place *place = *state;

	assert_db(put_text(place, 1, "first", 5), DB_OK);
	cut_connections();
	assert_db(put_text(place, 2, "second", 6), DB_RETRY);
	assert_false(db_connected(place->db));
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_db(put_text(place, 2, "second", 6), DB_OK);
}

static void test_result_that_is_cut_off_is_retried(void **state)
{
	struct place *place = *state;
	const struct content_page page = {.room = 1, .before = 1000, .limit = 500};
	static char text[100000];
	struct content_history_row row;
	enum db_result result;

	memset(text, 'x', sizeof(text));
	for (uint64_t seq = 1; seq <= 100; seq++)
		assert_db(put_text(place, seq, text, sizeof(text)), DB_OK);
	assert_db(content_history(place->db, &page, &place->err), DB_OK);
	cut_connections();
	do
		result = content_history_next(place->db, &page, &row, &place->err);
	while (result == DB_OK);
	if (result != DB_RETRY)
		fail_msg("%s: %s", db_result_name(result), place->err.text);
	assert_db(db_connect(place->db, &place->err), DB_OK);
}

static void test_commit_on_a_lost_connection_is_uncertain(void **state)
{
	struct place *place = *state;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(put_text(place, 1, "first", 5), DB_OK);
	cut_connections();
	assert_db(db_commit(place->db, &place->err), DB_UNCERTAIN);
	for (char got[8] = "1"; strcmp(got, "0") != 0;)
		database_ask(&place->database, "SELECT COUNT(*) FROM pc_message", got, sizeof(got));
}

/* --- Locks. --- */

static void test_lock_is_waited_for_a_bounded_time(void **state)
{
	struct place *place = *state;
	uint64_t began;

	assert_db(put_text(place, 1, "first", 5), DB_OK);
	assert_db(db_begin(place->rival, &place->err), DB_OK);
	assert_db(db_run(place->rival, "UPDATE pc_cursor SET lsn = 1", &place->err), DB_OK);
	began = clock_mono();
	assert_db(db_run(place->db, "UPDATE pc_cursor SET lsn = 2", &place->err), DB_RETRY);
	assert_true(clock_mono() - began < 8000000);
	db_rollback(place->rival);
}

static void test_upgrade_waits_for_its_turn_but_not_for_ever(void **state)
{
	struct place *place = *state;
	const uint64_t began = clock_mono();

	assert_db(db_run(place->db, "DELETE FROM pc_schema WHERE version > 1", &place->err), DB_OK);
	assert_db(db_begin(place->rival, &place->err), DB_OK);
	assert_db(db_run(place->rival, dialect_mssql.schema_lock, &place->err), DB_OK);
	assert_db(content_open(place->db, &place->err), DB_RETRY);
	assert_true(clock_mono() - began < 8000000);
}

/* Each has a row that the other wants; whom the server ends tries again. */
static void test_deadlock_is_retried(void **state)
{
	struct place *place = *state;
	const char *const one = "UPDATE pc_cursor SET lsn = 1";
	const char *const two = "UPDATE pc_category SET flags = 1";
	int ready[2], status;
	char byte;
	pid_t child;
	enum db_result result;

	assert_int_equal(pipe(ready), 0);
	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(db_run(place->db, one, &place->err), DB_OK);
	child = fork();
	if (child == 0) {
		struct db *db = db_new(&place->database.list, &place->err);
		bool good = db_connect(db, &place->err) == DB_OK &&
			    db_begin(db, &place->err) == DB_OK &&
			    db_run(db, two, &place->err) == DB_OK;

		good = write(ready[1], "", 1) == 1 && good;
		result = good ? db_run(db, one, &place->err) : DB_FATAL;
		if (result == DB_OK)
			result = db_commit(db, &place->err);
		_exit((int)result);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	result = db_run(place->db, two, &place->err);
	if (result == DB_OK)
		assert_db(db_commit(place->db, &place->err), DB_OK);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(result == DB_RETRY || (result == DB_OK && WEXITSTATUS(status) == DB_RETRY));
	close(ready[0]);
	close(ready[1]);
}

/* --- Failures of the database's own. --- */

/* DB_FATAL by SQL Server's code; DB_RETRY of a server that has one code for most of its failures.
 */
static void assert_failed(struct place *place, enum db_result result)
{
	assert_true(result == DB_FATAL || result == DB_RETRY);
	assert_false(db_connected(place->db));
}

/* It may have rolled the transaction back at once, and the next statement would be for ever. */
static void test_statement_behind_a_failure_is_not_run(void **state)
{
	struct place *place = *state;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(put_text(place, 1, "first", 5), DB_OK);
	assert_failed(place,
		      db_run(place->db, "INSERT INTO no_such_table VALUES (1)", &place->err));
	assert_db(put_text(place, 2, "second", 6), DB_RETRY);
	assert_db(db_connect(place->db, &place->err), DB_OK);
	expect(place, "SELECT COUNT(*) FROM pc_message", "0");
}

static void test_missing_table_makes_no_dead_letters(void **state)
{
	struct place *place = *state;

	assert_db(db_run(place->rival, "DROP TABLE pc_message", &place->err), DB_OK);
	assert_failed(place, put_text(place, 1, "text", 4));
}

static void test_missing_database_leaves_the_next(void **state)
{
	struct place *place = *state;
	static char other[600];

	snprintf(other, sizeof(other), "%s;Database=no_such_database", place->database.dsn);
	memcpy(strstr(other, "Database="), "Ignored_", 8);
	place->database.list.count = 2;
	place->database.list.item[0] = other;
	place->database.list.item[1] = place->database.dsn;
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_int_equal(db_place(place->db), 1);
}

static void test_wrong_password_is_fatal_and_not_told(void **state)
{
	struct place *place = *state;
	char *password = strstr(place->database.dsn, "PWD=");

	assert_non_null(password);
	password[4] = password[4] == 'X' ? 'Y' : 'X';
	assert_db(db_connect(place->db, &place->err), DB_FATAL);
	assert_null(strstr(place->err.text, password + 4));
}

static void test_server_that_is_away_leaves_the_next(void **state)
{
	static char away[] = "Driver=FreeTDS;Server=127.0.0.1;Port=1;UID=x;PWD=x;TDS_Version=7.4";
	struct place *place = *state;

	place->database.list.count = 2;
	place->database.list.item[0] = away;
	place->database.list.item[1] = place->database.dsn;
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_int_equal(db_place(place->db), 1);
}

/* --- The index of texts, as far as it goes without the service. --- */

static void test_rows_of_the_index_are_stored_as_many_as_there_are(void **state)
{
	struct content_message list[25];
	struct place *place = *state;
	bool there, made;

	assert_db(db_run(place->db,
			 "CREATE TABLE pc_index (id BIGINT NOT NULL CONSTRAINT pc_index_id "
			 "PRIMARY KEY, grams NVARCHAR(MAX) NOT NULL)",
			 &place->err),
		  DB_OK);
	assert_db(content_index_open(place->db, true, &there, &made, &place->err), DB_OK);
	assert_true(there);
	for (unsigned i = 0; i < 25; i++)
		list[i] = (struct content_message){
			.room = 1, .seq = i + 1, .time = 1, .author = 1, .text = {"some text", 9}};
	for (unsigned round = 0; round < 2; round++)
		assert_db(content_messages_put(place->db, list, 25, &place->err), DB_OK);
	expect(place, "SELECT COUNT(*) FROM pc_index", "25");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, place_two, place_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lost_connection_is_retried),
		TEST(result_that_is_cut_off_is_retried),
		TEST(commit_on_a_lost_connection_is_uncertain),
		TEST(lock_is_waited_for_a_bounded_time),
		TEST(upgrade_waits_for_its_turn_but_not_for_ever),
		TEST(deadlock_is_retried),
		TEST(statement_behind_a_failure_is_not_run),
		TEST(missing_table_makes_no_dead_letters),
		TEST(missing_database_leaves_the_next),
		TEST(wrong_password_is_fatal_and_not_told),
		TEST(server_that_is_away_leaves_the_next),
		TEST(rows_of_the_index_are_stored_as_many_as_there_are),
	};
	const char *dsn = getenv("PCHAT_TEST_DSN");

	if (!dsn || dialect_of_dsn(dsn) != &dialect_mssql) {
		puts("1..0 # SKIP PCHAT_TEST_DSN does not name a SQL Server");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
