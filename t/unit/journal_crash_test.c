/*
 * The journal when things break: what was acknowledged is there, what was not does not come back
 * from the dead, and damage is never taken for an end.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "disk.h"
#include "shm/event.h"
#include "shm/journal.h"

enum { RING = 8192, BATCH = 4096, HEAD = sizeof(struct record), BASE = 8, LIST = 4096 };

/* The numbers of the messages that a journal was found to hold. */
struct list {
	unsigned count;
	uint64_t seq[LIST];
};

static int setup(void **state)
{
	struct disk *disk = disk_new(JOURNAL_HEADER + RING);
	struct err err;

	*state = disk;
	return journal_format(disk->fd, BASE, &err);
}

static int teardown(void **state)
{
	disk_free((struct disk **)state);
	return 0;
}

static int collect(const struct record *record, void *arg)
{
	struct list *list = arg;

	if (record->type == EVENT_MESSAGE) {
		assert_true(list->count < LIST);
		list->seq[list->count++] = record->seq;
	}
	return 0;
}

static int try_open(struct journal_writer *writer, struct disk *disk, uint64_t from, uint64_t limit,
		    bool recover, struct list *list, struct err *err)
{
	list->count = 0;
	return journal_open(writer, disk->fd, from, limit, recover, BATCH, collect, list, err);
}

static void open_at(struct journal_writer *writer, struct disk *disk, uint64_t from, uint64_t limit,
		    struct list *list)
{
	struct err err = {""};

	if (try_open(writer, disk, from, limit, false, list, &err) < 0)
		fail_msg("%s", err.text);
}

static void start(struct journal_writer *writer, struct disk *disk)
{
	struct list list;

	open_at(writer, disk, BASE, UINT64_MAX, &list);
}

/* Appends message seq with size bytes of payload, and EVENT_START first if it is the writer's
 * first; returns its LSN, 0 if it was refused. */
static uint64_t append(struct journal_writer *writer, uint64_t seq, uint32_t size, uint64_t oldest)
{
	struct record head = {.type = EVENT_MESSAGE, .seq = seq}, first = {.type = EVENT_START};
	const struct record *record;
	uint8_t payload[BATCH];

	if (!writer->started && !journal_append(writer, &first, NULL, 0, oldest))
		return 0;
	memset(payload, (int)seq, size);
	record = journal_append(writer, &head, payload, size, oldest);
	return record ? record->lsn : 0;
}

static void commit(struct journal_writer *writer)
{
	struct err err;

	assert_int_equal(journal_commit(writer, true, &err), 0);
}

static void assert_seqs(const struct list *list, unsigned count, const uint64_t *seq)
{
	assert_int_equal(list->count, count);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(list->seq[i], seq[i]);
}
#define SEQS(...)                                                          \
	sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), (uint64_t[]) \
	{                                                                  \
		__VA_ARGS__                                                \
	}

static void flip(struct disk *disk, uint64_t lsn)
{
	size_t at = (size_t)(JOURNAL_HEADER + lsn % RING);
	uint8_t byte = (uint8_t)(disk->image[at] ^ 1);

	disk_poke(disk, at, &byte, 1);
}

/* Three acknowledged messages, then a batch of three of which cut bytes reached the disk. */
static void torn_batch(struct disk *disk, uint64_t base, size_t cut, uint64_t ends[3])
{
	struct journal_writer writer;
	uint8_t *before = malloc(disk->size), *after = malloc(disk->size);
	uint64_t start_of_batch;
	struct list list;
	struct err err;

	assert_non_null(before);
	assert_non_null(after);
	assert_int_equal(journal_format(disk->fd, base, &err), 0);
	open_at(&writer, disk, base, UINT64_MAX, &list);
	for (uint64_t seq = 1; seq <= 3; seq++)
		append(&writer, seq, 20, base);
	commit(&writer);
	memcpy(before, disk->image, disk->size);
	start_of_batch = writer.end;
	for (uint64_t seq = 4; seq <= 6; seq++) {
		append(&writer, seq, 20, base);
		ends[seq - 4] = writer.end - start_of_batch;
	}
	commit(&writer);
	memcpy(after, disk->image, disk->size);
	journal_close(&writer);

	disk_poke(disk, 0, before, disk->size);
	for (size_t i = 0; i < cut; i++) {
		size_t at = (size_t)(JOURNAL_HEADER + (start_of_batch + i) % RING);

		disk_poke(disk, at, after + at, 1);
	}
	free(before);
	free(after);
}

