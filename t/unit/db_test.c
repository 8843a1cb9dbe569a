#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/clock.h"
#include "odbc/backoff.h"
#include "odbc/content_index.h"
#include "odbc/db.h"
#include "odbc/dialect.h"
#include "odbc/content_schema.h"
#include "odbc/record.h"
#include "odbc/record_schema.h"
#include "t/unit/place.h"

static enum db_result put_version(struct place *place, int64_t version)
{
	struct db_stmt *stmt = db_statement(place->db, STATEMENT_SCHEMA_PUT);

	db_bind_int(stmt, 0, version);
	db_bind_int(stmt, 1, 0);
	return db_execute(stmt, &place->err);
}

static void test_failures_are_sorted(void **state)
{
	static const struct {
		const char *state;
		int native;
		enum db_result result;
		bool next;
	} cases[] = {
		{"HY000", 5, DB_RETRY, false},	   {"HY000", 6, DB_RETRY, false},
		{"HY000", 7, DB_RETRY, false},	   {"HY000", 8, DB_RETRY, true},
		{"HY000", 10, DB_RETRY, false},	   {"HY000", 13, DB_RETRY, false},
		{"HY000", 14, DB_RETRY, false},	   {"HY000", 17, DB_RETRY, false},
		{"HY000", 19, DB_BAD_DATA, false}, {"HY000", 18, DB_BAD_DATA, false},
		{"HY000", 20, DB_BAD_DATA, false}, {"HY000", 1, DB_FATAL, false},
		{"HY000", 11, DB_FATAL, false},	   {"HY000", 26, DB_FATAL, false},
		{"HY000", 4711, DB_FATAL, false},  {"08S01", 0, DB_RETRY, false},
		{"08001", 99, DB_RETRY, false},	   {"HYT00", 0, DB_RETRY, false},
		{"24000", 0, DB_RETRY, false},	   {"40001", 0, DB_RETRY, false},
		{"23000", 0, DB_BAD_DATA, false},  {"22001", 0, DB_BAD_DATA, false},
		{"42000", 0, DB_FATAL, false},	   {"01000", 0, DB_FATAL, false},
		{"25006", 0, DB_RETRY, true},	   {"IM002", 0, DB_FATAL, false},
		{"", 0, DB_RETRY, false},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool next;

		assert_db(dialect_sort(&dialect_sqlite, cases[i].state, cases[i].native, &next),
			  cases[i].result);
		assert_int_equal(next, cases[i].next);
	}
}

/* Those that need an index of texts, where there is none. */
static bool is_of_index(enum statement number)
{
	return number == STATEMENT_INDEX_PUT || number == STATEMENT_INDEX_REMOVE ||
	       number == STATEMENT_INDEX_REMOVE_RANGE || number == STATEMENT_INDEX_NEWEST ||
	       number == STATEMENT_INDEX_OLDEST;
}

static void test_every_statement_can_be_run(void **state)
{
	struct place *place = *state;
	unsigned other;
	bool there, made;

	/* The way in which this database does not remove what is in the index. */
	other = db_dialect(place->db)->index_needs_text ? STATEMENT_INDEX_REMOVE_RANGE
							: STATEMENT_INDEX_REMOVE;
	assert_db(schema_upgrade(place->db, &schema_record, &place->err), DB_OK);
	assert_db(content_index_open(place->db, true, &there, &made, &place->err), DB_OK);
	for (unsigned i = 0; i < STATEMENTS; i++) {
		struct db_stmt *stmt = db_statement(place->db, (enum statement)i);
		const char *kinds = dialect_parameters((enum statement)i);

		for (unsigned p = 0; kinds[p]; p++)
			if (kinds[p] == 'i')
				db_bind_int(stmt, p, 1);
			else if (kinds[p] == 't')
				db_bind_text(stmt, p, "0123456789abcdef0123456789abcdef", 32);
			else
				db_bind_binary(stmt, p, "x", 1);
		if (i == STATEMENT_SCHEMA_PUT || i == STATEMENT_RECORD_SCHEMA_PUT || i == other ||
		    (!there && is_of_index((enum statement)i)))
			continue;
		if (db_execute(stmt, &place->err) != DB_OK)
			fail_msg("statement %u: %s", i, place->err.text);
		assert_int_not_equal(db_fetch(stmt, &place->err), DB_FATAL);
	}
}

