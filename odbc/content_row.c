#include "odbc/content_row.h"

enum db_result content_row_above(struct db *db, enum statement number, uint32_t above,
				 struct err *err)
{
	struct db_stmt *stmt = db_statement(db, number);

	db_bind_int(stmt, 0, above);
	db_bind_int(stmt, 1, CONTENT_LOAD_PAGE);
	return db_execute(stmt, err);
}

void content_row_bind_uuid(struct db_stmt *stmt, unsigned place, const uint8_t uuid[16],
			   char text[HEX_UUID])
{
	hex_uuid_encode(uuid, text);
	db_bind_text(stmt, place, text, HEX_UUID - 1);
}

static enum db_result read_uuid(const struct db_stmt *stmt, const char *what, uint8_t uuid_r[16],
				struct err *err)
{
	const struct db_bytes uuid = db_bytes(stmt, 1);

	if (hex_uuid_decode(uuid.data, uuid.length, uuid_r))
		return DB_OK;
	err_set(err, "could not understand %s %u: its uuid is malformed", what,
		(uint32_t)db_int(stmt, 0));
	return DB_BAD_DATA;
}

void content_row_principal(const struct db_stmt *stmt, struct content_principal *principal_r)
{
	*principal_r = (struct content_principal){.id = (uint32_t)db_int(stmt, 0),
						  .kind = (uint16_t)db_int(stmt, 1),
						  .state = (uint16_t)db_int(stmt, 2),
						  .epoch = (uint32_t)db_int(stmt, 3),
						  .uri = db_bytes(stmt, 4),
						  .name = db_bytes(stmt, 5)};
}

enum db_result content_row_category(const struct db_stmt *stmt, struct content_category *category_r,
				    struct err *err)
{
	*category_r = (struct content_category){.id = (uint32_t)db_int(stmt, 0),
						.name = db_bytes(stmt, 2),
						.description = db_bytes(stmt, 3),
						.flags = (uint32_t)db_int(stmt, 4),
						.created = (uint64_t)db_int(stmt, 5),
						.revision = (uint64_t)db_int(stmt, 6)};
	return read_uuid(stmt, "category", category_r->uuid, err);
}

enum db_result content_row_addin(const struct db_stmt *stmt, struct content_addin *addin_r,
				 struct err *err)
{
	*addin_r = (struct content_addin){.id = (uint32_t)db_int(stmt, 0),
					  .name = db_bytes(stmt, 2),
					  .url = db_bytes(stmt, 3)};
	return read_uuid(stmt, "add-in", addin_r->uuid, err);
}

enum db_result content_row_room(const struct db_stmt *stmt, struct content_room *room_r,
				struct err *err)
{
	*room_r = (struct content_room){.id = (uint32_t)db_int(stmt, 0),
					.name = db_bytes(stmt, 2),
					.description = db_bytes(stmt, 3),
					.disabled = db_int(stmt, 4) != 0,
					.category = (uint32_t)db_int(stmt, 5),
					.addin = (uint32_t)db_int(stmt, 6),
					.privacy = (uint8_t)db_int(stmt, 7),
					.behavior = (uint8_t)db_int(stmt, 8),
					.invitations = (uint8_t)db_int(stmt, 9),
					.created = (uint64_t)db_int(stmt, 10),
					.revision = (uint64_t)db_int(stmt, 11),
					.last_seq = (uint64_t)db_int(stmt, 12),
					.removals = (uint64_t)db_int(stmt, 13)};
	return read_uuid(stmt, "room", room_r->uuid, err);
}