static void a_last_write_torn_at_any_byte_leaves_the_records_before_it(void **state)
{
	static const uint64_t bases[] = {8, RING - 500, RING - 480, RING - 420};
	struct disk *disk = *state;
	struct journal_writer writer;
	struct list list;
	uint64_t ends[3] = {0, 0, 400};
	unsigned expected;

	for (unsigned b = 0; b < sizeof(bases) / sizeof(*bases); b++) {
		uint64_t base = bases[b] & ~UINT64_C(7);

		for (size_t cut = 0; cut == 0 || cut <= ends[2]; cut++) {
			torn_batch(disk, base, cut, ends);
			open_at(&writer, disk, base, UINT64_MAX, &list);
			expected = 3;
			for (unsigned i = 0; i < 3; i++)
				expected += cut >= ends[i];
			/* The last bytes of a record are padding, which is zero before, too. */
			assert_in_range(list.count, expected, expected + 1);
			for (unsigned i = 0; i < list.count; i++)
				assert_int_equal(list.seq[i], i + 1);
			journal_close(&writer);
		}
	}
}

static void what_lies_behind_a_torn_record_is_not_read_on_the_next_day(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	struct list list;
	uint64_t lsn;

	start(&writer, disk);
	append(&writer, 1, 0, BASE);
	commit(&writer);
	lsn = append(&writer, 2, 0, BASE);
	append(&writer, 3, 0, BASE);
	append(&writer, 4, 0, BASE);
	commit(&writer);
	journal_close(&writer);
	flip(disk, lsn);

	/* EVENT_START and message 5 have the places and lengths of 2 and 3: 4 would follow. */
	open_at(&writer, disk, BASE, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(1));
	assert_int_equal(append(&writer, 5, 0, BASE), lsn + HEAD);
	commit(&writer);
	journal_close(&writer);
	open_at(&writer, disk, BASE, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(1, 5));
	assert_int_equal(writer.epoch, 3);
	journal_close(&writer);
}

static void an_epoch_of_which_only_ghosts_are_left_is_not_used_again(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	struct list list;
	uint64_t lsn;

	start(&writer, disk);
	append(&writer, 1, 0, BASE);
	commit(&writer);
	journal_close(&writer);
	/* The first batch of epoch 2 is torn at its first record. */
	open_at(&writer, disk, BASE, UINT64_MAX, &list);
	assert_int_equal(writer.epoch, 2);
	lsn = append(&writer, 2, 0, BASE);
	append(&writer, 3, 0, BASE);
	commit(&writer);
	journal_close(&writer);
	flip(disk, lsn);

	open_at(&writer, disk, BASE, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(1));
	assert_int_equal(writer.epoch, 3);
	append(&writer, 4, 0, BASE);
	commit(&writer);
	journal_close(&writer);
	open_at(&writer, disk, BASE, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(1, 4));
	journal_close(&writer);
}

static void a_ghost_at_the_cursor_is_not_read(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	uint64_t published, ghost;
	struct list list;
	struct err err;

	start(&writer, disk);
	append(&writer, 1, 0, BASE);
	commit(&writer);
	published = writer.end;
	append(&writer, 2, HEAD, BASE);
	ghost = append(&writer, 3, 0, BASE);
	assert_int_equal(journal_commit(&writer, false, &err), 0);
	journal_close(&writer);
	/* EVENT_START and message 4 take the place of 2; then the database has everything. */
	open_at(&writer, disk, BASE, published, &list);
	append(&writer, 4, 0, BASE);
	commit(&writer);
	assert_int_equal(writer.end, ghost);
	journal_close(&writer);
	open_at(&writer, disk, ghost, UINT64_MAX, &list);
	assert_seqs(&list, SEQS());
	journal_close(&writer);
}

