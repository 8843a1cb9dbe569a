#ifndef PCHAT_DAEMON_RECORD_FILTER_H
#define PCHAT_DAEMON_RECORD_FILTER_H

#include "daemon/search_text.h"
#include "odbc/record.h"

/*
 * Which records a search, an export or a hold is about. A record has to agree with everything that
 * is set, and with one item of each list that is not empty.
 */
enum { RECORD_FILTER_ITEMS = 64, RECORD_FILTER_TEXT = 16384 };

struct record_list {
	unsigned count;
	char *item[RECORD_FILTER_ITEMS]; /* owned */
};

struct record_filter {
	uint64_t from, to;	  /* numbers; 0: from the first, to the last */
	uint64_t start, end;	  /* UTC us, both included; end 0: to the last */
	struct record_list users; /* URIs, or names of administrators such as "unix:root" */
	struct record_list rooms; /* URIs */
	struct record_list types;
	bool has_words;
	struct search_text words;
};

void record_filter_fini(struct record_filter *filter);

/* A copy of the text is added. False: there are too many, or memory is short. */
bool record_list_add(struct record_list *list, const char *text, size_t length);

/* Whether there are records of such a type. */
bool record_type_exists(const char *type);

/* One that has expired is never found: there is nothing left of it. */
bool record_filter_finds(const struct record_filter *filter, const struct record_row *row);

/* Whether a record is by a user, or says something about him. */
bool record_concerns(const struct record_row *row, const char *user);

#endif
