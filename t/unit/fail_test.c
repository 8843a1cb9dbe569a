#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/store_batch.h"
#include "shm/event.h"
#include "t/unit/database.h"
#include "t/unit/fail_driver.h"

/*
 * A database that fails in every way at every call, by the driver of t/shim/odbc.c: whatever
 * happens, in the end each event is in the database once, and the cursor stands behind the last
 * one. What goes through the driver is a store that begins with an empty database: connecting, the
 * schema, the cursor row, and a batch of a user, a room and messages.
 */
enum { BATCH = 16, RING = 1 << 20, EVENTS = 6, TRIES = 12 };

struct place {
	char directory[64];
	struct fail_driver driver;
	struct database outside; /* the same file by its own driver */
	struct db *db;
	struct journal_writer writer;
	int fd;
	struct store_batch batch;
	struct content_cursor cursor;
	_Atomic uint64_t tail;
	uint8_t payload[4096];
	struct err err;
};

#define TEXT(string)                         \
	{                                    \
		(string), sizeof(string) - 1 \
	}

static void append(struct place *place, struct record head, uint32_t size)
{
	assert_non_null(journal_append(&place->writer, &head, place->payload, size, 0));
}

static void append_events(struct place *place)
{
	const struct event_principal principal = {
		.id = 1, .kind = PRINCIPAL_USER, .uri = TEXT("sip:alice"), .name = TEXT("Alice")};
	struct event_room room = {.id = 1,
				  .category = 1,
				  .privacy = PRIVACY_OPEN,
				  .behavior = BEHAVIOR_NORMAL,
				  .created = 5,
				  .revision = 7,
				  .name = TEXT("Demo")};
	const struct event_message message = {.id = TEXT("client-1"), .text = TEXT("hello")};

	append(place, (struct record){.type = EVENT_PRINCIPAL},
	       event_principal_put(&principal, place->payload, sizeof(place->payload)));
	append(place, (struct record){.type = EVENT_ROOM, .room = 1},
	       event_room_put(&room, place->payload, sizeof(place->payload)));
	for (uint64_t seq = 1; seq <= EVENTS - 2; seq++)
		append(place,
		       (struct record){.type = EVENT_MESSAGE, .room = 1, .seq = seq, .actor = 1},
		       event_message_put(&message, place->payload, sizeof(place->payload)));
	assert_int_equal(journal_commit(&place->writer, true, &place->err), 0);
}

static int open_journal(struct place *place)
{
	const struct record start = {.type = EVENT_START};
	char path[128];

	snprintf(path, sizeof(path), "%s/journal", place->directory);
	place->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (place->fd == -1 || ftruncate(place->fd, RING + JOURNAL_HEADER) == -1 ||
	    journal_format(place->fd, 0, &place->err) == -1)
		return -1;
	if (journal_open(&place->writer, place->fd, 8, UINT64_MAX, false, RING / 2, NULL, NULL,
			 &place->err) == -1)
		return -1;
	return journal_append(&place->writer, &start, NULL, 0, 0) ? 0 : -1;
}

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	*state = place;
	strcpy(place->directory, "/tmp/pchat-fail-XXXXXX");
	if (!mkdtemp(place->directory) || open_journal(place) == -1)
		return -1;
	fail_driver_load(&place->driver, place->directory);
	snprintf(place->outside.dsn, sizeof(place->outside.dsn),
		 "Driver=SQLite3;Database=%s/content.db", place->directory);
	append_events(place);
	return store_batch_init(&place->batch, BATCH, &place->err);
}

static int teardown(void **state)
{
	struct place *place = *state;
	char command[128];

	db_free(&place->db);
	fail_driver_unload(&place->driver);
	store_batch_fini(&place->batch);
	journal_close(&place->writer);
	close(place->fd);
	snprintf(command, sizeof(command), "rm -r '%s'", place->directory);
	if (system(command) != 0)
		return -1;
	free(place);
	return 0;
}

static void copy_file(struct place *place, const char *from, const char *to)
{
	char command[256];

	snprintf(command, sizeof(command), "cp '%s/%s' '%s/%s'", place->directory, from,
		 place->directory, to);
	assert_int_equal(system(command), 0);
}

