/*
 * Bytes as a journal: 16 bytes of choices, then the ring (and, if so chosen, the header before it).
 * Whatever the file says, nothing outside it is read, and what is opened once can be written and
 * is found again.
 */
#include <string.h>
#include <sys/mman.h>
#include <syslog.h>
#include <unistd.h>

#include "conf/log.h"
#include "fuzz.h"
#include "shm/crc32c.h"
#include "shm/event.h"
#include "shm/journal.h"

enum { RING = 8192, BATCH = 2048 };

struct choices {
	uint32_t from, limit; /* in units of 8 bytes; limit 0: none */
	uint32_t lap;	      /* added to from: laps of the ring */
	uint8_t recover, raw, repair, extra;
};

static uint8_t file[JOURNAL_HEADER + RING];

static int take_apart(const struct record *record, void *arg)
{
	struct event_principal principal;
	struct event_room room;
	struct event_session session;
	struct event_message message;
	size_t *used = arg;

	if (event_principal_get(record, &principal))
		*used += principal.uri.length + principal.name.length;
	if (event_room_get(record, &room))
		*used += room.name.length + room.description.length;
	if (event_session_get(record, &session))
		*used += session.address.length;
	if (event_message_get(record, &message))
		*used += message.id.length + message.text.length;
	fuzz_check(*event_name(record->type) != 0);
	return 0;
}

/* Gives everything that could be a record the sum that it should have, so that what is behind the
 * check of the sum is reached, too. */
static void repair(uint8_t *ring)
{
	struct record *record;

	for (uint32_t at = 0; at + sizeof(*record) <= RING;) {
		record = (struct record *)(void *)(ring + at);
		if (record->lsn % RING == at && record->length >= sizeof(*record) &&
		    record->length <= RING - at && record->length % JOURNAL_ALIGN == 0) {
			record->crc = crc32c(0, &record->lsn,
					     record->length - offsetof(struct record, lsn));
			at += record->length;
		} else {
			at += JOURNAL_ALIGN;
		}
	}
}

static void fill(const struct choices *choices, const uint8_t *data, size_t size)
{
	struct journal_header *header = (struct journal_header *)(void *)file;
	size_t start = choices->raw & 1 ? 0 : JOURNAL_HEADER;

	memset(file, 0, sizeof(file));
	*header = (struct journal_header){.magic = JOURNAL_MAGIC,
					  .version = JOURNAL_VERSION,
					  .size = RING,
					  .base = JOURNAL_ALIGN};
	header->crc = crc32c(0, header, sizeof(*header));
	if (size > sizeof(file) - start)
		size = sizeof(file) - start;
	memcpy(file + start, data, size);
	if (choices->repair & 1)
		repair(file + JOURNAL_HEADER);
}

static void read_all(const struct journal *journal, uint64_t from, uint64_t limit)
{
	_Atomic uint64_t tail = from;
	const struct record *record;
	enum journal_read result;
	uint64_t before;
	size_t used = 0;

	do {
		before = from;
		result = journal_read(journal, &from, limit, &tail, &record);
		if (result == JOURNAL_RECORD) {
			fuzz_check((const uint8_t *)record >= journal->ring);
			fuzz_check((const uint8_t *)record + record->length <=
				   journal->ring + journal->size);
			fuzz_check(!journal_overtaken(record, before, &tail));
			take_apart(record, &used);
		}
		fuzz_check(from >= before);
	} while (result == JOURNAL_RECORD);
}

static int count(const struct record *record, void *arg)
{
	(void)record;
	++*(unsigned *)arg;
	return 0;
}

/* What was found at the first start and what was written then is there at the next. */
static void write_and_find(struct journal_writer *writer, int fd, uint64_t from, unsigned found)
{
	const struct record start = {.type = EVENT_START}, message = {.type = EVENT_MESSAGE};
	uint64_t end;
	struct err err;
	unsigned again = 0;
	bool last;

	if (journal_append(writer, &start, NULL, 0, from)) {
		found++;
		found += journal_append(writer, &message, "text", 4, from) != NULL;
	}
	fuzz_check(journal_commit(writer, true, &err) == 0);
	end = writer->end;
	last = writer->epoch == UINT32_MAX;
	journal_close(writer);
	if (last)
		return;
	fuzz_check(journal_open(writer, fd, from, UINT64_MAX, false, BATCH, count, &again, &err) ==
		   0);
	fuzz_check(again >= found && writer->end >= end);
	read_all(&writer->journal, from, writer->end);
	journal_close(writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct journal_writer writer;
	struct journal journal;
	struct choices choices;
	uint64_t from, limit;
	unsigned found = 0;
	size_t used = 0;
	struct err err;

	if (size < sizeof(choices))
		return 0;
	if (fd < 0)
		fd = memfd_create("journal", MFD_CLOEXEC);
	log_level(LOG_EMERG);
	memcpy(&choices, data, sizeof(choices));
	fill(&choices, data + sizeof(choices), size - sizeof(choices));
	fuzz_check(pwrite(fd, file, sizeof(file), 0) == sizeof(file));
	from = JOURNAL_ALIGN * (uint64_t)choices.from + RING * (uint64_t)choices.lap;
	limit = choices.limit ? JOURNAL_ALIGN * (uint64_t)choices.limit : UINT64_MAX;

	if (journal_map(&journal, fd, NULL, &err) < 0)
		return 0;
	read_all(&journal, from + choices.extra, limit);
	journal_unmap(&journal);
	if (journal_open(&writer, fd, from, limit, choices.recover & 1, BATCH, take_apart, &used,
			 &err) < 0)
		return 0;
	journal_close(&writer);
	/* The same once more, to count; recovery has made it whole. */
	if (journal_open(&writer, fd, from, limit, choices.recover & 1, BATCH, count, &found,
			 &err) == 0)
		write_and_find(&writer, fd, from, found);
	return 0;
}
