/* The journal while nothing breaks: what is appended is read, all the way round the ring. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "disk.h"
#include "shm/crc32c.h"
#include "shm/event.h"
#include "shm/journal.h"

enum { RING = 8192, BATCH = 4096, HEAD = sizeof(struct record), BASE = 96 };

static const struct record message = {.type = EVENT_MESSAGE};

static int setup(void **state)
{
	*state = disk_new(JOURNAL_HEADER + RING);
	return 0;
}

static int teardown(void **state)
{
	disk_free((struct disk **)state);
	return 0;
}

static void commit(struct journal_writer *writer)
{
	struct err err;

	assert_int_equal(journal_commit(writer, true, &err), 0);
}

static void reopen(struct journal_writer *writer, struct disk *disk, uint64_t from)
{
	const struct record head = {.type = EVENT_START};
	struct err err;

	assert_int_equal(
		journal_open(writer, disk->fd, from, UINT64_MAX, false, BATCH, NULL, NULL, &err),
		0);
	assert_non_null(journal_append(writer, &head, NULL, 0, from));
	commit(writer);
}

/* A new journal in which the first record behind EVENT_START has the LSN base. */
static void start(struct journal_writer *writer, struct disk *disk, uint64_t base)
{
	struct err err;

	assert_int_equal(journal_format(disk->fd, base - HEAD, &err), 0);
	reopen(writer, disk, base - HEAD);
	assert_int_equal(writer->end, base);
}

/* Appends a record whose payload is so many bytes, each the low byte of its LSN / 8. */
static const struct record *append(struct journal_writer *writer, uint32_t size, uint64_t oldest)
{
	uint8_t payload[RING];
	uint64_t lsn = writer->end, rest = RING - lsn % RING;

	if (rest < ((HEAD + size + 7) & ~7u))
		lsn += rest;
	memset(payload, (uint8_t)(lsn / 8), size);
	return journal_append(writer, &message, payload, size, oldest);
}

static bool intact(const struct record *record, uint64_t lsn, uint32_t size)
{
	const uint8_t *payload = (const uint8_t *)(record + 1);

	for (uint32_t i = 0; i < size; i++) {
		if (payload[i] != (uint8_t)(lsn / 8))
			return false;
	}
	return true;
}

static int count_intact(const struct record *record, void *arg)
{
	assert_true(intact(record, record->lsn, record->payload));
	++*(unsigned *)arg;
	return 0;
}

static void assert_read(const struct journal_writer *writer, uint64_t from, unsigned records)
{
	_Atomic uint64_t tail = journal_tail(writer);
	const struct record *record;
	uint64_t lsn = from;

	for (unsigned i = 0; i < records; i++) {
		assert_int_equal(journal_read(&writer->journal, &lsn, writer->end, &tail, &record),
				 JOURNAL_RECORD);
		assert_true(intact(record, record->lsn, record->payload));
		assert_int_equal(record->lsn + record->length, lsn);
	}
	assert_int_equal(journal_read(&writer->journal, &lsn, writer->end, &tail, &record),
			 JOURNAL_END);
	assert_int_equal(lsn, writer->end);
}

static void a_new_file_is_told_from_a_journal(void **state)
{
	struct disk *disk = *state;
	struct journal journal;
	struct err err;
	bool new = false;

	assert_int_equal(journal_map(&journal, disk->fd, &new, &err), -1);
	assert_true(new);
	assert_int_equal(journal_format(disk->fd, 13, &err), 0);
	assert_int_equal(journal_map(&journal, disk->fd, &new, &err), 0);
	assert_false(new);
	assert_int_equal(journal.size, RING);
	assert_int_equal(journal.header->base, 16);
	journal_unmap(&journal);
	assert_null(journal.ring);
}

static void a_damaged_header_or_another_size_is_refused(void **state)
{
	struct disk *disk = *state;
	struct journal journal;
	struct err err;
	bool new = true;

	for (size_t at = 0; at < sizeof(struct journal_header); at++) {
		uint8_t other;

		assert_int_equal(journal_format(disk->fd, 8, &err), 0);
		assert_int_equal(pread(disk->fd, &other, 1, (off_t)at), 1);
		other ^= 0xa5; /* the id is random: no fixed byte is always another */
		disk_poke(disk, at, &other, 1);
		assert_int_equal(journal_map(&journal, disk->fd, &new, &err), -1);
		assert_false(new);
	}
	assert_int_equal(journal_format(disk->fd, 8, &err), 0);
	assert_int_equal(ftruncate(disk->fd, JOURNAL_HEADER + 2 * RING), 0);
	assert_int_equal(journal_map(&journal, disk->fd, &new, &err), -1);
	assert_non_null(strstr(err.text, "8192"));
	assert_int_equal(ftruncate(disk->fd, 100), 0);
	assert_int_equal(journal_map(&journal, disk->fd, &new, &err), -1);
	assert_int_equal(journal_format(disk->fd, 8, &err), -1);
}

