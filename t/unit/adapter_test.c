#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/clock.h"
#include "t/unit/adapters.h"

/* Which records become which files, when, and what a crash or a failure does to them. */

enum { MINUTE = 60000000 };

/* --- Batches on their way. --- */

static void test_a_batch_arrives_as_it_was_sent(void **state)
{
	struct place *place = *state;
	struct record_row row = {.number = 7,
				 .lsn = 8,
				 .time = 9,
				 .flags = RECORD_ALERT,
				 .room_id = 12,
				 .user_id = 10,
				 .message = 11,
				 .type = BYTES("replace"),
				 .room = BYTES("r"),
				 .room_name = BYTES("n"),
				 .description = BYTES("d"),
				 .category = BYTES("c"),
				 .user_uri = BYTES("u"),
				 .user_name = BYTES("m"),
				 .address = BYTES("i"),
				 .session = BYTES("s"),
				 .title = BYTES("t"),
				 .content = BYTES("text"),
				 .rich_type = BYTES("y"),
				 .rich = BYTES("h"),
				 .detail = BYTES("{}"),
				 .hash = "abc"};
	struct adapter_unpack unpack;
	const struct adapter_record *record;
	struct adapter_pack pack;
	int fd;

	assert_int_equal(adapter_pack_init(&pack, &place->err), 0);
	adapter_pack_add(&pack, &row);
	row = (struct record_row){.number = 8, .type = BYTES("sign_in"), .hash = ""};
	adapter_pack_add(&pack, &row);
	assert_int_equal(pack.last, 8);
	fd = adapter_pack_end(&pack, &place->err);
	assert_true(fd != -1);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(adapter_unpack(&unpack, fd, &place->err), 0);
	assert_int_equal(unpack.batch.count, 2);
	record = unpack.batch.record;
	assert_int_equal(record->number, 7);
	assert_int_equal(record->lsn, 8);
	assert_int_equal(record->time, 9);
	assert_int_equal(record->kind, ADAPTER_REPLACE);
	assert_true(record->alert && !record->history);
	assert_int_equal(record->user, 10);
	assert_int_equal(record->room_id, 12);
	assert_int_equal(record->flags, RECORD_ALERT);
	assert_int_equal(record->message, 11);
	assert_string_equal(record->room, "r");
	assert_string_equal(record->room_name, "n");
	assert_string_equal(record->room_description, "d");
	assert_string_equal(record->category, "c");
	assert_string_equal(record->user_uri, "u");
	assert_string_equal(record->user_name, "m");
	assert_string_equal(record->address, "i");
	assert_string_equal(record->session, "s");
	assert_string_equal(record->hash, "abc");
	assert_string_equal(record->title, "t");
	assert_string_equal(record->content, "text");
	assert_string_equal(record->rich_type, "y");
	assert_string_equal(record->rich, "h");
	assert_string_equal(record->detail, "{}");
	assert_int_equal(record[1].kind, ADAPTER_OTHER);
	assert_string_equal(record[1].content, "");
	adapter_unpack_free(&unpack);
	close(fd);
}

static void test_a_damaged_batch_is_refused(void **state)
{
	struct place *place = *state;
	const struct record_row row = {
		.number = 1, .type = BYTES("chat"), .content = BYTES("some text"), .hash = ""};
	struct adapter_unpack unpack;
	struct adapter_pack pack;
	char bytes[1024];
	ssize_t size;
	int fd, copy;

	assert_int_equal(adapter_pack_init(&pack, &place->err), 0);
	adapter_pack_add(&pack, &row);
	adapter_pack_add(&pack, &row);
	fd = adapter_pack_end(&pack, &place->err);
	size = pread(fd, bytes, sizeof(bytes), 0);
	assert_true(size > 0 && size < (ssize_t)sizeof(bytes));
	for (ssize_t i = 0; i < size; i++) {
		/* Cut there. */
		copy = memfd_create("copy", 0);
		assert_int_equal(write(copy, bytes, (size_t)i), i);
		assert_int_equal(adapter_unpack(&unpack, copy, &place->err), -1);
		close(copy);
		/* Spoilt there: whatever comes out, nothing outside of it is touched. */
		copy = memfd_create("copy", 0);
		bytes[i] ^= 0x5a;
		assert_int_equal(write(copy, bytes, (size_t)size), size);
		if (adapter_unpack(&unpack, copy, &place->err) == 0)
			adapter_unpack_free(&unpack);
		bytes[i] ^= 0x5a;
		close(copy);
	}
	close(fd);
}