static void two_batches_for_the_same_place_are_never_mixed(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	uint8_t first[2 * HEAD];
	uint64_t published;
	struct list list;
	struct err err;

	start(&writer, disk);
	append(&writer, 1, 0, BASE);
	commit(&writer);
	published = writer.end;
	append(&writer, 2, HEAD, BASE);
	commit(&writer);
	memcpy(first, disk->image + JOURNAL_HEADER + published, sizeof(first));
	journal_close(&writer);
	open_at(&writer, disk, BASE, published, &list);
	append(&writer, 3, 0, BASE);
	assert_int_equal(append(&writer, 4, 0, BASE), published + sizeof(first));
	assert_int_equal(journal_commit(&writer, false, &err), 0);
	journal_close(&writer);
	/* Of EVENT_START, 3 and 4 only 4 has reached the disk: 2 ends where it begins. */
	disk_poke(disk, JOURNAL_HEADER + published, first, sizeof(first));
	open_at(&writer, disk, BASE, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(1, 2));
	journal_close(&writer);
}

static void half_a_record_is_not_completed_by_half_of_another(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	uint8_t first[48];
	struct list list;
	uint64_t lsn;
	struct err err;

	start(&writer, disk);
	append(&writer, 1, 0, BASE);
	commit(&writer);
	lsn = append(&writer, 2, 0, BASE);
	commit(&writer);
	memcpy(first, disk->image + JOURNAL_HEADER + lsn, sizeof(first));
	journal_close(&writer);
	/* Of 2 only the first half has reached the disk. */
	disk_poke(disk, JOURNAL_HEADER + lsn + sizeof(first), "torn", 4);
	open_at(&writer, disk, BASE, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(1));
	append(&writer, 3, 0, BASE);
	assert_int_equal(journal_commit(&writer, false, &err), 0);
	journal_close(&writer);
	/* Nothing of 2 is left that the second half of EVENT_START, the same in both, could
	 * complete. */
	assert_memory_not_equal(disk->image + JOURNAL_HEADER + lsn, first, sizeof(first));
	disk_crash(disk, 0);
	open_at(&writer, disk, BASE, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(1));
	journal_close(&writer);
}

static void the_epoch_goes_on_when_the_database_has_everything(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	struct list list;
	uint64_t end;

	start(&writer, disk);
	append(&writer, 1, 0, BASE);
	commit(&writer);
	end = writer.end;
	journal_close(&writer);
	open_at(&writer, disk, end, UINT64_MAX, &list);
	assert_seqs(&list, SEQS());
	assert_int_equal(writer.end, end);
	assert_int_equal(writer.epoch, 2);
	journal_close(&writer);
}

/* Five messages, each durable before the next; the third is damaged. */
static uint64_t damaged_journal(struct disk *disk)
{
	struct journal_writer writer;
	uint64_t lsn = 0, third = 0;

	start(&writer, disk);
	for (uint64_t seq = 1; seq <= 5; seq++) {
		lsn = append(&writer, seq, 100, BASE);
		if (seq == 3)
			third = lsn;
		commit(&writer);
	}
	journal_close(&writer);
	flip(disk, third + 90);
	return third;
}

static void damage_before_the_end_is_refused_and_named(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	struct list list;
	struct err err;
	char lsn[32];

	snprintf(lsn, sizeof(lsn), "LSN %" PRIu64, damaged_journal(disk));
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(try_open(&writer, disk, BASE, UINT64_MAX, false, &list, &err), -1);
		assert_non_null(strstr(err.text, lsn));
		assert_non_null(strstr(err.text, " 2 readable records"));
		assert_null(writer.batch);
	}
}

static void recovery_ends_the_journal_before_the_damage(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	uint64_t lsn = damaged_journal(disk);
	struct list list;
	struct err err;

	assert_int_equal(try_open(&writer, disk, BASE, UINT64_MAX, true, &list, &err), 0);
	assert_seqs(&list, SEQS(1, 2));
	assert_int_equal(writer.end, lsn);
	journal_close(&writer);
	/* Nothing of it is left to complain of, wherever the reading starts. */
	open_at(&writer, disk, BASE, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(1, 2));
	append(&writer, 6, 100, BASE);
	commit(&writer);
	journal_close(&writer);
	open_at(&writer, disk, lsn, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(6));
	journal_close(&writer);
}

