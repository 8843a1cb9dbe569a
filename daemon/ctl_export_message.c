#include <string.h>

#include "conf/hex.h"
#include "daemon/ctl_export.h"
#include "shm/event.h"

/* The messages of all rooms, room by room. */

/* Messages of one page: each can have a mebibyte, and drivers hold all rows of a result. */
enum { PAGE = 64 };

struct room {
	uint32_t id;
	uint8_t uuid[16];
	bool disabled;
	uint64_t revision, last_seq, removals, purged;
};

static void put_text(struct export *e, const char *name, struct db_bytes text)
{
	if (text.length == 0)
		return;
	export_name(e, name);
	fragment_string(&e->line, text.data, text.length);
}

static void put_flag(struct export *e, const char *name, bool set)
{
	if (!set)
		return;
	export_name(e, name);
	fragment_text(&e->line, "true");
}

static void put_message(struct export *e, const struct content_history_row *row)
{
	const struct content_message *m = &row->message;

	export_begin(e, archive_kind_name(KIND_MESSAGE));
	fragment_number(&e->line, m->seq);
	export_time(e, "time", m->time);
	put_text(e, "from", row->author_uri);
	put_text(e, "id", m->id);
	put_flag(e, "alert", m->flags & EVENT_ALERT);
	put_flag(e, "replaced", m->flags & EVENT_REPLACED);
	put_text(e, "title", m->title);
	put_text(e, "text", m->text);
	put_text(e, "rich_type", m->rich_type);
	put_text(e, "rich", m->rich);
	export_end(e, KIND_MESSAGE);
}

static void put_history(struct export *e, const struct room *room)
{
	char uuid[HEX_UUID];

	hex_uuid_encode(room->uuid, uuid);
	export_begin(e, archive_kind_name(KIND_HISTORY));
	fragment_string(&e->line, uuid, HEX_UUID - 1);
	export_name(e, "last_seq");
	fragment_number(&e->line, room->last_seq);
	export_name(e, "removals");
	fragment_number(&e->line, room->removals);
	export_name(e, "disabled");
	fragment_text(&e->line, room->disabled ? "true" : "false");
	export_name(e, "revision");
	fragment_number(&e->line, room->revision);
	export_end(e, KIND_HISTORY);
}

static enum db_result page_of(struct export *e, struct content_page *page, bool *more_r)
{
	enum db_result result = content_history(e->db, page, &e->err);
	struct content_history_row row;
	unsigned count = 0;

	while (result == DB_OK && !e->failed) {
		result = content_history_next(e->db, page, &row, &e->err);
		if (result != DB_OK)
			break;
		page->after = row.message.seq;
		count++;
		put_message(e, &row);
	}
	*more_r = count == PAGE;
	return result == DB_END ? DB_OK : result;
}

static enum db_result export_room(struct export *e, const struct room *room)
{
	struct content_page page = {.room = room->id,
				    .after = room->purged,
				    .before = UINT64_MAX,
				    .limit = PAGE,
				    .from_oldest = true};
	enum db_result result = DB_OK;
	uint64_t older = 0;
	bool more = true;

	if (e->start > 0)
		result = content_moment(e->db, room->id, UINT64_MAX, e->start - 1, &older, &e->err);
	if (older > page.after)
		page.after = older;
	put_history(e, room);
	while (result == DB_OK && more && !e->failed)
		result = page_of(e, &page, &more);
	return result;
}

/* The connection has one result open at a time: first a page of rooms, then what is in them. */
static enum db_result read_rooms(struct export *e, uint32_t *above, struct room *list,
				 unsigned *count_r, bool *more_r)
{
	enum db_result result = content_export_rooms(e->db, *above, &e->err);

	*count_r = 0;
	*more_r = false;
	while (result == DB_OK) {
		struct content_room row = {0};
		struct content_room_names names;

		result = content_export_rooms_next(e->db, &row, &names, &e->err);
		if (result != DB_OK)
			break;
		*more_r = true;
		*above = row.id;
		if (row.last_seq == 0 || (e->category != 0 && e->category != row.category))
			continue;
		list[*count_r] = (struct room){.id = row.id,
					       .disabled = row.disabled,
					       .revision = row.revision > 0 ? row.revision : 1,
					       .last_seq = row.last_seq,
					       .removals = row.removals,
					       .purged = names.purged};
		memcpy(list[(*count_r)++].uuid, row.uuid, sizeof(row.uuid));
	}
	return result == DB_END ? DB_OK : result;
}

enum db_result export_messages(struct export *e)
{
	struct room list[CONTENT_LOAD_PAGE];
	enum db_result result = DB_OK;
	uint32_t above = 0;
	unsigned count;
	bool more = true;

	while (result == DB_OK && more && !e->failed) {
		result = read_rooms(e, &above, list, &count, &more);
		for (unsigned i = 0; i < count && result == DB_OK && !e->failed; i++)
			result = export_room(e, &list[i]);
	}
	return result;
}