/* A database, and nothing is known of it: an empty one, or one that has its tables. */
static void start_again(struct place *place, bool empty)
{
	static const char *const files[] = {"content.db", "content.db-wal", "content.db-shm"};
	char path[128];

	db_free(&place->db);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", place->directory, files[i]);
		unlink(path);
	}
	if (!empty)
		copy_file(place, "ready.db", "content.db");
	memset(place->driver.plan, 0, sizeof(*place->driver.plan));
	place->db = db_new(&place->driver.list, &place->err);
	assert_non_null(place->db);
}

/* --- The store, in short. --- */

static enum db_result attach(struct place *place)
{
	enum db_result result = db_connect(place->db, &place->err);

	if (result == DB_OK)
		result = content_open(place->db, &place->err);
	if (result == DB_OK)
		result = content_cursor_get(place->db, &place->cursor, &place->err);
	if (result == DB_OK && place->cursor.lsn == 0) {
		memcpy(place->cursor.journal, place->writer.journal.header->id, 16);
		place->cursor.lsn = place->writer.journal.header->base;
	}
	return result;
}

static enum db_result store_once(struct place *place)
{
	enum db_result result = db_connected(place->db) ? DB_OK : attach(place);

	if (result == DB_OK) {
		store_batch_fill(&place->batch, &place->cursor, &place->writer.journal,
				 place->writer.end, &place->tail);
		result = store_batch_put(&place->batch, place->db, &place->cursor, &place->err);
	}
	if (result != DB_OK)
		db_disconnect(place->db);
	return result;
}

static void store_all(struct place *place)
{
	unsigned tries = 0;

	while (store_once(place) != DB_OK || place->cursor.lsn < place->writer.end)
		if (++tries == TRIES)
			fail_msg("gave up: %s", place->err.text);
}

static void expect(struct place *place, const char *sql, const char *answer)
{
	char got[256];

	assert_true(database_ask(&place->outside, sql, got, sizeof(got)));
	if (strcmp(got, answer) != 0)
		fail_msg("%s: %s instead of %s (call %u, state %s)", sql, got, answer,
			 place->driver.plan->at, place->driver.plan->state);
}

#define EVERYTHING                                                             \
	"(SELECT COUNT(*) FROM pc_principal) + (SELECT COUNT(*) FROM pc_room)" \
	" + (SELECT COUNT(*) FROM pc_message)"

static void expect_each_once(struct place *place)
{
	char end[32];

	snprintf(end, sizeof(end), "%llu", (unsigned long long)place->writer.end);
	expect(place, "SELECT lsn FROM pc_cursor", end);
	expect(place, "SELECT " EVERYTHING " + (SELECT COUNT(*) FROM pc_dead_letter)", "6");
	expect(place, "SELECT COUNT(*) - MAX(version) FROM pc_schema", "0");
}

/* --- The tests. --- */

/* How many calls it takes when nothing fails. */
static unsigned count_calls(struct place *place, bool empty)
{
	unsigned calls;

	start_again(place, true);
	assert_int_equal(attach(place), DB_OK);
	db_free(&place->db); /* which leaves one file */
	copy_file(place, "content.db", "ready.db");
	start_again(place, empty);
	store_all(place);
	calls = place->driver.plan->calls;
	expect_each_once(place);
	expect(place, "SELECT seq FROM pc_message ORDER BY seq", "1,2,3,4");
	return calls;
}

/*
 * At every call, from an empty database on, or (so that it does not take long) from one on that has
 * its tables.
 */
static void fail_at_calls(struct place *place, bool empty, unsigned step, enum fail_how how,
			  const char *state, int native, bool may_be_dead)
{
	const unsigned calls = count_calls(place, empty);

	assert_true(calls > 15);
	for (unsigned at = 1; at <= calls; at += step) {
		start_again(place, empty);
		place->driver.plan->how = how;
		place->driver.plan->at = at;
		place->driver.plan->native = native;
		strcpy(place->driver.plan->state, state);
		store_all(place);
		expect_each_once(place);
		if (!may_be_dead)
			expect(place, "SELECT " EVERYTHING, "6");
	}
}

#define FAILS(name, empty, step, how, state, native, may_be_dead)                    \
	static void test_##name(void **given)                                        \
	{                                                                            \
		fail_at_calls(*given, empty, step, how, state, native, may_be_dead); \
	}

