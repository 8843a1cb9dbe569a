#ifndef PCHAT_DAEMON_RECORD_JSON_H
#define PCHAT_DAEMON_RECORD_JSON_H

#include "daemon/fragment.h"
#include "odbc/record.h"

/* A record as a JSON object, with every column that has something in it. A detail that is no JSON,
 * as nobody but a forger writes it, is a string. */
void record_json(struct fragment *out, const struct record_row *row);

#endif
