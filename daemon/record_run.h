#ifndef PCHAT_DAEMON_RECORD_RUN_H
#define PCHAT_DAEMON_RECORD_RUN_H

#include "daemon/fragment.h"
#include "odbc/record.h"

/*
 * Records that expire behind one that stays: their hashes are all that is left of them, and the next
 * record's covers but that of the last one. So the record that names them has the SHA-256 of all
 * their hashes, one behind the other, as "hashes" in its detail.
 */

/* Of hashes in hexadecimal digits that were written behind each other. */
int record_run_digest(const struct fragment *hashes, char digest_r[RECORD_HEX], struct err *err);

/* Of a record of type "expire", what it names and the digest; kept until it is checked. */
struct record_run {
	char *content; /* owned; NULL: there is nothing to check */
	char digest[RECORD_HEX];
};

/* Takes such a record. One of an older version has no digest. -1: no memory. */
int record_run_take(struct record_run *run, const struct record_row *row, struct err *err);

/*
 * Reads those that it names, and clears it. first: those before are gone altogether, and then
 * nothing can be said. *wrong_r: the first number of a run whose hashes are not what they were; 0:
 * they are.
 */
enum db_result record_run_check(struct record_run *run, struct db *db, uint64_t first,
				uint64_t *wrong_r, struct err *err);
void record_run_fini(struct record_run *run);

#endif