static void a_journal_of_other_programs_is_refused_with_advice(void **state)
{
	struct disk *disk = *state;
	struct journal_header header;
	struct journal journal;
	struct err err;

	assert_int_equal(journal_format(disk->fd, 8, &err), 0);
	assert_int_equal(pread(disk->fd, &header, sizeof(header), 0), sizeof(header));
	header.version--;
	header.crc = 0;
	header.crc = crc32c(0, &header, sizeof(header));
	disk_poke(disk, 0, &header, sizeof(header));
	assert_int_equal(journal_map(&journal, disk->fd, NULL, &err), -1);
	assert_non_null(strstr(err.text, "see \"New programs\" in pchat-failover(7)"));
}

static void a_record_comes_back_as_it_was_appended(void **state)
{
	struct record head = {.type = EVENT_JOIN,
			      .flags = EVENT_FIRST,
			      .room = 3,
			      .actor = 4,
			      .seq = 5,
			      .origin = {8, 77, 9, 10, 11},
			      .command = 12,
			      .mail_slot = 8,
			      .reserved = 77};
	struct disk *disk = *state;
	struct journal_writer writer;
	const struct record *record;
	_Atomic uint64_t tail = BASE;
	uint64_t lsn = BASE;

	disk->clock = 1000;
	start(&writer, disk, BASE);
	assert_int_equal(writer.epoch, 1);
	assert_non_null(journal_append(&writer, &head, "payload", 7, BASE));
	commit(&writer);
	assert_int_equal(journal_read(&writer.journal, &lsn, writer.synced, &tail, &record),
			 JOURNAL_RECORD);
	assert_int_equal(record->lsn, BASE);
	assert_int_equal(record->synced, BASE);
	assert_int_equal(record->time, 1000);
	assert_int_equal(record->epoch, 1);
	assert_int_equal(record->type, EVENT_JOIN);
	assert_int_equal(record->flags, EVENT_FIRST);
	assert_int_equal(record->room, 3);
	assert_int_equal(record->actor, 4);
	assert_int_equal(record->seq, 5);
	assert_int_equal(record->origin.slot, 8);
	assert_int_equal(record->origin.reserved, 0);
	assert_int_equal(record->origin.request, 11);
	assert_int_equal(record->command, 12);
	assert_int_equal(record->mail_slot, 8);
	assert_int_equal(record->reserved, 0);
	assert_int_equal(record->payload, 7);
	assert_memory_equal(record + 1, "payload", 8);
	assert_int_equal(lsn, BASE + 96);
	journal_close(&writer);
}

static void time_never_goes_back_not_even_over_a_restart(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;

	disk->clock = 5000;
	start(&writer, disk, BASE);
	assert_int_equal(append(&writer, 8, BASE)->time, 5000);
	disk->clock = 4000;
	assert_int_equal(append(&writer, 8, BASE)->time, 5000);
	commit(&writer);
	journal_close(&writer);
	disk->clock = 3000;
	reopen(&writer, disk, BASE);
	assert_int_equal(append(&writer, 8, BASE)->time, 5000);
	disk->clock = 6000;
	assert_int_equal(append(&writer, 8, BASE)->time, 6000);
	journal_close(&writer);
}

/* The last records before the end of the ring in every size and at every place, then some beyond.
 */
static void the_ring_goes_round_at_every_alignment(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	unsigned found;
	struct err err;

	for (uint64_t base = RING - 400; base <= RING; base += 8) {
		for (uint32_t size = 0; size <= 200; size += 33) {
			start(&writer, disk, base);
			assert_non_null(append(&writer, size, base));
			assert_non_null(append(&writer, size + 100, base));
			commit(&writer);
			assert_non_null(append(&writer, size, base));
			assert_non_null(append(&writer, 3, base));
			commit(&writer);
			assert_read(&writer, base, 4);
			journal_close(&writer);
			found = 0;
			assert_int_equal(journal_open(&writer, disk->fd, base, UINT64_MAX, false,
						      BATCH, count_intact, &found, &err),
					 0);
			assert_int_equal(found, 4);
			assert_int_equal(writer.epoch, 2);
			journal_close(&writer);
		}
	}
}

