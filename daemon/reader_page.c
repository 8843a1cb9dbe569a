#include "daemon/reader_page.h"

#include <string.h>

#include "conf/clock.h"
#include "shm/event.h"

#define PUT(to, literal) mempcpy(to, literal, sizeof(literal) - 1)

enum { MEMBERS = 256 }; /* bytes of a message's JSON at most, without its texts */

static char *put_text(char *to, struct db_bytes text)
{
	return fragment_quote(to, text.data, text.length);
}

static size_t most_of(const struct content_message *message)
{
	return MEMBERS + FRAGMENT_QUOTED(message->title.length + message->text.length +
					 message->rich_type.length + message->rich.length +
					 message->id.length);
}

/* What comes before whom a message is from, and what comes behind that. */
static char *put_head(char *to, const struct content_message *message)
{
	to = fragment_digits(PUT(to, "\"seq\":"), message->seq);
	to = PUT(to, ",\"time\":\"");
	clock_format(message->time, to);
	to += CLOCK_TEXT - 1;
	return PUT(to, "\",");
}

static char *put_rest(char *to, const struct content_message *message)
{
	if (message->title.length > 0) {
		to = put_text(PUT(to, "\"title\":"), message->title);
		*to++ = ',';
	}
	to = put_text(PUT(to, "\"text\":"), message->text);
	if (message->rich.length > 0) {
		to = put_text(PUT(to, ",\"rich\":{\"type\":"), message->rich_type);
		to = put_text(PUT(to, ",\"content\":"), message->rich);
		*to++ = '}';
	}
	to = put_text(PUT(to, ",\"id\":"), message->id);
	if (message->flags & EVENT_ALERT)
		to = PUT(to, ",\"importance\":\"alert\"");
	if (message->flags & EVENT_REPLACED)
		to = PUT(to, ",\"replaced\":true");
	*to++ = '}';
	return to;
}

void reader_put_message(struct fragment *json, const char *room,
			const struct content_history_row *row)
{
	char *to =
		fragment_room(json, most_of(&row->message) +
					    FRAGMENT_QUOTED(strlen(room) + row->author_uri.length +
							    row->author_name.length));

	if (!to)
		return;
	to = PUT(to, "{\"room\":\"");
	to = PUT(stpcpy(to, room), "\",");
	to = put_head(to, &row->message);
	to = put_text(PUT(to, "\"from\":"), row->author_uri);
	to = put_text(PUT(to, ",\"name\":"), row->author_name);
	*to++ = ',';
	fragment_end(json, put_rest(to, &row->message));
}

/* --- History. --- */

struct page {
	const struct ask_history *ask;
	bool at_once;			     /* without having read the room's state */
	struct fragment json;		     /* of the rows, in the order of the database */
	struct ask_row row[READER_PAGE_MAX]; /* in that order, too, as is where they end */
	unsigned count;
	uint64_t purged;
	bool more, gap;
};

/* The rows are left as they are: there are none yet. */
static void begin_page(struct page *page, const struct ask_history *ask)
{
	page->ask = ask;
	page->json = (struct fragment){0};
	page->count = 0;
	page->purged = 0;
	page->at_once = page->more = page->gap = false;
}

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
	struct ask_row *const place = &page->row[page->count];
	char *to = fragment_room(&page->json, most_of(&row->message));

	if (!to)
		return;
	*to++ = '{';
	to = put_head(to, &row->message);
	place->author = row->message.author;
	place->from_at = (uint32_t)(to - page->json.data);
	fragment_end(&page->json, put_rest(to, &row->message));
	place->end = (uint32_t)page->json.used;
	page->count++;
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
		.nameless = true};
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

static uint32_t begin_of(const struct page *page, unsigned row)
{
	return row == 0 ? 0 : page->row[row - 1].end;
}

/* The place of a row in the answer, which is its own inverse. */
static unsigned turned(const struct page *page, unsigned row)
{
	return page->ask->from_oldest ? row : page->count - 1 - row;
}

static void put_page(struct fragment *answer, const struct page *page)
{
	const struct ask_page head = {.rows = page->count};
	uint32_t used = 0;

	fragment_raw(answer, &head, sizeof(head));
	for (unsigned i = 0; i < page->count; i++) {
		const unsigned row = turned(page, i);
		const uint32_t begin = begin_of(page, row);
		struct ask_row place = page->row[row];

		place.from_at += used - begin;
		place.end = used += place.end - begin;
		fragment_raw(answer, &place, sizeof(place));
	}
	for (unsigned i = 0; i < page->count; i++) {
		const unsigned row = turned(page, i);
		const uint32_t begin = begin_of(page, row);

		fragment_raw(answer, page->json.data + begin, page->row[row].end - begin);
	}
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

enum db_result reader_history(struct db *db, const struct ask_history *ask, struct fragment *answer,
			      uint32_t *flags_r, reader_keep *keep, void *arg, struct err *err)
{
	struct page page;
	enum db_result result;

	*flags_r = 0;
	begin_page(&page, ask);
	if (ask->limit == 0 || ask->limit > READER_PAGE_MAX) {
		err_set(err, "could not read a page of %u messages", ask->limit);
		return DB_BAD_DATA;
	}
	result = read_at_once(db, &page, keep, arg, err);
	if (result == DB_OK && !page.at_once)
		result = read_state(db, &page, err);
	if (result == DB_OK && !page.at_once)
		result = read_page(db, &page, ask->from_oldest ? NULL : keep, arg, err);
	if (result == DB_OK && page.json.used > UINT32_MAX)
		page.json.failed = true;
	if (result == DB_OK && !page.json.failed) {
		put_page(answer, &page);
		if (page.more && ask->from_oldest)
			page.gap = false; /* it is beyond what was asked for */
		*flags_r = (page.more ? ASK_MORE : 0) | (page.gap ? ASK_GAP : 0);
	}
	answer->failed = answer->failed || page.json.failed;
	fragment_free(&page.json);
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
