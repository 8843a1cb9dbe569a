/* How pchat-file follows the journal: what it has noted as done is done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/file.h"
#include "disk.h"

enum { RING = 65536, BATCH = 4096, BASE = 8, PARTS = 256 };

struct test {
	char directory[64];
	struct disk *disk;
	struct journal_writer writer;
	struct proc_page sequencer, own;
	struct file_server server;
};

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

/* --- A test. --- */

static int setup(void **state)
{
	const struct record begin = {.type = EVENT_START};
	struct test *t = calloc(1, sizeof(*t));
	struct err err;

	*state = t;
	strcpy(t->directory, "/tmp/pchat-follow-XXXXXX");
	t->disk = disk_new(JOURNAL_HEADER + RING);
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

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct test *t = *state;

	journal_unmap(&t->server.journal);
	journal_close(&t->writer);
	place_close(&t->server.place);
	disk_free(&t->disk);
	nftw(t->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_a_room_removed_while_another_is_looked_through_is_not_forgotten, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