static void a_full_ring_refuses_and_takes_again_when_it_was_freed(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	uint64_t oldest = BASE, end;
	unsigned count;

	start(&writer, disk, BASE);
	for (unsigned round = 0; round < 30; round++) {
		for (count = 0; append(&writer, 40, oldest); count++)
			commit(&writer);
		assert_true(writer.end - oldest <= RING);
		assert_true(writer.end + 3 * 128 > oldest + RING);
		end = writer.end;
		assert_null(append(&writer, 40, oldest));
		assert_int_equal(writer.end, end);
		assert_int_equal(writer.batch_used, 0);
		oldest = writer.end - round * 128;
	}
	journal_close(&writer);
}

static void what_is_not_durable_is_not_overwritten(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	uint64_t synced;
	struct err err;

	start(&writer, disk, BASE);
	synced = writer.synced;
	while (append(&writer, 40, UINT64_MAX))
		assert_int_equal(journal_commit(&writer, false, &err), 0);
	assert_int_equal(writer.synced, synced);
	assert_true(writer.end - synced <= RING);
	commit(&writer);
	assert_int_equal(writer.synced, writer.end);
	assert_non_null(append(&writer, 40, UINT64_MAX));
	journal_close(&writer);
}

static void a_batch_takes_its_size_and_no_more(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;

	for (uint64_t base = BASE; base <= RING; base += 504) {
		start(&writer, disk, base);
		for (unsigned i = 0; i < BATCH / 128; i++)
			assert_non_null(append(&writer, 40, base));
		assert_null(append(&writer, 40, base));
		assert_null(append(&writer, 0, base));
		commit(&writer);
		assert_null(append(&writer, BATCH - HEAD + 1, base));
		assert_read(&writer, base, BATCH / 128);
		assert_non_null(append(&writer, BATCH - HEAD, UINT64_MAX));
		commit(&writer);
		journal_close(&writer);
	}
}

static void what_is_said_to_fit_does_fit(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	uint32_t sizes[8], bytes;
	uint64_t oldest = BASE, reserve;
	unsigned yes = 0, no = 0, count;

	srandom(5);
	start(&writer, disk, BASE);
	for (unsigned i = 0; i < 20000; i++) {
		count = 1 + (unsigned)random() % 8;
		bytes = 0;
		for (unsigned k = 0; k < count; k++)
			bytes += sizes[k] = (uint32_t)random() % (random() % 2 ? 50 : 1500);
		reserve = (uint64_t)random() % 1000;
		if (journal_fits(&writer, bytes, count, oldest, reserve)) {
			for (unsigned k = 0; k < count; k++)
				assert_non_null(append(&writer, sizes[k], oldest));
			assert_true(writer.end + reserve <= oldest + RING);
			yes++;
		} else {
			no++;
			oldest = writer.synced - (uint64_t)random() % (writer.synced - oldest + 1);
		}
		if (random() % 3 == 0)
			commit(&writer);
	}
	assert_true(yes > 1000 && no > 1000);
	assert_false(journal_fits(&writer, UINT64_MAX, 1, oldest, 0));
	assert_false(journal_fits(&writer, 0, UINT32_MAX, oldest, 0));
	assert_false(journal_fits(&writer, 0, 1, oldest, UINT64_MAX));
	journal_close(&writer);
}

static void a_slow_reader_is_told_that_it_was_overtaken(void **state)
{
	alignas(8) static uint8_t own[JOURNAL_COPY];
	struct disk *disk = *state;
	struct journal_writer writer;
	_Atomic uint64_t tail = BASE;
	const struct record *record;
	uint64_t lsn = BASE;

	start(&writer, disk, BASE);
	append(&writer, 40, BASE);
	append(&writer, 40, BASE);
	commit(&writer);
	assert_int_equal(journal_read(&writer.journal, &lsn, writer.end, &tail, &record),
			 JOURNAL_RECORD);
	assert_false(journal_overtaken(record, BASE, &tail));
	assert_ptr_equal(journal_copy(&writer.journal, record, BASE, &tail, own), own);
	assert_memory_equal(own, record, sizeof(*record) + record->payload);
	/* The mistake of asking with the LSN behind the record is answered on the safe side. */
	assert_true(journal_overtaken(record, lsn, &tail));
	tail = BASE + 8;
	assert_true(journal_overtaken(record, BASE, &tail));
	assert_null(journal_copy(&writer.journal, record, BASE, &tail, own));
	tail = lsn + 8;
	assert_int_equal(journal_read(&writer.journal, &lsn, writer.end, &tail, &record),
			 JOURNAL_LOST);
	journal_close(&writer);
}