static void recovery_gives_up_nothing_of_a_journal_that_is_whole(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	struct list list;
	struct err err;

	start(&writer, disk);
	for (uint64_t seq = 1; seq <= 3; seq++) {
		append(&writer, seq, 100, BASE);
		commit(&writer);
	}
	journal_close(&writer);
	assert_int_equal(try_open(&writer, disk, BASE, UINT64_MAX, true, &list, &err), 0);
	assert_seqs(&list, SEQS(1, 2, 3));
	journal_close(&writer);
}

static void damage_anywhere_is_found_while_a_later_record_proves_it(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	uint64_t last, end;
	struct list list;
	struct err err;

	start(&writer, disk);
	for (uint64_t seq = 1; seq <= 4; seq++) {
		append(&writer, seq, 13, BASE);
		commit(&writer);
	}
	last = writer.end;
	append(&writer, 5, 13, BASE);
	commit(&writer);
	end = writer.end;
	journal_close(&writer);
	for (uint64_t lsn = BASE; lsn < end; lsn++) {
		flip(disk, lsn);
		if (lsn < last) {
			assert_int_equal(
				try_open(&writer, disk, BASE, UINT64_MAX, false, &list, &err), -1);
		} else {
			open_at(&writer, disk, BASE, UINT64_MAX, &list);
			assert_seqs(&list, SEQS(1, 2, 3, 4));
			journal_close(&writer);
		}
		flip(disk, lsn);
	}
}

static void a_cursor_older_than_the_ring_is_refused_even_for_recovery(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	struct list list;
	struct err err;

	start(&writer, disk);
	for (uint64_t seq = 1; seq <= 100; seq++) {
		assert_true(append(&writer, seq, 500, UINT64_MAX));
		commit(&writer);
	}
	journal_close(&writer);
	assert_int_equal(try_open(&writer, disk, BASE, UINT64_MAX, false, &list, &err), -1);
	assert_non_null(strstr(err.text, "newer records only"));
	assert_int_equal(try_open(&writer, disk, BASE, UINT64_MAX, true, &list, &err), -1);
	assert_int_equal(try_open(&writer, disk, 2 * RING + 16, UINT64_MAX, true, &list, &err), -1);
}

static void a_cursor_ahead_of_the_journal_goes_on_there(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	struct list list;

	start(&writer, disk);
	append(&writer, 1, 0, BASE);
	commit(&writer);
	journal_close(&writer);
	open_at(&writer, disk, 4000, UINT64_MAX, &list);
	assert_seqs(&list, SEQS());
	assert_int_equal(append(&writer, 2, 0, 4000), 4000 + HEAD);
	commit(&writer);
	journal_close(&writer);
	open_at(&writer, disk, 4000, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(2));
	journal_close(&writer);
}

static void positions_that_are_none_are_refused(void **state)
{
	static const uint64_t from[] = {0, 7, 12, UINT64_MAX, UINT64_MAX - 7};
	struct disk *disk = *state;
	struct journal_writer writer;
	struct list list;
	struct err err;

	for (unsigned i = 0; i < sizeof(from) / sizeof(*from); i++)
		assert_int_equal(try_open(&writer, disk, from[i], UINT64_MAX, true, &list, &err),
				 -1);
	assert_int_equal(try_open(&writer, disk, 16, 8, true, &list, &err), -1);
}

static void reading_stops_at_what_the_dead_sequencer_had_published(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	uint64_t durable;
	struct list list;
	struct err err;

	start(&writer, disk);
	append(&writer, 1, 50, BASE);
	commit(&writer);
	durable = writer.end;
	append(&writer, 2, 50, BASE);
	assert_int_equal(journal_commit(&writer, false, &err), 0);
	journal_close(&writer);
	open_at(&writer, disk, BASE, durable, &list);
	assert_seqs(&list, SEQS(1));
	assert_int_equal(writer.end, durable);
	append(&writer, 3, 50, BASE);
	commit(&writer);
	journal_close(&writer);
	open_at(&writer, disk, BASE, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(1, 3));
	journal_close(&writer);
}