static void test_locked_database_is_retried_and_not_waited_for(void **state)
{
	struct place *place = *state;
	uint64_t began;

	assert_db(db_begin(place->rival, &place->err), DB_OK);
	began = clock_mono();
	assert_db(db_begin(place->db, &place->err), DB_RETRY);
	assert_true(clock_mono() - began < 5000000);
	assert_int_equal(db_native(place->db), 5);
	assert_false(db_connected(place->db));
	assert_db(db_commit(place->rival, &place->err), DB_OK);
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(db_commit(place->db, &place->err), DB_OK);
}

static void test_wait_for_a_lock_is_bounded_where_nobody_says_so(void **state)
{
	struct place *place = *state;
	uint64_t began;

	*strstr(place->database.dsn, ";Timeout") = '\0';
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_db(db_begin(place->rival, &place->err), DB_OK);
	began = clock_mono();
	assert_db(db_begin(place->db, &place->err), DB_RETRY);
	assert_true(clock_mono() - began < 10000000);
	db_rollback(place->rival);
}

static void test_reading_goes_on_while_another_writes(void **state)
{
	struct place *place = *state;
	unsigned version;

	assert_db(db_begin(place->rival, &place->err), DB_OK);
	assert_db(db_run(place->rival, "DELETE FROM pc_schema", &place->err), DB_OK);
	assert_db(schema_version(place->db, &schema_content, &version, &place->err), DB_OK);
	assert_int_equal(version, schema_content.step_count);
	db_rollback(place->rival);
}

/* Whoever asks by an attribute of the connection gets what the driver makes of it. */
static void test_reading_transaction_sees_one_state(void **state)
{
	struct place *place = *state;
	unsigned version;

	assert_db(db_begin_read(place->rival, &place->err), DB_OK);
	assert_db(schema_version(place->rival, &schema_content, &version, &place->err), DB_OK);
	assert_int_equal(version, schema_content.step_count);
	assert_db(put_version(place, 4711), DB_OK);
	assert_db(schema_version(place->rival, &schema_content, &version, &place->err), DB_OK);
	assert_int_equal(version, schema_content.step_count);
	db_rollback(place->rival);
	assert_db(schema_version(place->rival, &schema_content, &version, &place->err), DB_OK);
	assert_int_equal(version, 4711);
}

static void test_removed_file_is_noticed(void **state)
{
	struct place *place = *state;
	char file[128];
	unsigned version;

	if (!database_is_sqlite())
		skip();
	snprintf(file, sizeof(file), "%s/content.db", place->database.directory);
	assert_int_equal(unlink(file), 0);
	assert_db(put_version(place, 4711), DB_RETRY);
	assert_non_null(strstr(place->err.text, "was removed or replaced while it was in use"));
	assert_false(db_connected(place->db));
	assert_db(db_begin(place->rival, &place->err), DB_RETRY);
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_db(schema_version(place->db, &schema_content, &version, &place->err), DB_OK);
	assert_int_equal(version, 0);
	unlink(strcat(file, "-wal"));
}

static void test_everything_is_synced_at_commit(void **state)
{
	struct place *place = *state;
	struct db_stmt *stmt;

	stmt = db_statement(place->db, STATEMENT_SCHEMA_EXISTS);
	assert_db(db_execute_row(stmt, &place->err), DB_OK);
	assert_int_equal(db_int(stmt, 0), 1);
	/* A CHECK fails unless the pragma says 2, which is FULL. */
	assert_db(db_run(place->db, "CREATE TEMP TABLE t (level INTEGER CHECK (level = 2))",
			 &place->err),
		  DB_OK);
	assert_db(db_run(place->db, "INSERT INTO t SELECT synchronous FROM pragma_synchronous",
			 &place->err),
		  DB_OK);
}