/* --- When. --- */

static void test_an_adapter_is_due_an_interval_after_its_last_run(void **state)
{
	const uint64_t now = 1000 * (uint64_t)MINUTE, utc = 5000 * (uint64_t)MINUTE;
	struct adapter_plan plan;

	(void)state;
	adapter_plan_begin(&plan, 15 * MINUTE, now, utc, 0);
	assert_int_equal(plan.due, now);
	adapter_plan_begin(&plan, 15 * MINUTE, now, utc, utc - 10 * MINUTE);
	assert_int_equal(plan.due, now + 5 * MINUTE);
	adapter_plan_begin(&plan, 15 * MINUTE, now, utc, utc - 16 * MINUTE);
	assert_int_equal(plan.due, now);
	/* The clock was set back. */
	adapter_plan_begin(&plan, 15 * MINUTE, now, utc, utc + 16 * (uint64_t)MINUTE);
	assert_int_equal(plan.due, now + 15 * MINUTE);
	assert_false(adapter_plan_worked(&plan, 15 * MINUTE, now));
	assert_int_equal(plan.due, now + 15 * MINUTE);
}

static void test_a_failing_adapter_is_tried_for_ever_and_told_once_an_hour(void **state)
{
	struct adapter_plan plan = {.due = 0};
	uint64_t now = 1000, told = 0, tries = 0;

	(void)state;
	assert_true(adapter_plan_failed(&plan, now));
	assert_int_equal(plan.due, now + 1000000);
	for (now = plan.due; now < 24 * 60 * (uint64_t)MINUTE; now = plan.due, tries++) {
		told += adapter_plan_failed(&plan, now);
		assert_true(plan.due > now && plan.due <= now + 5 * MINUTE);
	}
	assert_int_equal(told, 23);
	assert_true(tries > 24 * 12);
	assert_true(adapter_plan_worked(&plan, MINUTE, now));
	assert_true(adapter_plan_failed(&plan, now));
	assert_int_equal(plan.due, now + 1000000);
}

/* --- Where adapters stand. --- */

static void test_rows_of_adapters_are_kept(void **state)
{
	struct place *place = *state;
	struct record_adapter row = {.name = "b",
				     .done = 1,
				     .batch = 2,
				     .ran = 3,
				     .failures = 4,
				     .failing = 5,
				     .error = "no"};
	struct record_adapter got;

	assert_int_equal(record_adapter_get(place->db, "b", &got, &place->err), DB_END);
	assert_string_equal(got.name, "b");
	assert_int_equal(record_adapter_put(place->db, &row, &place->err), DB_OK);
	row.done = UINT64_C(1) << 60;
	assert_int_equal(record_adapter_put(place->db, &row, &place->err), DB_OK);
	assert_int_equal(record_adapter_get(place->db, "b", &got, &place->err), DB_OK);
	assert_memory_equal(&got, &row, sizeof(row));
	strcpy(row.name, "a");
	assert_int_equal(record_adapter_put(place->db, &row, &place->err), DB_OK);
	assert_int_equal(record_adapter_next(place->db, "", &got, &place->err), DB_OK);
	assert_string_equal(got.name, "a");
	assert_int_equal(record_adapter_next(place->db, "a", &got, &place->err), DB_OK);
	assert_string_equal(got.name, "b");
	assert_int_equal(got.batch, 2);
	assert_string_equal(got.error, "no");
	assert_int_equal(record_adapter_next(place->db, "b", &got, &place->err), DB_END);
}

static void test_the_slowest_adapter_says_what_is_needed_no_more(void **state)
{
	struct place *place = *state;
	struct record_adapter row = {.name = "a", .done = 7};
	uint64_t number;

	configure(place, "form = csv }\nadapter b { form = csv directory = /b");
	assert_int_equal(record_adapter_put(place->db, &row, &place->err), DB_OK);
	assert_int_equal(record_adapter_floor(place->db, place->conf, &number, &place->err), DB_OK);
	assert_int_equal(number, 0);
	strcpy(row.name, "b");
	row.done = 5;
	assert_int_equal(record_adapter_put(place->db, &row, &place->err), DB_OK);
	assert_int_equal(record_adapter_floor(place->db, place->conf, &number, &place->err), DB_OK);
	assert_int_equal(number, 5);
	configure(place, "form = csv");
	assert_int_equal(record_adapter_floor(place->db, place->conf, &number, &place->err), DB_OK);
	assert_int_equal(number, 7);
	place->conf->adapters.count = 0;
	assert_int_equal(record_adapter_floor(place->db, place->conf, &number, &place->err), DB_OK);
	assert_true(number == UINT64_MAX);
	place->conf->adapters.count = 1;
}

