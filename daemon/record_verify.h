#ifndef PCHAT_DAEMON_RECORD_VERIFY_H
#define PCHAT_DAEMON_RECORD_VERIFY_H

#include "daemon/record_hash.h"
#include "daemon/record_line.h"
#include "daemon/record_sign.h"

/*
 * Whether the records are what they were when they were written: that none is missing, was added,
 * moved or changed, and that checkpoints agree with them. Reads only; the server may go on writing.
 */
struct record_verify {
	uint64_t from, to;		    /* numbers; 0: from the first, to the last */
	const struct record_signer *signer; /* borrowed; NULL: signatures are not looked at */
	const struct record_lines *lines; /* borrowed: checkpoints of a log; NULL: there is none */

	/* What was found. */
	uint64_t first, last, records;
	uint64_t expired;		  /* of them: what was in them is gone, as a record says */
	uint64_t checkpoints, signatures; /* that agree; of those, signed and right */
	uint64_t signed_to; /* number of the last record that is signed for, by itself or by those
			       behind it */
	uint64_t compared;  /* checkpoints of the log that agree */
	uint64_t wrong;	    /* number of the first record that is wrong; 0: none */
	char reason[160];   /* in what way */
};

/* DB_OK: it was looked at, whatever was found. */
enum db_result record_verify(struct record_verify *verify, struct db *db, struct err *err);

#endif