static void test_failed_row_leaves_the_transaction_to_its_owner(void **state)
{
	struct place *place = *state;
	unsigned version;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(put_version(place, 98), DB_OK);
	assert_db(put_version(place, 98), DB_BAD_DATA);
	assert_true(db_connected(place->db));
	db_rollback(place->db);
	assert_db(schema_version(place->db, &schema_content, &version, &place->err), DB_OK);
	assert_int_equal(version, schema_content.step_count);
	assert_db(put_version(place, 98), DB_OK);
}

static void test_transaction_of_a_lost_connection_is_undone(void **state)
{
	struct place *place = *state;
	unsigned version;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(put_version(place, 98), DB_OK);
	db_disconnect(place->db);
	assert_db(put_version(place, 99), DB_RETRY);
	assert_db(db_commit(place->db, &place->err), DB_RETRY);
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_db(schema_version(place->db, &schema_content, &version, &place->err), DB_OK);
	assert_int_equal(version, schema_content.step_count);
}

static void test_full_database_is_retried(void **state)
{
	struct place *place = *state;

	assert_db(db_run(place->db, "PRAGMA max_page_count = 1", &place->err), DB_OK);
	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(db_run(place->db,
			 "INSERT INTO pc_dead_letter VALUES ('r', 1, 1, '', hex(zeroblob(100000)), "
			 "1)",
			 &place->err),
		  DB_RETRY);
	assert_int_equal(db_native(place->db), 13);
	assert_false(db_connected(place->db));
}

static void test_unreachable_principal_leaves_the_mirror(void **state)
{
	struct place *place = *state;
	static char other[256];

	snprintf(other, sizeof(other), "Driver=SQLite3;Database=%s/none/b.db",
		 place->database.directory);
	place->database.list.count = 2;
	place->database.list.item[0] = other;
	place->database.list.item[1] = place->database.dsn;
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_int_equal(db_place(place->db), 1);
}

static void test_database_that_takes_no_writes_leaves_the_mirror(void **state)
{
	struct place *place = *state;
	static char other[256];

	snprintf(other, sizeof(other), "Driver=SQLite3;Database=%s/b.db",
		 place->database.directory);
	place->database.list.count = 2;
	place->database.list.item[1] = other;
	assert_db(db_run(place->db, "PRAGMA query_only = 1", &place->err), DB_OK);
	assert_db(put_version(place, 98), DB_RETRY);
	assert_int_equal(db_native(place->db), 8);
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_int_equal(db_place(place->db), 1);
}

static void test_reasons_of_all_databases_are_told(void **state)
{
	struct place *place = *state;
	static char other[256];

	snprintf(other, sizeof(other), "Driver=NoSuchDriver;PWD=secret");
	snprintf(place->database.dsn, sizeof(place->database.dsn),
		 "Driver=SQLite3;Database=%s/none/content.db;PWD=secret",
		 place->database.directory);
	place->database.list.count = 2;
	place->database.list.item[1] = other;
	assert_db(db_connect(place->db, &place->err), DB_FATAL);
	assert_non_null(strstr(place->err.text, "database 1"));
	assert_non_null(strstr(place->err.text, "database 2"));
	assert_null(strstr(place->err.text, "secret"));
}

static void test_file_that_is_no_database_is_fatal(void **state)
{
	struct place *place = *state;
	char path[128];
	FILE *file;

	db_disconnect(place->db);
	snprintf(path, sizeof(path), "%s/content.db", place->database.directory);
	file = fopen(path, "w");
	for (int i = 0; i < 10000; i++)
		fputs("rubbish ", file);
	fclose(file);
	assert_db(db_connect(place->db, &place->err), DB_FATAL);
	assert_false(db_connected(place->db));
}

static void test_nothing_works_without_a_connection(void **state)
{
	struct place *place = *state;
	unsigned version;

	db_disconnect(place->db);
	assert_db(db_begin(place->db, &place->err), DB_RETRY);
	assert_db(schema_version(place->db, &schema_content, &version, &place->err), DB_RETRY);
	assert_db(db_run(place->db, "SELECT 1", &place->err), DB_RETRY);
	db_rollback(place->db);
	db_disconnect(place->db);
}

