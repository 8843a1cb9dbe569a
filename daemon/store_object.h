#ifndef PCHAT_DAEMON_STORE_OBJECT_H
#define PCHAT_DAEMON_STORE_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/err.h"
#include "odbc/content.h"

/* A row as the event that made it, for the sequencer. */
struct store_object {
	uint16_t type; /* enum event_type */
	uint32_t size;
	const void *payload; /* as in the event */
	uint64_t last_seq, removals; /* of a room */
};

/* Takes an object, which is gone when it returns. False: no more are wanted. */
typedef bool store_take(const struct store_object *object, void *arg);

/*
 * All objects in the database, so that whatever one refers to comes before it: users and groups,
 * members of groups, categories, add-ins, rooms, roles, what users have of their own. However many there are, only a page of rows is
 * in memory. A row that no event can have made is left out, and logged. DB_END: these were all;
 * DB_OK: no more were wanted; or what failed.
 */
enum db_result store_objects(struct db *db, store_take *take, void *arg, struct err *err);

#endif
