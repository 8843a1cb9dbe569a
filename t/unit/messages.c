#include "messages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

int messages_setup(void **state)
{
	struct disk *disk = disk_new(JOURNAL_HEADER + RING);
	struct err err;

	*state = disk;
	return journal_format(disk->fd, BASE, &err);
}

int messages_teardown(void **state)
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

int messages_try(struct journal_writer *writer, struct disk *disk, uint64_t from, uint64_t limit,
		 bool recover, struct list *list, struct err *err)
{
	list->count = 0;
	return journal_open(writer, disk->fd, from, limit, recover, BATCH, collect, list, err);
}

void messages_open(struct journal_writer *writer, struct disk *disk, uint64_t from, uint64_t limit,
		   struct list *list)
{
	struct err err = {""};

	if (messages_try(writer, disk, from, limit, false, list, &err) < 0)
		fail_msg("%s", err.text);
}

void messages_start(struct journal_writer *writer, struct disk *disk)
{
	struct list list;

	messages_open(writer, disk, BASE, UINT64_MAX, &list);
}

uint64_t messages_append(struct journal_writer *writer, uint64_t seq, uint32_t size,
			 uint64_t oldest)
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

void messages_commit(struct journal_writer *writer)
{
	struct err err;

	assert_int_equal(journal_commit(writer, true, &err), 0);
}
