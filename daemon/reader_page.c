#include "daemon/reader_page.h"

#include <string.h>

#include "conf/hex.h"
#include "shm/event.h"

static void put_string(struct fragment *json, const char *name, struct db_bytes text)
{
	fragment_text(json, name);
	fragment_string(json, text.data, text.length);
}

static void put_number(struct fragment *json, const char *name, uint64_t number)
{
	fragment_text(json, name);
	fragment_number(json, number);
}

void reader_put_message(struct fragment *json, const char *room,
			const struct content_history_row *row)
{
	const struct content_message *message = &row->message;

	fragment_text(json, "{");
	if (room) {
		fragment_text(json, "\"room\":\"");
		fragment_text(json, room);
		fragment_text(json, "\",");
	}
	put_number(json, "\"seq\":", message->seq);
	fragment_text(json, ",\"time\":");
	fragment_time(json, message->time);
	put_string(json, ",\"from\":", row->author_uri);
	put_string(json, ",\"name\":", row->author_name);
	if (message->title.length > 0)
		put_string(json, ",\"title\":", message->title);
	put_string(json, ",\"text\":", message->text);
	if (message->rich.length > 0) {
		put_string(json, ",\"rich\":{\"type\":", message->rich_type);
		put_string(json, ",\"content\":", message->rich);
		fragment_text(json, "}");
	}
	put_string(json, ",\"id\":", message->id);
	if (message->flags & EVENT_ALERT)
		fragment_text(json, ",\"importance\":\"alert\"");
	fragment_text(json, message->flags & EVENT_REPLACED ? ",\"replaced\":true}" : "}");
}

/* --- History. --- */

struct page {
	const struct ask_history *ask;
	bool at_once;		     /* without having read the room's state */
	struct fragment rows;	     /* encoded, in the order of the database */
	size_t end[READER_PAGE_MAX]; /* of each in rows */
	unsigned count;
	uint64_t purged;
	bool more, gap;
};

/* Whether `before` names a message, so that something can be missing in front of it. */
static bool is_bounded(const struct ask_history *ask)
{
	return ask->before <= INT64_MAX && ask->before > 0 && ask->before - 1 > ask->after;
}

/* Numbers may be missing below: removed, never kept, or refused by the database. What is below the
 * room's last number in the database is all that there is. To be asked before the rows are. */
static enum db_result read_state(struct db *db, struct page *page, struct err *err)
{
	uint64_t last_seq = 0;
	const enum db_result result =
		content_room_state(db, page->ask->room, &last_seq, &page->purged, err);

	page->gap = is_bounded(page->ask) && page->ask->before - 1 > last_seq;
	return result == DB_END ? DB_OK : result;
}

static void add_row(struct page *page, const struct content_history_row *row)
{
	reader_put_message(&page->rows, NULL, row);
	page->end[page->count++] = page->rows.used;
}

/* Whether the newest message that is wanted is this one: then the database has what is before it.
 */
static bool is_newest(const struct page *page, const struct content_history_row *row)
{
	return page->count > 0 || row->message.seq == page->ask->before - 1;
}

static enum db_result read_page(struct db *db, struct page *page, reader_keep *keep, void *arg,
				struct err *err)
{
	const struct content_page wanted = {
		.room = page->ask->room,
		.after = page->ask->after > page->purged ? page->ask->after : page->purged,
		.before = page->ask->before,
		.limit = page->ask->limit + 1u,
		.from_oldest = page->ask->from_oldest != 0,
		.kept = page->at_once};
	struct content_history_row row;
	enum db_result result = content_history(db, &wanted, err);

	while (result == DB_OK) {
		result = content_history_next(db, &wanted, &row, err);
		if (result != DB_OK || (page->at_once && !is_newest(page, &row)))
			break;
		if (page->count == page->ask->limit) {
			page->more = true;
			continue;
		}
		add_row(page, &row);
		if (keep && (page->gap || !keep(&row, arg)))
			keep = NULL;
	}
	return result == DB_END ? DB_OK : result;
}

static void put_row(struct fragment *json, const struct page *page, unsigned row)
{
	const size_t begin = row == 0 ? 0 : page->end[row - 1];

	if (json->used > 1)
		fragment_text(json, ",");
	fragment_raw(json, page->rows.data + begin, page->end[row] - begin);
}

static void put_page(struct fragment *json, const struct page *page)
{
	fragment_text(json, "[");
	for (unsigned i = 0; i < page->count; i++)
		put_row(json, page, page->ask->from_oldest ? i : page->count - 1 - i);
	fragment_text(json, "]");
}

/*
 * Most pages end where the one before began, and that message is there: its room's state need not
 * be asked for. Where it is not there the state comes first, and then the rows again.
 */
static enum db_result read_at_once(struct db *db, struct page *page, reader_keep *keep, void *arg,
				   struct err *err)
{
	enum db_result result = DB_OK;

	page->at_once = is_bounded(page->ask) && !page->ask->from_oldest;
	if (page->at_once)
		result = read_page(db, page, keep, arg, err);
	page->at_once = page->at_once && page->count > 0;
	return result;
}

enum db_result reader_history(struct db *db, const struct ask_history *ask, struct fragment *json,
			      uint32_t *flags_r, reader_keep *keep, void *arg, struct err *err)
{
	struct page page = {.ask = ask};
	enum db_result result;

	*flags_r = 0;
	if (ask->limit == 0 || ask->limit > READER_PAGE_MAX) {
		err_set(err, "could not read a page of %u messages", ask->limit);
		return DB_BAD_DATA;
	}
	result = read_at_once(db, &page, keep, arg, err);
	if (result == DB_OK && !page.at_once)
		result = read_state(db, &page, err);
	if (result == DB_OK && !page.at_once)
		result = read_page(db, &page, ask->from_oldest ? NULL : keep, arg, err);
	if (result == DB_OK && !page.rows.failed) {
		put_page(json, &page);
		if (page.more && ask->from_oldest)
			page.gap = false; /* it is beyond what was asked for */
		*flags_r = (page.more ? ASK_MORE : 0) | (page.gap ? ASK_GAP : 0);
	}
	json->failed = json->failed || page.rows.failed;
	fragment_free(&page.rows);
	return result;
}

enum db_result reader_moment(struct db *db, const struct ask_moment *ask, struct fragment *json,
			     uint32_t *flags_r, struct err *err)
{
	uint64_t last_seq = 0, purged = 0, seq = 0;
	enum db_result result = content_room_state(db, ask->room, &last_seq, &purged, err);

	*flags_r = ask->before > last_seq + 1 ? ASK_GAP : 0;
	if (result == DB_OK)
		result = content_moment(db, ask->room, ask->before, ask->time, &seq, err);
	fragment_number(json, seq > purged ? seq : 0);
	return result == DB_END ? DB_OK : result;
}
