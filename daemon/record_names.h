#ifndef PCHAT_DAEMON_RECORD_NAMES_H
#define PCHAT_DAEMON_RECORD_NAMES_H

#include "odbc/record.h"

/*
 * Who is who in a run of records. Names come from tables that are not in the chain (pcc_object,
 * pcc_open_session), so that whoever changes those would have what people do from then on recorded
 * as somebody else's. The number of a user or room never gets another URI, though, and a session
 * belongs to one user and comes from one address.
 */
struct record_names;

struct record_names *record_names_new(struct err *err);
void record_names_free(struct record_names **names);

/* Takes the next record. *reason_r: what in it does not agree with those before; NULL: all does. */
int record_names_check(struct record_names *names, const struct record_row *row,
		       const char **reason_r, struct err *err);

#endif
