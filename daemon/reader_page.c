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
	struct fragment *answer;	     /* borrowed */
	struct ask_row row[READER_PAGE_MAX]; /* in the order of the database */
	unsigned count;
	uint64_t purged;
	bool more, gap;
};

/* The rows are left as they are: there are none yet. */
static void begin_page(struct page *page, const struct ask_history *ask, struct fragment *answer)
{
	static const struct ask_page head;

	fragment_raw(answer, &head, sizeof(head));
	page->ask = ask;
	page->answer = answer;
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
	struct fragment *const answer = page->answer;
	char *to = fragment_room(answer, most_of(&row->message));

	if (!to)
		return;
	place->author = row->message.author;
	place->begin = (uint32_t)answer->used;
	*to++ = '{';
	to = put_head(to, &row->message);
	place->from_at = (uint32_t)(to - answer->data);
	fragment_end(answer, put_rest(to, &row->message));
	place->end = (uint32_t)answer->used;
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

/* What is known in the end: the list of the rows, and how long it is. */
static void put_rows(struct fragment *answer, const struct page *page)
{
	const struct ask_page head = {.rows = page->count};

	fragment_raw(answer, "\0\0\0", -answer->used % sizeof(uint32_t));
	for (unsigned i = 0; i < page->count; i++)
		fragment_raw(answer, &page->row[page->ask->from_oldest ? i : page->count - 1 - i],
			     sizeof(page->row[i]));
	if (!answer->failed)
		memcpy(answer->data, &head, sizeof(head));
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
	begin_page(&page, ask, answer);
	if (ask->limit == 0 || ask->limit > READER_PAGE_MAX) {
		err_set(err, "could not read a page of %u messages", ask->limit);
		return DB_BAD_DATA;
	}
	result = read_at_once(db, &page, keep, arg, err);
	if (result == DB_OK && !page.at_once)
		result = read_state(db, &page, err);
	if (result == DB_OK && !page.at_once)
		result = read_page(db, &page, ask->from_oldest ? NULL : keep, arg, err);
	if (result == DB_OK) {
		put_rows(answer, &page);
		if (page.more && ask->from_oldest)
			page.gap = false; /* it is beyond what was asked for */
		*flags_r = (page.more ? ASK_MORE : 0) | (page.gap ? ASK_GAP : 0);
	}
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
