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
#include <syslog.h>

#include <cmocka.h>

#include "conf/log.h"
#include "messages.h"

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
	messages_open(&writer, disk, base, UINT64_MAX, &list);
	for (uint64_t seq = 1; seq <= 3; seq++)
		messages_append(&writer, seq, 20, base);
	messages_commit(&writer);
	memcpy(before, disk->image, disk->size);
	start_of_batch = writer.end;
	for (uint64_t seq = 4; seq <= 6; seq++) {
		messages_append(&writer, seq, 20, base);
		ends[seq - 4] = writer.end - start_of_batch;
	}
	messages_commit(&writer);
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
			messages_open(&writer, disk, base, UINT64_MAX, &list);
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

	messages_start(&writer, disk);
	messages_append(&writer, 1, 0, BASE);
	messages_commit(&writer);
	lsn = messages_append(&writer, 2, 0, BASE);
	messages_append(&writer, 3, 0, BASE);
	messages_append(&writer, 4, 0, BASE);
	messages_commit(&writer);
	journal_close(&writer);
	flip(disk, lsn);

	/* EVENT_START and message 5 have the places and lengths of 2 and 3: 4 would follow. */
	messages_open(&writer, disk, BASE, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(1));
	assert_int_equal(messages_append(&writer, 5, 0, BASE), lsn + HEAD);
	messages_commit(&writer);
	journal_close(&writer);
	messages_open(&writer, disk, BASE, UINT64_MAX, &list);
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

	messages_start(&writer, disk);
	messages_append(&writer, 1, 0, BASE);
	messages_commit(&writer);
	journal_close(&writer);
	/* The first batch of epoch 2 is torn at its first record. */
	messages_open(&writer, disk, BASE, UINT64_MAX, &list);
	assert_int_equal(writer.epoch, 2);
	lsn = messages_append(&writer, 2, 0, BASE);
	messages_append(&writer, 3, 0, BASE);
	messages_commit(&writer);
	journal_close(&writer);
	flip(disk, lsn);

	messages_open(&writer, disk, BASE, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(1));
	assert_int_equal(writer.epoch, 3);
	messages_append(&writer, 4, 0, BASE);
	messages_commit(&writer);
	journal_close(&writer);
	messages_open(&writer, disk, BASE, UINT64_MAX, &list);
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

	messages_start(&writer, disk);
	messages_append(&writer, 1, 0, BASE);
	messages_commit(&writer);
	published = writer.end;
	messages_append(&writer, 2, HEAD, BASE);
	ghost = messages_append(&writer, 3, 0, BASE);
	assert_int_equal(journal_commit(&writer, false, &err), 0);
	journal_close(&writer);
	/* EVENT_START and message 4 take the place of 2; then the database has everything. */
	messages_open(&writer, disk, BASE, published, &list);
	messages_append(&writer, 4, 0, BASE);
	messages_commit(&writer);
	assert_int_equal(writer.end, ghost);
	journal_close(&writer);
	messages_open(&writer, disk, ghost, UINT64_MAX, &list);
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

	messages_start(&writer, disk);
	messages_append(&writer, 1, 0, BASE);
	messages_commit(&writer);
	published = writer.end;
	messages_append(&writer, 2, HEAD, BASE);
	messages_commit(&writer);
	memcpy(first, disk->image + JOURNAL_HEADER + published, sizeof(first));
	journal_close(&writer);
	messages_open(&writer, disk, BASE, published, &list);
	messages_append(&writer, 3, 0, BASE);
	assert_int_equal(messages_append(&writer, 4, 0, BASE), published + sizeof(first));
	assert_int_equal(journal_commit(&writer, false, &err), 0);
	journal_close(&writer);
	/* Of EVENT_START, 3 and 4 only 4 has reached the disk: 2 ends where it begins. */
	disk_poke(disk, JOURNAL_HEADER + published, first, sizeof(first));
	messages_open(&writer, disk, BASE, UINT64_MAX, &list);
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

	messages_start(&writer, disk);
	messages_append(&writer, 1, 0, BASE);
	messages_commit(&writer);
	lsn = messages_append(&writer, 2, 0, BASE);
	messages_commit(&writer);
	memcpy(first, disk->image + JOURNAL_HEADER + lsn, sizeof(first));
	journal_close(&writer);
	/* Of 2 only the first half has reached the disk. */
	disk_poke(disk, JOURNAL_HEADER + lsn + sizeof(first), "torn", 4);
	messages_open(&writer, disk, BASE, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(1));
	messages_append(&writer, 3, 0, BASE);
	assert_int_equal(journal_commit(&writer, false, &err), 0);
	journal_close(&writer);
	/* Nothing of 2 is left that the second half of EVENT_START, the same in both, could
	 * complete. */
	assert_memory_not_equal(disk->image + JOURNAL_HEADER + lsn, first, sizeof(first));
	disk_crash(disk, 0);
	messages_open(&writer, disk, BASE, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(1));
	journal_close(&writer);
}