static void test_interrupted_upgrade_leaves_nothing_behind(void **state)
{
	struct place *place = *state;
	unsigned version;

	/* A table of the first step is in the way, so the step fails in its middle. */
	assert_db(db_run(place->db, "CREATE TABLE pc_message (x INTEGER)", &place->err), DB_OK);
	assert_db(schema_upgrade(place->db, &schema_content, &place->err), DB_FATAL);
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_db(schema_version(place->db, &schema_content, &version, &place->err), DB_OK);
	assert_int_equal(version, 0);
	assert_db(db_run(place->db, "DROP TABLE pc_message", &place->err), DB_OK);
	assert_db(schema_upgrade(place->db, &schema_content, &place->err), DB_OK);
}

/* --- The compliance database; the content database's versions are in content_object_test. --- */

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* One that has been used by the program of an earlier version. */
static void make_earlier(struct place *place, unsigned version)
{
	static const char *const rows[] = {
		"INSERT INTO pcc_cursor (id, journal_id, lsn, time, number, hash, gap) VALUES "
		"(1, '0123456789abcdef0123456789abcdef', 4096, 5, 1, '" HASH "', 0)",
		"INSERT INTO pcc_record (number, lsn, time, type, flags, room_id, room, room_name, "
		"category, user_id, user_uri, user_name, address, session, message, title, "
		"content, "
		"rich_type, rich, detail, hash) VALUES (1, 8, 5, 'chat', 0, 7, 'r', 'Lobby', 'c', "
		"2, "
		"'sip:alice', 'Alice', 'a', 's', 1, '', 'of that version', '', '', '', '" HASH "')",
		"INSERT INTO pcc_object (kind, id, uri, name, parent, flags, description, detail) "
		"VALUES (2, 7, 'r', 'Lobby', 1, 0, 'where all meet', '')",
	};

	database_close(&place->database, &place->db);
	place->db = database_open(&place->database, NULL, &place->err);
	assert_non_null(place->db);
	assert_db(schema_upgrade_to(place->db, &schema_record, version, &place->err), DB_OK);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_db(db_run(place->db, rows[i], &place->err), DB_OK);
}

static void expect_record(struct place *place)
{
	struct db_stmt *stmt = db_statement(place->db, STATEMENT_RECORD_CURSOR_GET);
	struct record_row row;
	unsigned version;

	assert_db(schema_version(place->db, &schema_record, &version, &place->err), DB_OK);
	assert_int_equal(version, schema_record.step_count);
	assert_db(db_execute_row(stmt, &place->err), DB_OK);
	assert_int_equal(db_int(stmt, 1), 4096);
	assert_db(record_list(place->db, 0, &place->err), DB_OK);
	assert_db(record_list_next(place->db, &row, &place->err), DB_OK);
	assert_int_equal(row.number, 1);
	assert_string_equal(row.hash, HASH);
	assert_memory_equal(row.content.data, "of that version", 15);
	assert_memory_equal(row.description.data, "where all meet", 14);
	assert_db(record_list_next(place->db, &row, &place->err), DB_END);
}

static void test_every_earlier_record_is_upgraded_with_its_data(void **state)
{
	struct place *place = *state;

	for (unsigned v = 1; v < schema_record.step_count; v++) {
		make_earlier(place, v);
		assert_db(record_open(place->db, &place->err), DB_OK);
		expect_record(place);
	}
}

static void test_upgrade_of_a_record_that_was_interrupted_goes_on(void **state)
{
	struct place *place = *state;

	for (unsigned v = 1; v < schema_record.step_count; v++) {
		make_earlier(place, v);
		assert_db(db_begin(place->db, &place->err), DB_OK);
		for (const char *const *sql = schema_record.steps[v]; *sql; sql++) {
			char *text = dialect_expand(db_dialect(place->db), *sql, &place->err);

			if (*text)
				assert_db(db_run(place->db, text, &place->err), DB_OK);
			free(text);
		}
		db_disconnect(place->db);
		assert_db(db_connect(place->db, &place->err), DB_OK);
		assert_db(record_open(place->db, &place->err), DB_OK);
		expect_record(place);
	}
}

