#include "daemon/reader_exceeding.h"

#include "conf/clock.h"
#include "odbc/content_retention.h"

/* Rooms that are measured at a time: a room may have a million messages, so that they are few. */
enum { PART = 32 };

enum db_result reader_exceeding(struct db *db, const struct ask_exceeding *ask, uint64_t deadline,
				struct fragment *ids, bool *over_r, struct err *err)
{
	struct content_room_size part[PART];
	enum db_result result;
	unsigned count = PART;
	uint32_t above = 0;

	*over_r = false;
	do {
		result = content_room_sizes(db, above, PART, part, &count, err);
		for (unsigned i = 0; result == DB_OK && i < count; i++) {
			above = part[i].room;
			if (part[i].bytes > ask->bytes)
				fragment_raw(ids, (const char *)&above, sizeof(above));
		}
		if (result == DB_OK && count == PART && clock_mono() >= deadline)
			*over_r = true;
	} while (result == DB_OK && count == PART && !*over_r);
	return result;
}
