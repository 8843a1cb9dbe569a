#ifndef PCHAT_DAEMON_COMPLIANCE_EXPIRE_H
#define PCHAT_DAEMON_COMPLIANCE_EXPIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "odbc/record_hold.h"

/*
 * Records go: those that are old enough, are not held, and are in the files of all adapters. A pass
 * looks at all of them, a page in each transaction. The oldest are deleted, up to the first
 * that stays; of those behind it number and hash remain, so that the chain can be verified. Each
 * transaction has a record that names what is gone in it.
 */
struct compliance_expire {
	bool known;   /* the database was asked whether somebody asked for a purge */
	uint64_t due; /* clock_mono(): the next pass by itself */

	/* The pass under way. */
	bool running;
	bool asked;		  /* by somebody; what came of it is told in purge */
	bool leading;		  /* everything up to position is gone */
	uint64_t until, position; /* UTC us; number of the last record that was looked at */
	struct record_purge purge;
};

struct compliance;

/* The database is another, or what it has is: it is asked anew. */
void compliance_expire_forget(struct compliance_expire *expire);

/* Looks at a page, if there is reason to. False: there is nothing to do now. */
bool compliance_expire(struct compliance *compliance);

#endif