static void an_end_before_what_was_published_is_damage(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	uint64_t durable, lsn;
	struct list list;
	struct err err;

	start(&writer, disk);
	append(&writer, 1, 50, BASE);
	lsn = append(&writer, 2, 50, BASE);
	commit(&writer);
	durable = writer.end;
	journal_close(&writer);
	flip(disk, lsn + 20);
	assert_int_equal(try_open(&writer, disk, BASE, durable, false, &list, &err), -1);
	assert_int_equal(try_open(&writer, disk, BASE, durable, true, &list, &err), 0);
	assert_seqs(&list, SEQS(1));
	journal_close(&writer);
}

static int refuse(const struct record *record, void *arg)
{
	(void)arg;
	return record->seq == 2 ? -1 : 0;
}

static void a_record_that_cannot_be_applied_stops_the_start(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	char lsn[32];
	struct err err;

	start(&writer, disk);
	append(&writer, 1, 50, BASE);
	snprintf(lsn, sizeof(lsn), "LSN %" PRIu64, append(&writer, 2, 50, BASE));
	commit(&writer);
	journal_close(&writer);
	assert_int_equal(
		journal_open(&writer, disk->fd, BASE, UINT64_MAX, true, BATCH, refuse, NULL, &err),
		-1);
	assert_non_null(strstr(err.text, lsn));
}

static void a_failed_sync_is_never_tried_again(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	struct err err;
	unsigned syncs;
	uint64_t synced;

	start(&writer, disk);
	append(&writer, 1, 50, BASE);
	commit(&writer);
	synced = writer.synced;
	append(&writer, 2, 50, BASE);
	disk->sync_error = EIO;
	syncs = disk->syncs;
	assert_int_equal(journal_commit(&writer, true, &err), -1);
	assert_non_null(strstr(err.text, strerror(EIO)));
	assert_int_equal(writer.synced, synced);
	assert_int_equal(journal_commit(&writer, true, &err), -1);
	assert_int_equal(append(&writer, 2, 50, BASE), 0);
	assert_false(journal_fits(&writer, 0, 1, BASE, 0));
	assert_int_equal(disk->syncs, syncs + 1);
	journal_close(&writer);
}

static void a_failed_write_is_never_synced(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	struct err err;
	unsigned syncs;

	start(&writer, disk);
	append(&writer, 1, 50, BASE);
	disk->write_error = ENOSPC;
	syncs = disk->syncs;
	assert_int_equal(journal_commit(&writer, true, &err), -1);
	disk->write_error = 0;
	assert_int_equal(journal_commit(&writer, true, &err), -1);
	assert_int_equal(disk->syncs, syncs);
	journal_close(&writer);
}

static void interrupted_and_short_writes_are_finished(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	struct list list;

	start(&writer, disk);
	disk->write_max = 7;
	disk->interrupts = 3;
	append(&writer, 1, 50, BASE);
	append(&writer, 2, 50, BASE);
	commit(&writer);
	journal_close(&writer);
	disk_crash(disk, 0);
	open_at(&writer, disk, BASE, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(1, 2));
	journal_close(&writer);
}

/*
 * The sync fails, the master restarts everything, and the cache still shows the batch: it is taken,
 * so it must be written again, or it would be gone after the next loss of power.
 */
static void what_is_found_after_a_failed_sync_is_on_the_disk_from_then_on(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	struct list list;
	struct err err;

	srandom(7);
	for (unsigned round = 0; round < 20; round++) {
		teardown(state);
		setup(state);
		disk = *state;
		start(&writer, disk);
		append(&writer, 1, 700, BASE);
		commit(&writer);
		append(&writer, 2, 700, BASE);
		append(&writer, 3, 700, BASE);
		disk->sync_error = EIO;
		assert_int_equal(journal_commit(&writer, true, &err), -1);
		journal_close(&writer);
		open_at(&writer, disk, BASE, UINT64_MAX, &list);
		assert_seqs(&list, SEQS(1, 2, 3));
		journal_close(&writer);
		disk_crash(disk, 0);
		open_at(&writer, disk, BASE, UINT64_MAX, &list);
		assert_seqs(&list, SEQS(1, 2, 3));
		journal_close(&writer);
	}
}

/* --- Everything at random, against a model. --- */

enum { STORIES = 32 };

/*
 * What the journal may hold. Messages behind the cursor that were acknowledged must be there; then
 * the beginning of what a sequencer had sent when it died may follow, its story, and no mixture of
 * several. When a sequencer has written its first batch, no story is left but its own.
 */
