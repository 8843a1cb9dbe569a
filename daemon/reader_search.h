#ifndef PCHAT_DAEMON_READER_SEARCH_H
#define PCHAT_DAEMON_READER_SEARCH_H

#include <stdint.h>

#include "daemon/fragment.h"
#include "daemon/search_text.h"
#include "odbc/content.h"
#include "shm/ask.h"

enum { READER_FOUND_MAX = 1000 };

/* What a search took, for the counters. */
struct reader_search_cost {
	uint64_t rows; /* messages that were looked at */
	bool indexed;  /* the index of the texts was asked */
};

/*
 * Looks through the messages of the rooms, in each from the newest back (or from the oldest on),
 * until there is nothing left that could come among the first ask->limit. What message.search
 * answers goes to json: with "exceeded" where the time (clock_mono()) ran out before.
 */
enum db_result reader_search(struct db *db, const struct ask_search *ask,
			     const struct ask_search_room *rooms, const struct search_text *text,
			     const char *domain, uint64_t deadline, struct fragment *json,
			     struct reader_search_cost *cost_r, struct err *err);

#endif