/* --- Files. --- */

static void test_records_become_files_batch_by_batch(void **state)
{
	struct place *place = *state;
	struct record_adapter row;

	configure(place, "form = csv batch_records = 300");
	record(place, 700, "hello");
	run(place);
	assert_string_equal(files(place), FIRST "00000000000000000300.csv "
						"a-00000000000000000301-00000000000000000600.csv "
						"a-00000000000000000601-00000000000000000700.csv ");
	row = stored(place);
	assert_int_equal(row.done, 700);
	assert_int_equal(row.batch, 0);
	assert_true(row.ran > 0);
	assert_int_equal(counted(place, COUNTER_ADAPTER_RECORDS), 700);
	assert_int_equal(counted(place, COUNTER_ADAPTER_FILES), 3);
	assert_int_equal(counted(place, COUNTER_ADAPTER_BATCHES), 3);
	assert_true(place->task.plan.due > clock_mono() + 14 * MINUTE);

	/* What comes later waits for its time, or for an administrator. */
	record(place, 1, "later");
	assert_false(adapter_task_due(&place->task, clock_mono()));
	adapter_task_hurry(&place->task);
	run(place);
	assert_int_equal(stored(place).done, 701);
	assert_non_null(strstr(files(place), "a-00000000000000000701-00000000000000000701.csv"));
	/* Also where the process has only just begun. */
	record(place, 1, "still later");
	adapter_task_init(&place->task, &place->conf->adapters.item[0]);
	run(place);
	assert_int_equal(stored(place).done, 701);
	adapter_task_init(&place->task, &place->conf->adapters.item[0]);
	adapter_task_hurry(&place->task);
	run(place);
	assert_int_equal(stored(place).done, 702);
	/* And where nothing is new no file is made. */
	adapter_task_hurry(&place->task);
	run(place);
	assert_int_equal(counted(place, COUNTER_ADAPTER_FILES), 5);
}

