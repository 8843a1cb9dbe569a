#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/clock.h"
#include "daemon/adapter_task.h"
#include "t/unit/database.h"

/*
 * pchat-adapter without a server: records are put into a database, and tasks make files of them. The
 * processes that write them are this program, started with -w.
 */
enum { MINUTE = 60000000, PATIENCE_MS = 30000 };

struct place {
	struct database database;
	struct db *db;
	char directory[64], files[96];
	struct conf *conf;
	struct proc proc;
	struct proc_page page;
	struct adapter_shared shared;
	struct adapter_task task;
	uint64_t last; /* record */
	struct err err;
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	*state = place;
	if (!place || !database_make(&place->database, ""))
		return -1;
	strcpy(place->directory, "/tmp/pchat-adapter.XXXXXX");
	if (!mkdtemp(place->directory))
		return -1;
	snprintf(place->files, sizeof(place->files), "%s/files", place->directory);
	place->proc.own = &place->page;
	place->shared.proc = &place->proc;
	place->shared.conf = -1;
	place->db = place->shared.db = db_new(&place->database.list, &place->err);
	if (mkdir(place->files, 0700) == -1 || !place->db ||
	    db_connect(place->db, &place->err) != DB_OK)
		return -1;
	return record_open(place->db, &place->err) == DB_OK ? 0 : -1;
}

static int teardown(void **state)
{
	struct place *place = *state;
	char command[192];

	if (place->task.run.pid != 0) {
		struct writer_result result;

		adapter_run_kill(&place->task.run);
		while (!adapter_run_ended(&place->task.run, place->task.conf, 0, &result))
			poll(NULL, 0, 1);
	}
	snprintf(command, sizeof(command), "chmod -R u+w %s; rm -rf %s", place->directory,
		 place->directory);
	if (system(command) != 0)
		print_message("%s failed\n", command);
	if (place->shared.conf != -1)
		close(place->shared.conf);
	conf_free(&place->conf);
	db_free(&place->db);
	database_remove(&place->database);
	free(place);
	return 0;
}

/* The only adapter, with these settings besides its directory. */
static void configure(struct place *place, const char *settings)
{
	char text[2048];
	int fd = memfd_create("conf", 0);

	snprintf(text, sizeof(text),
		 "domain = example.test\njson { tls = false }\nadapter a { directory = '%s' %s }\n",
		 place->files, settings);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	conf_free(&place->conf);
	place->conf = conf_load_fd(fd, "test", &place->err);
	if (!place->conf)
		fail_msg("%s", place->err.text);
	close(fd);
	if (place->shared.conf != -1)
		close(place->shared.conf);
	place->shared.conf = conf_snapshot_adapters(place->conf, &place->err);
	assert_true(place->shared.conf != -1);
	adapter_task_init(&place->task, &place->conf->adapters.item[0]);
}

#define BYTES(text)                      \
	(struct db_bytes)                \
	{                                \
		(text), strlen(text)     \
	}

/* Records of what somebody wrote, and the cursor row behind them. */
static void record(struct place *place, unsigned count, const char *text)
{
	struct record_cursor cursor;

	assert_int_equal(record_cursor_get(place->db, &cursor, &place->err), DB_OK);
	for (unsigned i = 0; i < count; i++) {
		struct record_row row = {
			.number = ++place->last,
			.lsn = 8 * place->last,
			.time = 1763717400000000 + place->last,
			.flags = RECORD_HISTORY,
			.room_id = 1,
			.user_id = 2,
			.message = place->last,
			.type = BYTES("chat"),
			.room = BYTES("ma-chan://example.test/11111111-1111-4111-8111-111111111111"),
			.room_name = BYTES("Lab"),
			.category = BYTES("General"),
			.user_uri = BYTES("sip:alice@example.test"),
			.user_name = BYTES("Alice"),
			.address = BYTES("127.0.0.1"),
			.session = BYTES("8.1.1"),
			.content = BYTES(text),
		};

		memset(row.hash, 'a', RECORD_HEX - 1);
		assert_int_equal(record_put(place->db, &row, 1, &place->err), DB_OK);
	}
	cursor.number = place->last;
	assert_int_equal(record_cursor_put(place->db, &cursor, &place->err), DB_OK);
}

/* The names in the directory, sorted, a space behind each. */
static const char *files(const struct place *place)
{
	static char names[65536];
	struct dirent **entries;
	const int count = scandir(place->files, &entries, NULL, alphasort);

	names[0] = '\0';
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.')
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
				 entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return names;
}

static const char *content(const struct place *place, const char *name)
{
	static char text[65536];
	char path[256];
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", place->directory, name);
	in = fopen(path, "r");
	if (!in)
		fail_msg("there is no %s", path);
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	return text;
}

static void program(const struct place *place, const char *text)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/program", place->directory);
	out = fopen(path, "w");
	assert_non_null(out);
	fprintf(out, "#!/bin/sh\n%s\n", text);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(path, 0700), 0);
}

