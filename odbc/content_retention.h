#ifndef PCHAT_ODBC_CONTENT_RETENTION_H
#define PCHAT_ODBC_CONTENT_RETENTION_H

#include "odbc/content.h"

/* What is asked to find messages that are too old or too much. */

/* Rooms above an id that may have messages, by id. */
struct content_retained {
	uint32_t room;
	char category[37]; /* its uuid as text, terminated */
	uint64_t last_seq, purged;
};
enum db_result content_retained_rooms(struct db *db, uint32_t above, unsigned limit,
				      struct content_retained *list, unsigned *count_r,
				      struct err *err);

/* Of a room's messages: their numbers and something of each. */
struct content_measure {
	uint64_t seq;
	uint64_t value; /* time, UTC us; or bytes of text, title and rich part */
};

/* The times of those above a number, oldest first. */
enum db_result content_retained_times(struct db *db, uint32_t room, uint64_t above, unsigned limit,
				      struct content_measure *list, unsigned *count_r,
				      struct err *err);

/* The sizes of those between two numbers, newest first. */
enum db_result content_retained_sizes(struct db *db, uint32_t room, uint64_t above, uint64_t below,
				      unsigned limit, struct content_measure *list,
				      unsigned *count_r, struct err *err);

/* How many bytes of text, title and rich part each room above an id has, by id. */
struct content_room_size {
	uint32_t room;
	uint64_t bytes;
};
enum db_result content_room_sizes(struct db *db, uint32_t above, unsigned limit,
				  struct content_room_size *list, unsigned *count_r,
				  struct err *err);

#endif
