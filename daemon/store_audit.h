#ifndef PCHAT_DAEMON_STORE_AUDIT_H
#define PCHAT_DAEMON_STORE_AUDIT_H

#include <stdbool.h>

#include "conf/err.h"
#include "odbc/content_audit.h"
#include "shm/event.h"

/*
 * The audit: a row of pc_audit for each event by which somebody changed something that is not his
 * own, with who it was and what was there before. It is written in the transaction of what it is
 * about, before it: so it has what the database still holds.
 */
struct store_audit { /* what was last looked up; a transaction begins with nothing */
	bool has_actor, has_node;
	struct origin origin;
	uint32_t principal;
	char actor[EVENT_URI_MAX + 1], address[EVENT_ADDRESS_MAX + 1];
	uint8_t kind; /* enum node_kind */
	uint32_t node;
	char name[EVENT_NAME_MAX + 1], ref[37];
};

void store_audit_begin(struct store_audit *audit);

/* Whether an event has to do with the audit: it is a change, or tells of an administrator's
 * session. */
bool store_audit_is(const struct record *record);

/* Writes its row, if it becomes one. A malformed event becomes none: whoever stores it says so. */
enum db_result store_audit_put(struct store_audit *audit, struct db *db,
			       const struct record *record, struct err *err);

#endif
