/* How pchat-file follows the journal: what it has noted as done is done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/file.h"
#include "disk.h"
#include "t/unit/scratch.h"

enum { RING = 65536, BATCH = 4096, BASE = 8, PARTS = 256 };

struct test {
	char directory[64];
	struct disk *disk;
	struct journal_writer writer;
	struct proc_page sequencer, own;
	struct file_server server;
};

static struct test *current; /* the test that runs */
static unsigned failures;    /* so many files cannot be made one */
static uint64_t meanwhile;   /* becomes durable while the next file is made one; 0: nothing */
static uint64_t refusal;     /* number of the command that the sequencer refuses; 0: none */

int __real_place_settle(struct file_place *place, const uint8_t file[16], uint64_t time,
			struct err *err);
int __wrap_place_settle(struct file_place *place, const uint8_t file[16], uint64_t time,
			struct err *err);

int __wrap_place_settle(struct file_place *place, const uint8_t file[16], uint64_t time,
			struct err *err)
{
	if (meanwhile != 0)
		atomic_store(&current->sequencer.durable, meanwhile);
	meanwhile = 0;
	if (failures > 0) {
		failures--;
		return err_set(err, "the disk failed");
	}
	return __real_place_settle(place, file, time, err);
}

bool __wrap_mailbox_answer(struct mailbox *mailbox, struct answer *answer_r);

bool __wrap_mailbox_answer(struct mailbox *mailbox, struct answer *answer_r)
{
	(void)mailbox;
	*answer_r = (struct answer){.number = refusal, .code = CODE_NO_SUCH_NODE};
	refusal = 0;
	return answer_r->number != 0;
}

/* --- The journal. --- */

static void publish(struct test *t)
{
	atomic_store(&t->sequencer.durable, t->writer.end);
}

/* Returns the LSN; it is not durable before publish. */
static uint64_t append(struct test *t, const struct record *head, const void *payload, uint32_t size)
{
	const struct record *record = journal_append(&t->writer, head, payload, size, BASE);
	uint64_t lsn;
	struct err err;

	assert_non_null(record);
	lsn = record->lsn;
	assert_int_equal(journal_commit(&t->writer, true, &err), 0);
	return lsn;
}

static uint64_t remove_room(struct test *t, uint8_t room)
{
	const struct record head = {.type = EVENT_REMOVED};
	struct event_removed event = {.kind = NODE_ROOM, .id = room};
	uint8_t payload[64];

	memset(event.uuid, room, sizeof(event.uuid));
	return append(t, &head, payload, event_removed_put(&event, payload, sizeof(payload)));
}

static uint64_t store_file(struct test *t, uint8_t number, uint64_t command)
{
	const struct record head = {
		.type = EVENT_FILE, .room = 1, .command = command, .mail_slot = SLOT_FILE};
	struct event_file event = {.name = {"plan", 4}, .type = {"", 0}};
	uint8_t payload[256];

	memset(event.uuid, number, sizeof(event.uuid));
	return append(t, &head, payload, event_file_put(&event, payload, sizeof(payload)));
}

/* A worker waits for the sequencer's word on that command. */
static void await(struct test *t, uint64_t command, uint8_t number)
{
	struct file_waiting *waiting = calloc(1, sizeof(*waiting));

	assert_non_null(waiting);
	waiting->number = command;
	waiting->upload = true;
	waiting->bytes = 4;
	memset(waiting->file, number, sizeof(waiting->file));
	waiting->question.slot = SLOT_WORKER;
	HASH_ADD(hh, t->server.waiting, number, sizeof(waiting->number), waiting);
}

/* --- A test. --- */

static int setup(void **state)
{
	const struct record begin = {.type = EVENT_START};
	struct test *t = calloc(1, sizeof(*t));
	struct err err;

	*state = current = t;
	strcpy(t->directory, "/tmp/pchat-follow-XXXXXX");
	t->disk = disk_new(JOURNAL_HEADER + RING);
	failures = 0;
	meanwhile = refusal = 0;
	if (!mkdtemp(t->directory) || journal_format(t->disk->fd, BASE, &err) == -1 ||
	    journal_open(&t->writer, t->disk->fd, BASE, UINT64_MAX, false, BATCH, NULL, NULL,
			 &err) == -1 ||
	    journal_map(&t->server.journal, t->disk->fd, NULL, &err) == -1 ||
	    place_open(&t->server.place, t->directory, false, &err) == -1)
		return -1;
	grants_init(&t->server.grants, 100);
	t->server.child.proc.own = &t->own;
	t->server.child.proc.page[SLOT_SEQUENCER] = &t->sequencer;
	t->server.lsn = append(t, &begin, NULL, 0);
	t->sequencer.tail = BASE;
	publish(t);
	file_follow(&t->server);
	return 0;
}

static int teardown(void **state)
{
	struct test *t = *state;
	struct file_waiting *waiting, *next;

	HASH_ITER(hh, t->server.waiting, waiting, next) {
		HASH_DEL(t->server.waiting, waiting);
		free(waiting);
	}
	journal_unmap(&t->server.journal);
	journal_close(&t->writer);
	place_close(&t->server.place);
	disk_free(&t->disk);
	scratch_remove(t->directory);
	free(t);
	return 0;
}

/* Where a successor would begin. */
static uint64_t noted(struct test *t)
{
	struct file_cursor cursor;
	struct err err;

	file_keep_cursor(&t->server, true);
	assert_int_equal(place_cursor_get(&t->server.place, &cursor, &err), 0);
	return cursor.lsn;
}

