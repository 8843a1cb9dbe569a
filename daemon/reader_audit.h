#ifndef PCHAT_DAEMON_READER_AUDIT_H
#define PCHAT_DAEMON_READER_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/fragment.h"
#include "odbc/db.h"
#include "shm/ask.h"

/*
 * Looks through the audit, from the newest row below ask->before back, until ask->limit rows fit or
 * the time (clock_mono()) runs out. What audit.list answers goes to json. texts are the filters,
 * one behind the other as ask says; without regard to case, each is found wherever it stands in its
 * field. DB_BAD_DATA where they are no UTF-8, or more rows are wanted than there may be.
 */
enum { READER_AUDIT_MAX = 500 };
enum db_result reader_audit(struct db *db, const struct ask_audit *ask, const char *texts,
			    const char *domain, uint64_t deadline, struct fragment *json,
			    struct err *err);

#endif