static void test_files_can_be_read_by_their_group(void **state)
{
	struct place *place = *state;
	char path[256];
	struct stat stat_of;

	configure(place, "form = csv");
	record(place, 1, "hello");
	umask(077);
	run(place);
	snprintf(path, sizeof(path), "%s/" FIRST "00000000000000000001.csv", place->files);
	assert_int_equal(stat(path, &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 0777, 0640);
	umask(022);
}

static void test_who_asks_during_a_run_gets_what_came_since_it_began(void **state)
{
	struct place *place = *state;

	configure(place, "form = csv");
	record(place, 1, "hello");
	step(place);
	record(place, 1, "more");
	adapter_task_hurry(&place->task);
	watch(place);
	run(place);
	assert_int_equal(stored(place).done, 2);
}

static void test_a_batch_is_bounded_in_bytes(void **state)
{
	struct place *place = *state;
	char *text = malloc(30001);

	memset(text, 'x', 30000);
	text[30000] = '\0';
	configure(place, "form = jsonl batch_size = 64k");
	record(place, 5, text);
	free(text);
	run(place);
	assert_string_equal(files(place),
			    FIRST "00000000000000000003.jsonl "
				  "a-00000000000000000004-00000000000000000005.jsonl ");
}

static void test_a_batch_that_was_noted_stays_what_it_was(void **state)
{
	struct place *place = *state;
	struct record_adapter row = {.name = "a", .done = 2, .batch = 5};

	configure(place, "form = jsonl");
	record(place, 9, "hello");
	assert_int_equal(record_adapter_put(place->db, &row, &place->err), DB_OK);
	run(place);
	assert_string_equal(files(place), "a-00000000000000000003-00000000000000000005.jsonl "
					  "a-00000000000000000006-00000000000000000009.jsonl ");
}

/* Killed at any moment of it, and started again. */
static void test_a_writer_that_dies_leaves_no_half_and_no_second_file(void **state)
{
	struct place *place = *state;
	struct record_adapter row;

	configure(place, "form = xml one_room_per_file = yes");
	record(place, 500, "hello");
	for (unsigned i = 0; i < 20; i++) {
		adapter_task_init(&place->task, &place->conf->adapters.item[0]);
		step(place);
		assert_true(place->task.run.pid != 0);
		poll(NULL, 0, (int)i);
		adapter_run_kill(&place->task.run);
		watch(place);
		if (place->task.row.done == 500)
			break; /* it was faster */
		row = stored(place);
		assert_int_equal(row.batch, 500);
		assert_int_equal(row.done, 0);
	}
	adapter_task_hurry(&place->task);
	run(place);
	assert_string_equal(files(place), FIRST "00000000000000000500-"
						"11111111-1111-4111-8111-111111111111.xml ");
	row = stored(place);
	assert_int_equal(row.done, 500);
	assert_int_equal(row.failures, 0);
	assert_string_equal(row.error, "");
}

static void test_what_a_crash_left_of_a_finished_file_does_not_harm_it(void **state)
{
	struct place *place = *state;
	char from[256], to[300];

	configure(place, "form = csv");
	record(place, 1, "hello");
	run(place);
	snprintf(from, sizeof(from), "%s/" FIRST "00000000000000000001.csv", place->files);
	snprintf(to, sizeof(to), "%s.part", from);
	assert_int_equal(link(from, to), 0);
	/* As if the row had not been moved: the same batch again, under way while we look. */
	assert_int_equal(record_adapter_put(place->db,
					    &(struct record_adapter){.name = "a", .batch = 1},
					    &place->err),
			 DB_OK);
	adapter_task_init(&place->task, &place->conf->adapters.item[0]);
	run(place);
	assert_string_equal(files(place), FIRST "00000000000000000001.csv ");
	assert_non_null(strstr(content(place, "files/" FIRST "00000000000000000001.csv"), "hello"));
	assert_int_equal(stored(place).done, 1);
}

static void test_purged_records_are_passed_over(void **state)
{
	struct place *place = *state;

	configure(place, "form = csv");
	record(place, 10, "hello");
	assert_int_equal(db_run(place->db, "DELETE FROM pcc_record WHERE number < 4", &place->err),
			 DB_OK);
	run(place);
	assert_string_equal(files(place), "a-00000000000000000004-00000000000000000010.csv ");
	assert_int_equal(db_run(place->db, "DELETE FROM pcc_record", &place->err), DB_OK);
	record(place, 5, "hello");
	assert_int_equal(db_run(place->db, "DELETE FROM pcc_record", &place->err), DB_OK);
	adapter_task_hurry(&place->task);
	run(place);
	assert_int_equal(stored(place).done, 15);
}

static void put_row(struct place *place, uint64_t done, uint64_t batch)
{
	const struct record_adapter row = {.name = "a", .done = done, .batch = batch, .ran = 1};

	assert_int_equal(record_adapter_put(place->db, &row, &place->err), DB_OK);
}

static void test_a_database_that_has_lost_its_end_is_followed(void **state)
{
	struct place *place = *state;

	configure(place, "form = csv");
	record(place, 10, "hello");
	run(place);
	/* The same connection again: nothing is made twice. */
	adapter_task_attached(&place->task);
	adapter_task_hurry(&place->task);
	run(place);
	assert_string_equal(files(place), FIRST "00000000000000000010.csv ");
	/* Another database. */
	put_row(place, 5, 0);
	adapter_task_attached(&place->task);
	adapter_task_hurry(&place->task);
	run(place);
	assert_string_equal(files(place), FIRST "00000000000000000010.csv "
						"a-00000000000000000006-00000000000000000010.csv ");
	assert_int_equal(stored(place).done, 10);
	/* Another one, while a writer is at work. */
	record(place, 2, "more");
	adapter_task_hurry(&place->task);
	step(place);
	put_row(place, 9, 0);
	watch(place);
	adapter_task_attached(&place->task);
	adapter_task_hurry(&place->task);
	run(place);
	assert_non_null(strstr(files(place), "a-00000000000000000010-00000000000000000012.csv"));
	assert_int_equal(stored(place).done, 12);
}

static void test_a_failure_is_told_and_the_same_batch_is_tried_again(void **state)
{
	struct place *place = *state;
	struct record_adapter row;

	configure(place, "form = csv");
	record(place, 3, "hello");
	assert_int_equal(rmdir(place->files), 0);
	run(place);
	assert_true(place->task.plan.due > clock_mono());
	row = stored(place);
	assert_int_equal(row.done, 0);
	assert_int_equal(row.batch, 3);
	assert_int_equal(row.failures, 1);
	assert_true(row.failing > 0);
	assert_non_null(strstr(row.error, "No such file or directory"));
	assert_int_equal(counted(place, COUNTER_ADAPTERS_FAILING), 1);

	adapter_task_hurry(&place->task);
	run(place);
	assert_int_equal(stored(place).failures, 2);
	assert_int_equal(counted(place, COUNTER_ADAPTERS_FAILING), 1);
	assert_int_equal(counted(place, COUNTER_ADAPTER_FAILURES), 2);

	/* What came meanwhile is in the next batch. */
	record(place, 2, "more");
	assert_int_equal(mkdir(place->files, 0700), 0);
	adapter_task_hurry(&place->task);
	run(place);
	assert_string_equal(files(place), FIRST "00000000000000000003.csv "
						"a-00000000000000000004-00000000000000000005.csv ");
	assert_int_equal(stored(place).failing, 0);
	assert_int_equal(counted(place, COUNTER_ADAPTERS_FAILING), 0);
}

static void test_a_wrong_stylesheet_says_why(void **state)
{
	struct place *place = *state;
	char settings[256];
	FILE *out;

	snprintf(settings, sizeof(settings), "%s/wrong.xsl", place->directory);
	out = fopen(settings, "w");
	fputs("<stylesheet", out);
	fclose(out);
	snprintf(settings, sizeof(settings), "form = xml stylesheet = '%s/wrong.xsl'",
		 place->directory);
	configure(place, settings);
	record(place, 1, "hello");
	run(place);
	assert_non_null(strstr(stored(place).error, "wrong.xsl"));
	assert_non_null(strstr(stored(place).error, "error"));
	assert_string_equal(files(place), "");
}

#ifndef PCHAT_SANITIZERS /* which need more address space than a writer may have */
static void test_a_greedy_stylesheet_is_a_failure(void **state)
{
	struct place *place = *state;
	char settings[256];
	FILE *out;

	snprintf(settings, sizeof(settings), "%s/greedy.xsl", place->directory);
	out = fopen(settings, "w");
	fputs("<x:stylesheet version='1.0' xmlns:x='http://www.w3.org/1999/XSL/Transform'>"
	      "<x:template match='/'><x:call-template name='t'>"
	      "<x:with-param name='v' select='\"0123456789\"'/></x:call-template></x:template>"
	      "<x:template name='t'><x:param name='v'/><x:call-template name='t'>"
	      "<x:with-param name='v' select='concat($v, $v)'/></x:call-template></x:template>"
	      "</x:stylesheet>",
	      out);
	fclose(out);
	snprintf(settings, sizeof(settings), "form = xml memory = 64M stylesheet = '%s/greedy.xsl'",
		 place->directory);
	configure(place, settings);
	record(place, 1, "hello");
	run(place);
	assert_int_equal(stored(place).failures, 1);
	assert_string_equal(files(place), "");
}
#endif

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_batch_arrives_as_it_was_sent),
		TEST(test_a_damaged_batch_is_refused),
		cmocka_unit_test(test_an_adapter_is_due_an_interval_after_its_last_run),
		cmocka_unit_test(test_a_failing_adapter_is_tried_for_ever_and_told_once_an_hour),
		TEST(test_rows_of_adapters_are_kept),
		TEST(test_the_slowest_adapter_says_what_is_needed_no_more),
		TEST(test_records_become_files_batch_by_batch),
		TEST(test_files_can_be_read_by_their_group),
		TEST(test_who_asks_during_a_run_gets_what_came_since_it_began),
		TEST(test_a_batch_is_bounded_in_bytes),
		TEST(test_a_batch_that_was_noted_stays_what_it_was),
		TEST(test_a_writer_that_dies_leaves_no_half_and_no_second_file),
		TEST(test_what_a_crash_left_of_a_finished_file_does_not_harm_it),
		TEST(test_purged_records_are_passed_over),
		TEST(test_a_database_that_has_lost_its_end_is_followed),
		TEST(test_a_failure_is_told_and_the_same_batch_is_tried_again),
		TEST(test_a_wrong_stylesheet_says_why),
#ifndef PCHAT_SANITIZERS
		TEST(test_a_greedy_stylesheet_is_a_failure),
#endif
	};

	if (argc == 3 && strcmp(argv[1], "-w") == 0)
		return adapter_writer_main(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