static void sweep(struct test *t, unsigned parts)
{
	for (unsigned i = 0; i < parts; i++)
		file_sweep(&t->server);
}

static void test_a_room_removed_while_another_is_looked_through_is_not_forgotten(void **state)
{
	struct test *t = *state;
	const uint64_t first = remove_room(t, 1);
	uint64_t second;

	publish(t);
	file_follow(&t->server);
	sweep(t, PARTS / 2);
	second = remove_room(t, 2);
	remove_room(t, 3);
	publish(t);
	file_follow(&t->server);
	assert_int_equal(noted(t), first);
	sweep(t, PARTS / 2);
	assert_int_equal(noted(t), second);
	sweep(t, PARTS);
	assert_int_equal(noted(t), t->writer.end);
	assert_false(file_sweep(&t->server));
}

static void test_who_waits_is_answered_though_something_is_tried_again(void **state)
{
	struct test *t = *state;
	const uint64_t first = store_file(t, 1, 1);

	failures = 1;
	publish(t);
	file_follow(&t->server);
	assert_int_equal(t->server.hold, first);
	store_file(t, 2, 2);
	publish(t);
	await(t, 2, 2);
	store_file(t, 3, 3);
	await(t, 3, 3);
	meanwhile = t->writer.end;
	t->server.again = 0;
	file_retry(&t->server);
	file_follow(&t->server);
	assert_int_equal(t->server.hold, 0);
	assert_int_equal(HASH_COUNT(t->server.waiting), 0);
	assert_int_equal(noted(t), t->writer.end);
}

/* A content that is complete, and not a file yet. */
static void upload(struct test *t, uint8_t number)
{
	struct file_about about = {.size = 4, .name = "plan"};
	struct err err;
	int fd;

	memset(about.file, number, sizeof(about.file));
	fd = place_create(&t->server.place, about.file, about.size, &err);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "text", 4), 4);
	assert_int_equal(place_complete(&t->server.place, fd, &about, &err), 0);
	close(fd);
}

static bool is_file(struct test *t, uint8_t number)
{
	struct file_about about;
	uint8_t file[16];
	struct err err;

	memset(file, number, sizeof(file));
	return place_read(&t->server.place, file, &about, &err) == 1;
}

/* The ring has gone round once more than this process has read. */
static void overtake(struct test *t)
{
	store_file(t, 7, 0);
	atomic_store(&t->sequencer.tail, t->writer.end);
	publish(t);
	file_follow(&t->server);
}

static void test_who_waits_for_what_the_journal_has_lost_is_told_and_the_file_kept(void **state)
{
	struct test *t = *state;

	upload(t, 1);
	await(t, 1, 1);
	overtake(t);
	assert_true(is_file(t, 1));
	assert_int_equal(file_bytes_waiting(&t->server), 0);
	assert_int_equal(HASH_COUNT(t->server.waiting), 1);
	t->server.waiting->since -= 61000000;
	file_expire_waiting(&t->server);
	assert_int_equal(HASH_COUNT(t->server.waiting), 0);
	assert_true(is_file(t, 1));
}

static void test_a_file_kept_in_doubt_stays_when_its_event_comes(void **state)
{
	struct test *t = *state;

	upload(t, 1);
	await(t, 1, 1);
	overtake(t);
	store_file(t, 1, 1);
	publish(t);
	file_follow(&t->server);
	assert_true(is_file(t, 1));
	assert_int_equal(HASH_COUNT(t->server.waiting), 0);
	assert_int_equal(t->server.place.files, 1);
}

static void test_a_file_kept_in_doubt_goes_when_it_is_refused(void **state)
{
	struct test *t = *state;

	upload(t, 1);
	upload(t, 2);
	await(t, 1, 1);
	await(t, 2, 2);
	overtake(t);
	assert_int_equal(t->server.place.files, 2);
	refusal = 1;
	assert_true(file_refusals(&t->server));
	assert_false(is_file(t, 1));
	assert_true(is_file(t, 2));
	assert_int_equal(t->server.place.files, 1);
	assert_int_equal(HASH_COUNT(t->server.waiting), 1);
	assert_false(file_refusals(&t->server));
}

static void test_what_was_complete_when_the_journal_went_past_is_kept_at_a_start(void **state)
{
	struct test *t = *state;
	struct file_about broken_off = {.file = {2}};
	struct err err;
	int fd;

	upload(t, 1);
	fd = place_create(&t->server.place, broken_off.file, 4, &err);
	assert_int_not_equal(fd, -1);
	close(fd);
	fd = openat(t->server.place.incoming, "03030303-0303-0303-0303-030303030303.json",
		    O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "{\"time\":", 8), 8);
	close(fd);
	assert_int_equal(place_adopt(&t->server.place, 1, &err), 0);
	assert_int_equal(place_clear(&t->server.place, &err), 0);
	assert_true(is_file(t, 1));
	assert_int_equal(place_settle(&t->server.place, broken_off.file, 1, &err), 0);
	assert_int_equal(t->server.place.files, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_a_room_removed_while_another_is_looked_through_is_not_forgotten, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_who_waits_is_answered_though_something_is_tried_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_who_waits_for_what_the_journal_has_lost_is_told_and_the_file_kept,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_file_kept_in_doubt_stays_when_its_event_comes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_file_kept_in_doubt_goes_when_it_is_refused,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_what_was_complete_when_the_journal_went_past_is_kept_at_a_start, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