FAILS(busy_at_any_call_loses_and_doubles_nothing, false, 5, FAIL_BEFORE, "HY000", 5, false)
FAILS(lost_connection_at_any_call_loses_and_doubles_nothing, true, 1, FAIL_LOSE, "08S01", 0, false)
FAILS(lost_answer_of_any_call_loses_and_doubles_nothing, false, 2, FAIL_ANSWER, "08S01", 0, false)
FAILS(failure_without_diagnosis_loses_and_doubles_nothing, false, 6, FAIL_BEFORE, "", 0, false)
FAILS(full_disk_after_any_call_loses_and_doubles_nothing, false, 3, FAIL_AFTER, "HY000", 13, false)
FAILS(deadlock_at_any_call_loses_and_doubles_nothing, false, 7, FAIL_BEFORE, "40001", 0, false)
FAILS(spoilt_cursor_at_any_call_loses_and_doubles_nothing, false, 8, FAIL_BEFORE, "24000", 0, false)
FAILS(timeout_at_any_call_loses_and_doubles_nothing, false, 9, FAIL_BEFORE, "HYT00", 0, false)
FAILS(unknown_failure_at_any_call_loses_and_doubles_nothing, false, 5, FAIL_BEFORE, "42000", 1,
      false)
FAILS(unknown_failure_after_any_call_loses_and_doubles_nothing, false, 7, FAIL_AFTER, "42000", 1,
      false)
FAILS(refused_row_at_any_call_is_a_dead_letter_at_worst, false, 2, FAIL_BEFORE, "23000", 19, true)
FAILS(refused_value_after_any_call_is_a_dead_letter_at_worst, false, 3, FAIL_AFTER, "22001", 0,
      true)

/* Each class of SQLSTATEs that ODBC or one of the databases has. Of most of them one code stands
 * for all; the code is one that no database has. */
static const char *const classes[] = {
	"01004", "02000", "07006", "08001", "08004", "08007", "0A000", "21S01", "22003", "22018",
	"22026", "23505", "24000", "25000", "25006", "25P02", "26000", "28000", "34000", "3C000",
	"3D000", "3F000", "40001", "40003", "40P01", "42000", "42501", "42S02", "44000", "53100",
	"53300", "54000", "55P03", "57014", "57P01", "58030", "HY000", "HY001", "HY008", "HY010",
	"HY013", "HY024", "HY090", "HYC00", "HYT00", "HYT01", "IM001", "XX000"};

/* Whether a class says of the values that they can never be stored: then they may be put aside. */
static bool is_bad_data(const char *with)
{
	return strncmp(with, "22", 2) == 0 || strncmp(with, "23", 2) == 0;
}

/* Every class meets a call in forty-one, each other ones; or, if that is wanted, each call. */
static void test_every_class_of_states_at_any_call_loses_and_doubles_nothing(void **state)
{
	struct place *place = *state;
	const unsigned calls = count_calls(place, false),
		       count = sizeof(classes) / sizeof(classes[0]),
		       step = getenv("PCHAT_EVERY_CALL") == NULL ? 41 : 1;

	for (unsigned i = 0; i < count; i++)
		for (unsigned at = 1 + 7 * i % step; at <= calls; at += step) {
			start_again(place, false);
			place->driver.plan->how = i % 2 == 0 ? FAIL_BEFORE : FAIL_AFTER;
			place->driver.plan->at = at;
			place->driver.plan->native = 4711;
			strcpy(place->driver.plan->state, classes[i]);
			store_all(place);
			expect_each_once(place);
			if (!is_bad_data(classes[i]))
				expect(place, "SELECT " EVERYTHING, "6");
		}
}

/* A driver that does not say what it was told to say would test nothing. */
static void test_failures_have_the_state_and_the_code_that_were_asked_for(void **state)
{
	struct place *place = *state;

	for (unsigned i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		char expected[16];

		start_again(place, true);
		place->driver.plan->how = FAIL_BEFORE;
		place->driver.plan->at = 3;
		place->driver.plan->native = 4711;
		strcpy(place->driver.plan->state, classes[i]);
		assert_int_not_equal(attach(place), DB_OK);
		snprintf(expected, sizeof(expected), "(%s/4711)", classes[i]);
		if (!strstr(place->err.text, expected))
			fail_msg("%s is not in \"%s\"", expected, place->err.text);
	}
}

