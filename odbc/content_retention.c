#include "odbc/content_retention.h"

#include <string.h>

static void read_room(const struct db_stmt *stmt, struct content_retained *room_r)
{
	const struct db_bytes uuid = db_bytes(stmt, 1);
	const size_t most = sizeof(room_r->category) - 1;
	const size_t length = uuid.length < most ? uuid.length : most;

	memset(room_r, 0, sizeof(*room_r));
	room_r->room = (uint32_t)db_int(stmt, 0);
	memcpy(room_r->category, uuid.data, length);
	room_r->last_seq = (uint64_t)db_int(stmt, 2);
	room_r->purged = (uint64_t)db_int(stmt, 3);
}

enum db_result content_retained_rooms(struct db *db, uint32_t above, unsigned limit,
				      struct content_retained *list, unsigned *count_r,
				      struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_RETAINED_ROOMS);
	enum db_result result;

	db_bind_int(stmt, 0, above);
	db_bind_int(stmt, 1, limit);
	*count_r = 0;
	result = db_execute(stmt, err);
	while (result == DB_OK && (result = db_fetch(stmt, err)) == DB_OK)
		if (*count_r < limit)
			read_room(stmt, &list[(*count_r)++]);
	return result == DB_END ? DB_OK : result;
}

static enum db_result read_measures(struct db_stmt *stmt, unsigned limit,
				    struct content_measure *list, unsigned *count_r,
				    struct err *err)
{
	enum db_result result = db_execute(stmt, err);

	*count_r = 0;
	while (result == DB_OK && (result = db_fetch(stmt, err)) == DB_OK)
		if (*count_r < limit)
			list[(*count_r)++] = (struct content_measure){(uint64_t)db_int(stmt, 0),
								      (uint64_t)db_int(stmt, 1)};
	return result == DB_END ? DB_OK : result;
}

enum db_result content_retained_times(struct db *db, uint32_t room, uint64_t above, unsigned limit,
				      struct content_measure *list, unsigned *count_r,
				      struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_RETAINED_TIMES);

	db_bind_int(stmt, 0, room);
	db_bind_count(stmt, 1, above);
	db_bind_int(stmt, 2, limit);
	return read_measures(stmt, limit, list, count_r, err);
}

enum db_result content_retained_sizes(struct db *db, uint32_t room, uint64_t above, uint64_t below,
				      unsigned limit, struct content_measure *list,
				      unsigned *count_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_RETAINED_SIZES);

	db_bind_int(stmt, 0, room);
	db_bind_count(stmt, 1, above);
	db_bind_count(stmt, 2, below);
	db_bind_int(stmt, 3, limit);
	return read_measures(stmt, limit, list, count_r, err);
}

enum db_result content_room_sizes(struct db *db, uint32_t above, unsigned limit,
				  struct content_room_size *list, unsigned *count_r,
				  struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_ROOM_SIZES);
	enum db_result result;

	db_bind_int(stmt, 0, above);
	db_bind_int(stmt, 1, limit);
	*count_r = 0;
	result = db_execute(stmt, err);
	while (result == DB_OK && (result = db_fetch(stmt, err)) == DB_OK)
		if (*count_r < limit)
			list[(*count_r)++] = (struct content_room_size){(uint32_t)db_int(stmt, 0),
									(uint64_t)db_int(stmt, 1)};
	return result == DB_END ? DB_OK : result;
}
