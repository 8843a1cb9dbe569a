#include "daemon/record_json.h"

#include <string.h>

#include <jansson.h>

static void member(struct fragment *out, const char *name)
{
	fragment_text(out, ",\"");
	fragment_text(out, name);
	fragment_text(out, "\":");
}

static void put_text(struct fragment *out, const char *name, struct db_bytes text)
{
	if (text.length == 0)
		return;
	member(out, name);
	fragment_string(out, text.data, text.length);
}

static void put_number(struct fragment *out, const char *name, uint64_t number)
{
	if (number == 0)
		return;
	member(out, name);
	fragment_number(out, number);
}

static void put_flag(struct fragment *out, const struct record_row *row, enum record_flag flag,
		     const char *name)
{
	if (!(row->flags & flag))
		return;
	member(out, name);
	fragment_text(out, "true");
}

static void put_detail(struct fragment *out, struct db_bytes detail)
{
	json_t *json = detail.length > 0 ? json_loadb(detail.data, detail.length, 0, NULL) : NULL;

	if (json) {
		member(out, "detail");
		fragment_raw(out, detail.data, detail.length);
	} else {
		put_text(out, "detail", detail);
	}
	json_decref(json);
}

void record_json(struct fragment *out, const struct record_row *row)
{
	fragment_text(out, "{\"number\":");
	fragment_number(out, row->number);
	member(out, "time");
	fragment_time(out, row->time);
	put_text(out, "type", row->type);
	put_text(out, "room", row->room);
	put_text(out, "room_name", row->room_name);
	put_text(out, "category", row->category);
	put_text(out, "user", row->user_uri);
	put_text(out, "user_name", row->user_name);
	put_text(out, "address", row->address);
	put_text(out, "session", row->session);
	put_number(out, "message", row->message);
	put_text(out, "title", row->title);
	put_text(out, "content", row->content);
	put_text(out, "rich_type", row->rich_type);
	put_text(out, "rich", row->rich);
	put_detail(out, row->detail);
	put_flag(out, row, RECORD_HISTORY, "history");
	put_flag(out, row, RECORD_ALERT, "alert");
	put_flag(out, row, RECORD_UNREADABLE, "unreadable");
	put_number(out, "room_id", row->room_id);
	put_number(out, "user_id", row->user_id);
	put_number(out, "flags", row->flags);
	put_number(out, "lsn", row->lsn);
	put_text(out, "hash", (struct db_bytes){row->hash, strlen(row->hash)});
	fragment_text(out, "}");
}
