#ifndef PCHAT_DAEMON_RECORD_HOLDS_H
#define PCHAT_DAEMON_RECORD_HOLDS_H

#include "odbc/record_hold.h"

/* Which records may be deleted. */

struct record_held {
	char *user, *room; /* owned; "": does not matter */
	uint64_t start, end;
	uint64_t number; /* of the record that says so */
};

/* All active holds. */
struct record_holds {
	struct record_held *item; /* owned */
	unsigned count;
};

/* Reads them; record_holds_fini frees and clears, also after a failure. */
enum db_result record_holds_load(struct record_holds *holds_r, struct db *db, struct err *err);
void record_holds_fini(struct record_holds *holds);

/* Whether one of them is about the record. */
bool record_holds_cover(const struct record_holds *holds, const struct record_row *row);

#endif