static void a_reader_finds_damage_and_positions_that_are_none(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	_Atomic uint64_t tail = BASE;
	const struct record *record;
	uint64_t lsn, length;

	start(&writer, disk, BASE);
	length = append(&writer, 40, BASE)->length;
	append(&writer, 40, BASE);
	commit(&writer);
	for (lsn = BASE + 1; lsn < BASE + length; lsn++) {
		uint64_t at = lsn;

		assert_int_equal(journal_read(&writer.journal, &at, writer.end, &tail, &record),
				 JOURNAL_BAD);
		assert_int_equal(at, lsn);
	}
	for (size_t at = 0; at < length; at++) {
		uint8_t byte = writer.journal.ring[BASE + at], other = byte ^ 0x10;

		lsn = BASE;
		disk_poke(disk, JOURNAL_HEADER + BASE + at, &other, 1);
		assert_int_equal(journal_read(&writer.journal, &lsn, writer.end, &tail, &record),
				 JOURNAL_BAD);
		disk_poke(disk, JOURNAL_HEADER + BASE + at, &byte, 1);
	}
	lsn = BASE;
	assert_int_equal(journal_read(&writer.journal, &lsn, writer.end - 8, &tail, &record),
			 JOURNAL_RECORD);
	assert_int_equal(journal_read(&writer.journal, &lsn, writer.end - 8, &tail, &record),
			 JOURNAL_BAD);
	journal_close(&writer);
}

struct shared {
	_Atomic uint64_t tail, durable, stop;
	_Atomic uint64_t good, lost; /* records that the reader believed; times it was too slow */
};

/* Reads as a worker does while another process overwrites the ring; what it believes is whole. */
static int read_against_writer(int fd, struct shared *shared)
{
	const struct record *record;
	struct journal journal;
	uint64_t lsn = BASE, before;
	struct err err;
	uint32_t size;
	bool whole;

	if (journal_map(&journal, fd, NULL, &err) < 0)
		return 2;
	while (!atomic_load(&shared->stop)) {
		before = lsn;
		switch (journal_read(&journal, &lsn, atomic_load(&shared->durable), &shared->tail,
				     &record)) {
		case JOURNAL_RECORD:
			size = *(const volatile uint32_t *)&record->payload;
			whole = size <= BATCH && intact(record, lsn - record->length, size);
			if (journal_overtaken(record, before, &shared->tail))
				break;
			if (!whole)
				return 3;
			/* Lag behind by about a lap. */
			if (++shared->good % 64 == 0)
				usleep(100);
			break;
		case JOURNAL_LOST:
			shared->lost++;
			lsn = atomic_load(&shared->durable);
			break;
		case JOURNAL_BAD:
			return 4;
		case JOURNAL_END:
			break;
		}
	}
	journal_unmap(&journal);
	return 0;
}

static void a_reader_never_believes_a_record_that_is_being_overwritten(void **state)
{
	struct disk *disk = *state;
	struct journal_writer writer;
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct err err;
	int status;
	pid_t pid;

	srandom(6);
	assert_ptr_not_equal(shared, MAP_FAILED);
	start(&writer, disk, BASE);
	shared->tail = shared->durable = BASE;
	pid = fork();
	if (pid == 0)
		_exit(read_against_writer(disk->fd, shared));
	/* Until the reader has seen enough of both, however the two are scheduled. */
	while ((shared->good < 10000 || shared->lost < 100) && waitpid(pid, &status, WNOHANG) == 0) {
		if (!append(&writer, (uint32_t)random() % 600, UINT64_MAX))
			fail();
		atomic_store_explicit(&shared->tail, journal_tail(&writer), memory_order_release);
		atomic_thread_fence(memory_order_seq_cst);
		assert_int_equal(journal_commit(&writer, true, &err), 0);
		atomic_store_explicit(&shared->durable, writer.synced, memory_order_release);
	}
	assert_true(shared->good >= 10000 && shared->lost >= 100);
	atomic_store(&shared->stop, 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	journal_close(&writer);
	munmap(shared, sizeof(*shared));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_new_file_is_told_from_a_journal),
		TEST(a_damaged_header_or_another_size_is_refused),
		TEST(a_journal_of_other_programs_is_refused_with_advice),
		TEST(a_record_comes_back_as_it_was_appended),
		TEST(time_never_goes_back_not_even_over_a_restart),
		TEST(the_ring_goes_round_at_every_alignment),
		TEST(a_full_ring_refuses_and_takes_again_when_it_was_freed),
		TEST(what_is_not_durable_is_not_overwritten),
		TEST(a_batch_takes_its_size_and_no_more),
		TEST(what_is_said_to_fit_does_fit),
		TEST(a_slow_reader_is_told_that_it_was_overtaken),
		TEST(a_reader_finds_damage_and_positions_that_are_none),
		TEST(a_reader_never_believes_a_record_that_is_being_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