static void test_upgrade_waits_for_its_turn(void **state)
{
	struct place *place = *state;

	place->rival = db_new(&place->database.list, &place->err);
	assert_db(db_connect(place->rival, &place->err), DB_OK);
	assert_db(db_begin(place->rival, &place->err), DB_OK);
	assert_db(schema_upgrade(place->db, &schema_content, &place->err), DB_RETRY);
	db_rollback(place->rival);
	assert_db(schema_upgrade(place->rival, &schema_content, &place->err), DB_OK);
	assert_db(db_connect(place->db, &place->err), DB_OK);
	assert_db(schema_upgrade(place->db, &schema_content, &place->err), DB_OK);
}

static void count_progress(void *arg)
{
	++*(unsigned *)arg;
}

static void test_every_statement_that_returns_is_told_of(void **state)
{
	struct place *place = *state;
	unsigned statements = 0;

	db_progress(place->db, count_progress, &statements);
	assert_db(db_begin(place->db, &place->err), DB_OK);
	for (int64_t version = 101; version <= 105; version++)
		assert_db(put_version(place, version), DB_OK);
	assert_int_equal(statements, 5);
	assert_db(put_version(place, 105), DB_BAD_DATA);
	assert_int_equal(statements, 6);
	db_rollback(place->db);
}

static void test_back_off_grows_to_a_bound_and_forgets(void **state)
{
	struct backoff backoff = {0};

	(void)state;
	assert_true(backoff_due(&backoff, 0));
	for (int i = 0; i < 40; i++) {
		backoff_failed(&backoff, 1000);
		assert_false(backoff_due(&backoff, 1000));
		assert_true(backoff.next <= 1000 + 12500000);
	}
	assert_true(backoff.next >= 1000 + 7500000);
	backoff_worked(&backoff);
	assert_true(backoff_due(&backoff, 0));
}

/* With statistics it would know of what it has for the connection. */
static void test_sqlite_does_not_count_its_memory(void **state)
{
	const struct place *place = *state;
	void *library = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_NOLOAD);
	int64_t (*used)(void);

	assert_true(db_connected(place->db));
	assert_non_null(library);
	*(void **)&used = dlsym(library, "sqlite3_memory_used");
	assert_non_null(used);
	assert_int_equal(used(), 0);
	dlclose(library);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_two, place_end)
#define EMPTY(name) cmocka_unit_test_setup_teardown(name, place_empty, place_end)

int main(void)
{
	/* What is SQLite's own stands last. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failures_are_sorted),
		TEST(test_every_statement_can_be_run),
		TEST(test_reading_goes_on_while_another_writes),
		TEST(test_reading_transaction_sees_one_state),
		TEST(test_removed_file_is_noticed),
		TEST(test_failed_row_leaves_the_transaction_to_its_owner),
		TEST(test_transaction_of_a_lost_connection_is_undone),
		TEST(test_every_statement_that_returns_is_told_of),
		EMPTY(test_nothing_works_without_a_connection),
		EMPTY(test_interrupted_upgrade_leaves_nothing_behind),
		EMPTY(test_every_earlier_record_is_upgraded_with_its_data),
		EMPTY(test_upgrade_of_a_record_that_was_interrupted_goes_on),
		cmocka_unit_test(test_back_off_grows_to_a_bound_and_forgets),

		TEST(test_locked_database_is_retried_and_not_waited_for),
		TEST(test_wait_for_a_lock_is_bounded_where_nobody_says_so),
		TEST(test_everything_is_synced_at_commit),
		TEST(test_full_database_is_retried),
		TEST(test_sqlite_does_not_count_its_memory),
		EMPTY(test_unreachable_principal_leaves_the_mirror),
		TEST(test_database_that_takes_no_writes_leaves_the_mirror),
		EMPTY(test_reasons_of_all_databases_are_told),
		EMPTY(test_file_that_is_no_database_is_fatal),
		EMPTY(test_upgrade_waits_for_its_turn),
	};
	enum { OF_SQLITE = 10, ALL = sizeof(tests) / sizeof(tests[0]) };

	return _cmocka_run_group_tests("db", tests, database_is_sqlite() ? ALL : ALL - OF_SQLITE,
				       NULL, NULL);
}
