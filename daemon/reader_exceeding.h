#ifndef PCHAT_DAEMON_READER_EXCEEDING_H
#define PCHAT_DAEMON_READER_EXCEEDING_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/fragment.h"
#include "odbc/db.h"
#include "shm/ask.h"

/*
 * The ids of all rooms whose messages have more bytes than asked for, in their order: uint32_t
 * each, to ids. *over_r: the time (clock_mono()) ran out, and these are not all.
 */
enum db_result reader_exceeding(struct db *db, const struct ask_exceeding *ask, uint64_t deadline,
				struct fragment *ids, bool *over_r, struct err *err);

#endif
