#ifndef PCHAT_DAEMON_RECORD_ORDER_H
#define PCHAT_DAEMON_RECORD_ORDER_H

#include "odbc/record.h"

/*
 * What pchat-compliance is asked to do, in the text of an event (VIEW_HOLD and so on), which is on
 * record as it is: lines "name: value", ended by newlines, with the names of these members. Each
 * stands there once or not at all; times are ISO 8601 in UTC.
 */
struct record_order {
	struct db_bytes name, user, room, reason; /* borrowed */
	uint64_t start, end, until;		  /* UTC us; 0: not given */
};

enum { RECORD_ORDER_NAME = 128, RECORD_ORDER_REASON = 1024 /* bytes, at most */ };

/* False: it is malformed. */
bool record_order_parse(struct db_bytes text, struct record_order *order_r);

#endif