struct model {
	struct disk *disk;
	struct journal_writer writer;
	struct {
		uint64_t seq, end;
	} acknowledged[LIST];
	struct list stories[STORIES]; /* the last is the running sequencer's */
	uint64_t ends[LIST];	      /* in that story */
	unsigned count, story;
	uint64_t cursor, durable, next;
	unsigned crashes, failures, found;
};

static void model_acknowledge(struct model *model, uint64_t seq, uint64_t end)
{
	assert_true(model->count < LIST);
	model->acknowledged[model->count].seq = seq;
	model->acknowledged[model->count++].end = end;
}

static bool model_begins(const struct list *story, const uint64_t *seq, unsigned count)
{
	return count <= story->count && memcmp(story->seq, seq, count * sizeof(*seq)) == 0;
}

static void model_compare(struct model *model, const struct list *list)
{
	const uint64_t *rest = list->seq + model->count;
	bool known = false;

	assert_true(list->count >= model->count);
	for (unsigned i = 0; i < model->count; i++)
		assert_int_equal(list->seq[i], model->acknowledged[i].seq);
	for (unsigned i = 0; i <= model->story; i++)
		known = known || model_begins(&model->stories[i], rest, list->count - model->count);
	assert_true(known);
}

static int model_end(const struct record *record, void *arg)
{
	struct model *model = arg;

	if (record->type == EVENT_MESSAGE) {
		model->acknowledged[model->count].seq = record->seq;
		model->acknowledged[model->count++].end = record->lsn + record->length;
	}
	return 0;
}

/* Of the stories whose beginning was found and is acknowledged now, the rest is left. */
static void model_continue(struct model *model, const uint64_t *seq, unsigned found)
{
	unsigned left = 0;

	for (unsigned i = 0; i <= model->story; i++) {
		struct list *story = &model->stories[i];

		if (!model_begins(story, seq, found))
			continue;
		story->count -= found;
		memmove(story->seq, story->seq + found, story->count * sizeof(*story->seq));
		if (i != left)
			model->stories[left] = *story;
		left++;
	}
	model->story = left - 1;
}

/* Notes what was found as acknowledged, by reading once more from the first message not known. */
static void model_adopt(struct model *model, unsigned found)
{
	struct journal_writer writer;
	struct err err;
	uint64_t from = model->count ? model->acknowledged[model->count - 1].end : model->cursor;
	unsigned before = model->count;

	assert_int_equal(journal_open(&writer, model->disk->fd, from, model->writer.end, false,
				      BATCH, model_end, model, &err),
			 0);
	journal_close(&writer);
	assert_int_equal(model->count - before, found);
	model->found += found;
}

/* The running sequencer's first batch is written: no other's story can follow any more. */
static void model_only_story(struct model *model)
{
	if (model->story > 0)
		model->stories[0] = model->stories[model->story];
	model->story = 0;
}

static void model_start(struct model *model, bool limited)
{
	struct record head = {.type = EVENT_START};
	struct list list;
	struct err err;

	open_at(&model->writer, model->disk, model->cursor, limited ? model->durable : UINT64_MAX,
		&list);
	model_compare(model, &list);
	if (!limited) {
		model_continue(model, list.seq + model->count, list.count - model->count);
		model_adopt(model, list.count - model->count);
	}
	assert_int_equal(list.count, model->count);
	model->story++;
	model->stories[model->story].count = 0;
	model->durable = model->writer.end;
	model->crashes++;
	/* The ring may be full: then it is a start without a trace. */
	journal_append(&model->writer, &head, NULL, 0, model->cursor);
	if (model->story == STORIES - 1) {
		model->cursor =
			model->count ? model->acknowledged[model->count - 1].end : model->cursor;
		model->count = 0;
		if (!model->writer.started)
			journal_append(&model->writer, &head, NULL, 0, model->cursor);
		assert_int_equal(journal_commit(&model->writer, false, &err), 0);
		model_only_story(model);
	}
}

static void model_restart(struct model *model, bool power)
{
	journal_close(&model->writer);
	if (power)
		disk_crash(model->disk, (unsigned)random() % 4);
	model_start(model, !power && random() % 2);
}