static void the_epoch_goes_on_when_the_database_has_everything(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	struct list list;
	uint64_t end;

	messages_start(&writer, disk);
	messages_append(&writer, 1, 0, BASE);
	messages_commit(&writer);
	end = writer.end;
	journal_close(&writer);
	messages_open(&writer, disk, end, UINT64_MAX, &list);
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

	messages_start(&writer, disk);
	for (uint64_t seq = 1; seq <= 5; seq++) {
		lsn = messages_append(&writer, seq, 100, BASE);
		if (seq == 3)
			third = lsn;
		messages_commit(&writer);
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
		assert_int_equal(messages_try(&writer, disk, BASE, UINT64_MAX, false, &list, &err),
				 -1);
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

	assert_int_equal(messages_try(&writer, disk, BASE, UINT64_MAX, true, &list, &err), 0);
	assert_seqs(&list, SEQS(1, 2));
	assert_int_equal(writer.end, lsn);
	journal_close(&writer);
	/* Nothing of it is left to complain of, wherever the reading starts. */
	messages_open(&writer, disk, BASE, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(1, 2));
	messages_append(&writer, 6, 100, BASE);
	messages_commit(&writer);
	journal_close(&writer);
	messages_open(&writer, disk, lsn, UINT64_MAX, &list);
	assert_seqs(&list, SEQS(6));
	journal_close(&writer);
}

static void recovery_gives_up_nothing_of_a_journal_that_is_whole(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	struct list list;
	struct err err;

	messages_start(&writer, disk);
	for (uint64_t seq = 1; seq <= 3; seq++) {
		messages_append(&writer, seq, 100, BASE);
		messages_commit(&writer);
	}
	journal_close(&writer);
	assert_int_equal(messages_try(&writer, disk, BASE, UINT64_MAX, true, &list, &err), 0);
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

	messages_start(&writer, disk);
	for (uint64_t seq = 1; seq <= 4; seq++) {
		messages_append(&writer, seq, 13, BASE);
		messages_commit(&writer);
	}
	last = writer.end;
	messages_append(&writer, 5, 13, BASE);
	messages_commit(&writer);
	end = writer.end;
	journal_close(&writer);
	for (uint64_t lsn = BASE; lsn < end; lsn++) {
		flip(disk, lsn);
		if (lsn < last) {
			assert_int_equal(
				messages_try(&writer, disk, BASE, UINT64_MAX, false, &list, &err),
				-1);
		} else {
			messages_open(&writer, disk, BASE, UINT64_MAX, &list);
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

	messages_start(&writer, disk);
	for (uint64_t seq = 1; seq <= 100; seq++) {
		assert_true(messages_append(&writer, seq, 500, UINT64_MAX));
		messages_commit(&writer);
	}
	journal_close(&writer);
	assert_int_equal(messages_try(&writer, disk, BASE, UINT64_MAX, false, &list, &err), -1);
	assert_non_null(strstr(err.text, "newer records only"));
	assert_int_equal(messages_try(&writer, disk, BASE, UINT64_MAX, true, &list, &err), -1);
	assert_int_equal(messages_try(&writer, disk, 2 * RING + 16, UINT64_MAX, true, &list, &err),
			 -1);
}

static void a_cursor_ahead_of_the_journal_goes_on_there(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	struct list list;

	messages_start(&writer, disk);
	messages_append(&writer, 1, 0, BASE);
	messages_commit(&writer);
	journal_close(&writer);
	messages_open(&writer, disk, 4000, UINT64_MAX, &list);
	assert_seqs(&list, SEQS());
	assert_int_equal(messages_append(&writer, 2, 0, 4000), 4000 + HEAD);
	messages_commit(&writer);
	journal_close(&writer);
	messages_open(&writer, disk, 4000, UINT64_MAX, &list);
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
		assert_int_equal(
			messages_try(&writer, disk, from[i], UINT64_MAX, true, &list, &err), -1);
	assert_int_equal(messages_try(&writer, disk, 16, 8, true, &list, &err), -1);
}

static void reading_stops_at_what_the_dead_sequencer_had_published(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	uint64_t durable;
	struct list list;
	struct err err;

	messages_start(&writer, disk);
	messages_append(&writer, 1, 50, BASE);
	messages_commit(&writer);
	durable = writer.end;
	messages_append(&writer, 2, 50, BASE);
	assert_int_equal(journal_commit(&writer, false, &err), 0);
	journal_close(&writer);
	messages_open(&writer, disk, BASE, durable, &list);
	assert_seqs(&list, SEQS(1));
	assert_int_equal(writer.end, durable);
	messages_append(&writer, 3, 50, BASE);
	messages_commit(&writer);
	journal_close(&writer);
	messages_open(&writer, disk, BASE, UINT64_MAX, &list);
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

	messages_start(&writer, disk);
	messages_append(&writer, 1, 50, BASE);
	lsn = messages_append(&writer, 2, 50, BASE);
	messages_commit(&writer);
	durable = writer.end;
	journal_close(&writer);
	flip(disk, lsn + 20);
	assert_int_equal(messages_try(&writer, disk, BASE, durable, false, &list, &err), -1);
	assert_int_equal(messages_try(&writer, disk, BASE, durable, true, &list, &err), 0);
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

	messages_start(&writer, disk);
	messages_append(&writer, 1, 50, BASE);
	snprintf(lsn, sizeof(lsn), "LSN %" PRIu64, messages_append(&writer, 2, 50, BASE));
	messages_commit(&writer);
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

	messages_start(&writer, disk);
	messages_append(&writer, 1, 50, BASE);
	messages_commit(&writer);
	synced = writer.synced;
	messages_append(&writer, 2, 50, BASE);
	disk->sync_error = EIO;
	syncs = disk->syncs;
	assert_int_equal(journal_commit(&writer, true, &err), -1);
	assert_non_null(strstr(err.text, strerror(EIO)));
	assert_int_equal(writer.synced, synced);
	assert_int_equal(journal_commit(&writer, true, &err), -1);
	assert_int_equal(messages_append(&writer, 2, 50, BASE), 0);
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

	messages_start(&writer, disk);
	messages_append(&writer, 1, 50, BASE);
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

	messages_start(&writer, disk);
	disk->write_max = 7;
	disk->interrupts = 3;
	messages_append(&writer, 1, 50, BASE);
	messages_append(&writer, 2, 50, BASE);
	messages_commit(&writer);
	journal_close(&writer);
	disk_crash(disk, 0);
	messages_open(&writer, disk, BASE, UINT64_MAX, &list);
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
		messages_teardown(state);
		messages_setup(state);
		disk = *state;
		messages_start(&writer, disk);
		messages_append(&writer, 1, 700, BASE);
		messages_commit(&writer);
		messages_append(&writer, 2, 700, BASE);
		messages_append(&writer, 3, 700, BASE);
		disk->sync_error = EIO;
		assert_int_equal(journal_commit(&writer, true, &err), -1);
		journal_close(&writer);
		messages_open(&writer, disk, BASE, UINT64_MAX, &list);
		assert_seqs(&list, SEQS(1, 2, 3));
		journal_close(&writer);
		disk_crash(disk, 0);
		messages_open(&writer, disk, BASE, UINT64_MAX, &list);
		assert_seqs(&list, SEQS(1, 2, 3));
		journal_close(&writer);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, messages_setup, messages_teardown)
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
	};

	log_level(LOG_EMERG);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
