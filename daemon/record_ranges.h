#ifndef PCHAT_DAEMON_RECORD_RANGES_H
#define PCHAT_DAEMON_RECORD_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Numbers of records, as ranges in ascending order: those that are gone and for which a record of
 * type "expire" is looked for, which names them as in "1-5 8-8".
 */
struct record_range {
	uint64_t from, to;
};

struct record_ranges {
	struct record_range *item; /* owned */
	size_t count, size;
	bool failed; /* memory was short: nothing in it can be relied on */
};

void record_ranges_fini(struct record_ranges *ranges);

/* Adds numbers above all that are there. */
void record_ranges_add(struct record_ranges *ranges, uint64_t from, uint64_t to);

/* Takes numbers out, wherever they are there. */
void record_ranges_take(struct record_ranges *ranges, uint64_t from, uint64_t to);

/* Takes out all that a text names. False: it is malformed; what is before that is taken out. */
bool record_ranges_take_text(struct record_ranges *ranges, const char *text, size_t length);

#endif