static void model_append(struct model *model)
{
	struct list *story = &model->stories[model->story];
	uint32_t size = (uint32_t)random() % (random() % 4 ? 100 : 1500);
	uint64_t lsn;

	if (model->writer.synced == model->durable && model->writer.end == model->durable)
		return;
	lsn = append(&model->writer, model->next, size, model->cursor);
	if (lsn == 0)
		return;
	model->ends[story->count] = model->writer.end;
	story->seq[story->count++] = model->next++;
}

static void model_commit(struct model *model)
{
	struct list *story = &model->stories[model->story];
	struct err err;

	if (model->writer.synced == model->writer.end)
		return;
	if (random() % 20 == 0)
		model->disk->sync_error = EIO;
	if (journal_commit(&model->writer, true, &err) < 0) {
		model->failures++;
		model_restart(model, random() % 2);
		return;
	}
	for (unsigned i = 0; i < story->count; i++)
		model_acknowledge(model, story->seq[i], model->ends[i]);
	model->durable = model->writer.synced;
	model_only_story(model);
	model->stories[0].count = 0;
}

/* Written but not synced: as far as a sequencer gets that dies between the two. */
static void model_die_in_commit(struct model *model)
{
	struct err err;

	bool written = model->writer.batch_used > 0;

	assert_int_equal(journal_commit(&model->writer, false, &err), 0);
	if (written)
		model_only_story(model);
	model_restart(model, random() % 2);
}

/* The store moves its cursor behind some of what is durable. */
static void model_store(struct model *model)
{
	unsigned stored = (unsigned)random() % (model->count + 1);

	if (stored == 0)
		return;
	model->cursor = model->acknowledged[stored - 1].end;
	model->count -= stored;
	memmove(model->acknowledged, model->acknowledged + stored,
		model->count * sizeof(*model->acknowledged));
}

static void every_acknowledged_message_survives_whatever_happens(void **state)
{
	struct model *model = calloc(1, sizeof(*model));
	unsigned steps = 100000;

	assert_non_null(model);
	srandom(8);
	*model = (struct model){.disk = *state, .cursor = BASE, .durable = BASE, .next = 1};
	model_start(model, false);
	while (steps-- > 0) {
		switch (random() % 16) {
		case 0:
			model_restart(model, random() % 2);
			break;
		case 1:
			model_die_in_commit(model);
			break;
		case 2:
		case 3:
			model_store(model);
			break;
		case 4:
		case 5:
		case 6:
			model_commit(model);
			break;
		default:
			model_append(model);
		}
	}
	journal_close(&model->writer);
	assert_true(model->next > 10000);
	assert_true(model->crashes > 1000);
	assert_true(model->failures > 100);
	/* Some crashes left a batch whole of which nobody had been told. */
	assert_true(model->found > 100);
	free(model);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_last_write_torn_at_any_byte_leaves_the_records_before_it),
		TEST(what_lies_behind_a_torn_record_is_not_read_on_the_next_day),
		TEST(an_epoch_of_which_only_ghosts_are_left_is_not_used_again),
		TEST(a_ghost_at_the_cursor_is_not_read),
		TEST(two_batches_for_the_same_place_are_never_mixed),
		TEST(half_a_record_is_not_completed_by_half_of_another),
		TEST(the_epoch_goes_on_when_the_database_has_everything),
		TEST(damage_before_the_end_is_refused_and_named),
		TEST(recovery_ends_the_journal_before_the_damage),
		TEST(recovery_gives_up_nothing_of_a_journal_that_is_whole),
		TEST(damage_anywhere_is_found_while_a_later_record_proves_it),
		TEST(a_cursor_older_than_the_ring_is_refused_even_for_recovery),
		TEST(a_cursor_ahead_of_the_journal_goes_on_there),
		TEST(positions_that_are_none_are_refused),
		TEST(reading_stops_at_what_the_dead_sequencer_had_published),
		TEST(an_end_before_what_was_published_is_damage),
		TEST(a_record_that_cannot_be_applied_stops_the_start),
		TEST(a_failed_sync_is_never_tried_again),
		TEST(a_failed_write_is_never_synced),
		TEST(interrupted_and_short_writes_are_finished),
		TEST(what_is_found_after_a_failed_sync_is_on_the_disk_from_then_on),
		TEST(every_acknowledged_message_survives_whatever_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
