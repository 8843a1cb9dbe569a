#ifndef PCHAT_DAEMON_RECORD_PLEDGE_H
#define PCHAT_DAEMON_RECORD_PLEDGE_H

#include "odbc/record_hold.h"

/*
 * Holds as the chain tells of them, against the table that keeps records from being deleted: whoever
 * takes a hold out of it, or makes it smaller, would have records deleted in good order.
 */
struct record_pledges {
	struct record_pledge {
		uint64_t number; /* of the record */
		char *content;	 /* owned: what it says */
	} *item;		 /* owned: those that are not released */
	size_t count, size;
	uint64_t first, lsn; /* number of the first record, LSN of the last one */
};

void record_pledges_fini(struct record_pledges *pledges);

/* Takes the next record. -1: no memory. */
int record_pledges_take(struct record_pledges *pledges, const struct record_row *row,
			struct err *err);

/* Compares with the table. *number_r: the record of the first hold that is not as it should be; 0:
 * all are. */
enum db_result record_pledges_check(const struct record_pledges *pledges, struct db *db,
				    uint64_t *number_r, struct err *err);

#endif