/* Brings a database up, and lets the next commit fail. */
static void fail_at_commit(struct place *place, enum fail_how how, const char *state)
{
	start_again(place, true);
	assert_int_equal(attach(place), DB_OK);
	place->driver.plan->how = how;
	strcpy(place->driver.plan->state, state);
}

static void test_commit_that_is_not_done_is_uncertain_and_done_again(void **state)
{
	struct place *place = *state;

	fail_at_commit(place, FAIL_LOSE, "");
	assert_int_equal(store_once(place), DB_UNCERTAIN);
	expect(place, "SELECT " EVERYTHING, "0");
	place->driver.plan->how = FAIL_NEVER;
	store_all(place);
	expect(place, "SELECT " EVERYTHING, "6");
}

static void test_commit_whose_answer_is_lost_is_uncertain_and_not_done_again(void **state)
{
	struct place *place = *state;

	fail_at_commit(place, FAIL_ANSWER, "");
	assert_int_equal(store_once(place), DB_UNCERTAIN);
	expect(place, "SELECT " EVERYTHING, "6");
	place->driver.plan->how = FAIL_NEVER;
	assert_int_equal(attach(place), DB_OK);
	assert_int_equal(place->cursor.lsn, place->writer.end);
}

static void test_commit_that_says_it_failed_though_it_did_not_is_uncertain(void **state)
{
	struct place *place = *state;

	fail_at_commit(place, FAIL_AFTER, "40001");
	assert_int_equal(store_once(place), DB_UNCERTAIN);
	place->driver.plan->how = FAIL_NEVER;
	store_all(place);
	expect_each_once(place);
}

static void test_slow_answers_change_nothing(void **state)
{
	struct place *place = *state;

	start_again(place, true);
	place->driver.plan->how = FAIL_SLOW;
	place->driver.plan->at = 20;
	store_all(place);
	expect_each_once(place);
}

/* A driver that hangs is the master's business, who kills the process. */
static void test_store_that_hangs_in_a_commit_and_is_killed_loses_nothing(void **state)
{
	struct place *place = *state;
	int tell[2], status;
	char byte;
	pid_t child;

	assert_int_equal(pipe(tell), 0);
	start_again(place, true);
	child = fork();
	if (child == 0) {
		if (attach(place) == DB_OK) {
			place->driver.plan->how = FAIL_HANG;
			place->driver.plan->tell = tell[1];
			store_once(place);
		}
		_exit(1);
	}
	assert_int_equal(read(tell[0], &byte, 1), 1);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(tell[0]);
	close(tell[1]);
	store_all(place);
	expect_each_once(place);
	expect(place, "SELECT " EVERYTHING, "6");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(busy_at_any_call_loses_and_doubles_nothing),
		TEST(lost_connection_at_any_call_loses_and_doubles_nothing),
		TEST(lost_answer_of_any_call_loses_and_doubles_nothing),
		TEST(failure_without_diagnosis_loses_and_doubles_nothing),
		TEST(full_disk_after_any_call_loses_and_doubles_nothing),
		TEST(deadlock_at_any_call_loses_and_doubles_nothing),
		TEST(spoilt_cursor_at_any_call_loses_and_doubles_nothing),
		TEST(timeout_at_any_call_loses_and_doubles_nothing),
		TEST(unknown_failure_at_any_call_loses_and_doubles_nothing),
		TEST(unknown_failure_after_any_call_loses_and_doubles_nothing),
		TEST(refused_row_at_any_call_is_a_dead_letter_at_worst),
		TEST(refused_value_after_any_call_is_a_dead_letter_at_worst),
		TEST(every_class_of_states_at_any_call_loses_and_doubles_nothing),
		TEST(failures_have_the_state_and_the_code_that_were_asked_for),
		TEST(commit_that_is_not_done_is_uncertain_and_done_again),
		TEST(commit_whose_answer_is_lost_is_uncertain_and_not_done_again),
		TEST(commit_that_says_it_failed_though_it_did_not_is_uncertain),
		TEST(slow_answers_change_nothing),
		TEST(store_that_hangs_in_a_commit_and_is_killed_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
