#ifndef PCHAT_WORKER_MATCH_H
#define PCHAT_WORKER_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/event.h"

/* Rows of the cache found by a text, in the order of their names, both without regard to case. */
struct match_text {
	size_t length;
	char text[2 * EVENT_NAME_MAX]; /* folded */
};

void match_text_init(struct match_text *wanted, struct text text);

/* Whether one of the two contains it. */
bool match_text(const struct match_text *wanted, struct text name, struct text description);

struct match;

struct matches {
	struct match **list; /* owned */
	size_t count, size;
	bool failed; /* memory ran out: the list is not whole */
};

void matches_add(struct matches *all, uint32_t id, struct text name);

/* To be called when all have been added. */
void matches_sort(struct matches *all);

/* The id of number i. */
uint32_t matches_id(const struct matches *all, size_t i);

void matches_fini(struct matches *all);

#endif