static void step(struct place *place)
{
	const enum db_result result =
		adapter_task_step(&place->task, &place->shared, true, &place->err);

	if (result != DB_OK)
		fail_msg("%s", place->err.text);
}

static void watch(struct place *place)
{
	struct pollfd wait = {.fd = place->task.run.pidfd, .events = POLLIN};

	if (place->task.run.pid == 0)
		return;
	if (poll(&wait, 1, PATIENCE_MS) != 1)
		fail_msg("a writer does not end");
	adapter_task_watch(&place->task, &place->shared);
	assert_int_equal(place->task.run.pid, 0);
}

/* Until it is not due any more: it has everything, or it fails. */
static void run(struct place *place)
{
	while (adapter_task_due(&place->task, clock_mono())) {
		step(place);
		watch(place);
	}
}

static struct record_adapter stored(struct place *place)
{
	struct record_adapter row;

	assert_int_equal(record_adapter_get(place->db, "a", &row, &place->err), DB_OK);
	return row;
}

static uint64_t counted(const struct place *place, enum counter counter)
{
	return atomic_load(&place->page.counters[counter]);
}

/* --- Batches on their way. --- */

static void test_a_batch_arrives_as_it_was_sent(void **state)
{
	struct place *place = *state;
	struct record_row row = {.number = 7, .lsn = 8, .time = 9, .flags = RECORD_ALERT,
				 .user_id = 10, .message = 11, .type = BYTES("replace"),
				 .room = BYTES("r"), .room_name = BYTES("n"),
				 .description = BYTES("d"), .category = BYTES("c"),
				 .user_uri = BYTES("u"), .user_name = BYTES("m"),
				 .address = BYTES("i"), .session = BYTES("s"), .title = BYTES("t"),
				 .content = BYTES("text"), .rich_type = BYTES("y"),
				 .rich = BYTES("h"), .detail = BYTES("{}"), .hash = "abc"};
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
	const struct record_row row = {.number = 1, .type = BYTES("chat"),
				       .content = BYTES("some text"), .hash = ""};
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
	struct record_adapter row = {.name = "b", .done = 1, .batch = 2, .ran = 3, .failures = 4,
				     .failing = 5, .error = "no"};
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

#define FIRST "a-00000000000000000001-"

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
	assert_string_equal(files(place), FIRST "00000000000000000003.jsonl "
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

static void test_a_greedy_stylesheet_is_a_failure(void **state)
{
#ifdef PCHAT_SANITIZERS
	(void)state;
	skip();
#else
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
	snprintf(settings, sizeof(settings),
		 "form = xml memory = 64M stylesheet = '%s/greedy.xsl'", place->directory);
	configure(place, settings);
	record(place, 1, "hello");
	run(place);
	assert_int_equal(stored(place).failures, 1);
	assert_string_equal(files(place), "");
#endif
}

/* Nobody may be there to take its exit status. */
static bool runs(pid_t pid)
{
	char path[64], state = 'X';
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	in = fopen(path, "r");
	if (in && fscanf(in, "%*d (%*[^)]) %c", &state) != 1)
		state = 'X';
	if (in)
		fclose(in);
	return state != 'X' && state != 'Z';
}

static void test_a_hanging_writer_is_ended_with_all_that_it_started(void **state)
{
	struct place *place = *state;
	char settings[256];
	pid_t pid;

	program(place, "echo $$ >\"$1.pid\"\nsleep 1000 & sleep 1000");
	snprintf(settings, sizeof(settings),
		 "form = exec time_limit = 1s program = { '%s/program', '{}' }", place->directory);
	configure(place, settings);
	record(place, 1, "hello");
	step(place);
	assert_true(place->task.run.pid != 0);
	while (place->task.run.pid != 0) {
		adapter_task_watch(&place->task, &place->shared);
		poll(NULL, 0, 10);
	}
	pid = atoi(content(place, "files/" FIRST "00000000000000000001.jsonl.pid"));
	while (runs(pid))
		poll(NULL, 0, 10);
	step(place);
	assert_string_equal(stored(place).error, "it was not done within its time_limit of 1 s");
}

/* --- Programs. --- */

static void hand_to(struct place *place, const char *text, const char *more)
{
	char settings[512];

	program(place, text);
	snprintf(settings, sizeof(settings), "form = exec program = { '%s/program', '--a b', '{}' } %s",
		 place->directory, more);
	configure(place, settings);
}

static void test_a_program_gets_each_file_and_little_else(void **state)
{
	struct place *place = *state;

	assert_int_equal(setenv("PCHAT_SECRET", "sesame", 1), 0);
	hand_to(place,
		"{ echo \"$1 ${2##*/} $#\"; pwd; env; ls /proc/self/fd | tr '\\n' ' '; umask; } "
		">../told\nread line && echo \"$line\" >>../told",
		"");
	record(place, 1, "hello");
	run(place);
	assert_string_equal(stored(place).error, "");
	assert_string_equal(files(place), FIRST "00000000000000000001.jsonl.done ");
	content(place, "told");
	assert_non_null(strstr(content(place, "told"),
			       "--a b " FIRST "00000000000000000001.jsonl 2\n"));
	assert_non_null(strstr(content(place, "told"), "\nPCHAT_ADAPTER=a\n"));
	assert_non_null(strstr(content(place, "told"), "/files\n"));
	assert_null(strstr(content(place, "told"), "sesame"));
	assert_non_null(strstr(content(place, "told"), "0 1 2 3 0077\n"));
	assert_non_null(strstr(content(place, "told"), "\"content\":\"hello\""));

	/* The mark goes when there is a later batch. */
	record(place, 1, "more");
	adapter_task_hurry(&place->task);
	run(place);
	assert_string_equal(files(place), "a-00000000000000000002-00000000000000000002.jsonl.done ");
}

static void test_a_file_is_kept_until_the_program_takes_it(void **state)
{
	struct place *place = *state;

	hand_to(place, "echo begun; echo \"no \303 room\" >&2; exit 75", "");
	record(place, 1, "hello");
	run(place);
	assert_non_null(strstr(stored(place).error, "/program ended with status 75: \"no "));
	assert_non_null(strstr(stored(place).error, "room\""));
	assert_string_equal(files(place), FIRST "00000000000000000001.jsonl ");
	program(place, "kill -9 $$");
	adapter_task_hurry(&place->task);
	run(place);
	assert_non_null(strstr(stored(place).error, "/program was ended by signal 9"));
	program(place, "true");
	adapter_task_hurry(&place->task);
	run(place);
	assert_string_equal(files(place), FIRST "00000000000000000001.jsonl.done ");
	assert_int_equal(stored(place).done, 1);
}

static void test_what_was_taken_is_not_handed_over_again(void **state)
{
	struct place *place = *state;

	/* With a list of transfers, each batch is two files; the second is not taken at first. */
	hand_to(place, "echo ${2##*.} >>../told; test $2 != \"${2%jsonl}\" || test -e ../ready",
		"attachments_manifest = yes");
	record(place, 1, "hello");
	assert_int_equal(db_run(place->db, "UPDATE pcc_record SET type = 'upload'", &place->err),
			 DB_OK);
	run(place);
	assert_string_equal(content(place, "told"), "ATTACH\n");
	assert_string_equal(files(place), FIRST "00000000000000000001.ATTACH "
					  FIRST "00000000000000000001.jsonl ");
	program(place, "echo ${2##*.} >>../told; test $2 = \"${2%jsonl}\"");
	adapter_task_hurry(&place->task);
	run(place);
	assert_string_equal(content(place, "told"), "ATTACH\nATTACH\njsonl\n");
	assert_string_equal(files(place), FIRST "00000000000000000001.ATTACH.done "
					  FIRST "00000000000000000001.jsonl ");
	program(place, "echo ${2##*.} >>../told");
	adapter_task_hurry(&place->task);
	run(place);
	assert_string_equal(content(place, "told"), "ATTACH\nATTACH\njsonl\njsonl\n");
	assert_string_equal(files(place), FIRST "00000000000000000001.ATTACH.done "
					  FIRST "00000000000000000001.jsonl.done ");
	assert_int_equal(stored(place).done, 1);
}

static void test_a_program_that_is_not_there_is_a_failure(void **state)
{
	struct place *place = *state;

	configure(place, "form = exec program = /nonexistent/program");
	record(place, 1, "hello");
	run(place);
	assert_non_null(strstr(stored(place).error,
			       "could not execute it: No such file or directory"));
}

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
		TEST(test_a_batch_is_bounded_in_bytes),
		TEST(test_a_batch_that_was_noted_stays_what_it_was),
		TEST(test_a_writer_that_dies_leaves_no_half_and_no_second_file),
		TEST(test_what_a_crash_left_of_a_finished_file_does_not_harm_it),
		TEST(test_purged_records_are_passed_over),
		TEST(test_a_database_that_has_lost_its_end_is_followed),
		TEST(test_a_failure_is_told_and_the_same_batch_is_tried_again),
		TEST(test_a_wrong_stylesheet_says_why),
		TEST(test_a_greedy_stylesheet_is_a_failure),
		TEST(test_a_hanging_writer_is_ended_with_all_that_it_started),
		TEST(test_a_program_gets_each_file_and_little_else),
		TEST(test_a_file_is_kept_until_the_program_takes_it),
		TEST(test_what_was_taken_is_not_handed_over_again),
		TEST(test_a_program_that_is_not_there_is_a_failure),
	};

	if (argc == 3 && strcmp(argv[1], "-w") == 0)
		return adapter_writer_main(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
