#ifndef PCHAT_T_UNIT_MESSAGES_H
#define PCHAT_T_UNIT_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "disk.h"
#include "shm/event.h"
#include "shm/journal.h"

/* A journal of numbered messages on a disk that breaks: what the tests of its crashes share. */
enum { RING = 8192, BATCH = 4096, HEAD = sizeof(struct record), BASE = 8, LIST = 4096 };

/* The numbers of the messages that a journal was found to hold. */
struct list {
	unsigned count;
	uint64_t seq[LIST];
};

/* Of a test: a disk with a new journal, in *state. */
int messages_setup(void **state);
int messages_teardown(void **state);

/* journal_open, filling the list. */
int messages_try(struct journal_writer *writer, struct disk *disk, uint64_t from, uint64_t limit,
		 bool recover, struct list *list, struct err *err);

/* The same without recovery; it must succeed. */
void messages_open(struct journal_writer *writer, struct disk *disk, uint64_t from, uint64_t limit,
		   struct list *list);

/* The same of the whole journal. */
void messages_start(struct journal_writer *writer, struct disk *disk);

/* Appends message seq with size bytes of payload, and EVENT_START first if it is the writer's
 * first; returns its LSN, 0 if it was refused. */
uint64_t messages_append(struct journal_writer *writer, uint64_t seq, uint32_t size,
			 uint64_t oldest);

/* journal_commit, which must succeed. */
void messages_commit(struct journal_writer *writer);

#endif
