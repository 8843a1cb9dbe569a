#include "daemon/reader_search.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "daemon/reader_page.h"
#include "odbc/hex.h"

enum { PART = 500 /* rows that are read at a time */ };

/* A message that was found. */
struct found {
	uint64_t time, seq;
	uint32_t room;
	struct fragment json; /* owned */
};

struct search {
	const struct ask_search *ask; /* borrowed, as are the next three */
	const struct search_text *text;
	const char *domain;
	struct err *err;
	uint64_t deadline;
	struct found *found; /* owned: the best so far, best first; ask->limit + 1 at most */
	unsigned count;
	bool exceeded;
};

/* Less than 0: a comes before b in the answer. */
static int compare(const struct search *search, const struct found *a, const struct found *b)
{
	int order = (a->time > b->time) - (a->time < b->time);

	if (order == 0)
		order = (a->room > b->room) - (a->room < b->room);
	if (order == 0)
		order = (a->seq > b->seq) - (a->seq < b->seq);
	return search->ask->from_oldest ? order : -order;
}

static bool is_behind_page(const struct search *search, const struct found *found)
{
	const struct ask_search *ask = search->ask;
	const struct found page = {
		.time = ask->page_time, .room = ask->page_room, .seq = ask->page_seq};

	return ask->page_room == 0 || compare(search, &page, found) < 0;
}

static bool is_full(const struct search *search)
{
	return search->count > search->ask->limit;
}

/* Takes its place in the list, whose last one may fall off. */
static void keep(struct search *search, const struct found *found)
{
	unsigned place = search->count;

	if (is_full(search))
		fragment_free(&search->found[--search->count].json);
	place = search->count;
	while (place > 0 && compare(search, found, &search->found[place - 1]) < 0)
		place--;
	memmove(&search->found[place + 1], &search->found[place],
		(search->count - place) * sizeof(*search->found));
	search->found[place] = *found;
	search->count++;
}

static void put_room(const struct search *search, const struct ask_search_room *room, char uri[512])
{
	char uuid[HEX_UUID];

	hex_uuid_encode(room->uuid, uuid);
	snprintf(uri, 512, "ma-chan://%s/%s", search->domain, uuid);
}

/* False: nothing behind this row in its room can be wanted. */
static bool take_row(struct search *search, const struct ask_search_room *room,
		     const struct content_history_row *row)
{
	const struct content_message *message = &row->message;
	const struct ask_search *ask = search->ask;
	struct found found = {.time = message->time, .seq = message->seq, .room = room->id};
	char uri[512];

	if (ask->from_oldest ? found.time > ask->end : found.time < ask->start)
		return false;
	if (is_full(search) && compare(search, &search->found[search->count - 1], &found) < 0)
		return false;
	if (found.time < ask->start || found.time > ask->end || !is_behind_page(search, &found) ||
	    (ask->author != 0 && message->author != ask->author) ||
	    !search_text_finds(search->text, message->title, message->text))
		return true;
	put_room(search, room, uri);
	reader_put_message(&found.json, uri, row);
	keep(search, &found);
	return true;
}

/* The rows of one part; *more_r: there may be others behind it. */
static enum db_result read_part(struct search *search, struct db *db,
				const struct ask_search_room *room, struct content_page *page,
				bool *more_r)
{
	struct content_history_row row;
	enum db_result result = content_history(db, page, search->err);
	unsigned rows = 0;
	bool wanted = true;
	uint64_t last = 0;

	while (result == DB_OK) {
		result = content_history_next(db, page, &row, search->err);
		if (result != DB_OK)
			break;
		rows++;
		last = row.message.seq;
		wanted = wanted && take_row(search, room, &row);
	}
	if (page->from_oldest)
		page->after = last;
	else
		page->before = last;
	*more_r = wanted && rows == page->limit;
	return result == DB_END ? DB_OK : result;
}

static enum db_result look_through(struct search *search, struct db *db,
				   const struct ask_search_room *room)
{
	struct content_page page = {.room = room->id,
				    .before = INT64_MAX,
				    .limit = PART,
				    .from_oldest = search->ask->from_oldest != 0};
	uint64_t last_seq, purged = 0;
	bool more = true;
	enum db_result result = content_room_state(db, room->id, &last_seq, &purged, search->err);

	if (result != DB_OK)
		return result == DB_END ? DB_OK : result;
	page.after = purged;
	while (result == DB_OK && more && !search->exceeded) {
		result = read_part(search, db, room, &page, &more);
		search->exceeded = more && clock_mono() > search->deadline;
	}
	return result;
}

/* {"messages":[..],"more":..,"page":..,"exceeded":..} */
static void put_answer(const struct search *search, struct fragment *json)
{
	const unsigned limit = search->ask->limit;
	const bool more = search->count > limit;
	const unsigned shown = more ? limit : search->count;
	char page[80];

	fragment_text(json, "{\"messages\":[");
	for (unsigned i = 0; i < shown; i++) {
		const struct fragment *one = &search->found[i].json;

		fragment_text(json, i ? "," : "");
		fragment_raw(json, one->data, one->used);
		json->failed = json->failed || one->failed;
	}
	fragment_text(json, more ? "],\"more\":true" : "],\"more\":false");
	if (more) {
		const struct found *last = &search->found[limit - 1];

		snprintf(page, sizeof(page), ",\"page\":\"%" PRIu64 "-%" PRIu32 "-%" PRIu64 "\"",
			 last->time, last->room, last->seq);
		fragment_text(json, page);
	}
	fragment_text(json, search->exceeded ? ",\"exceeded\":true}" : ",\"exceeded\":false}");
}

enum db_result reader_search(struct db *db, const struct ask_search *ask,
			     const struct ask_search_room *rooms, const struct search_text *text,
			     const char *domain, uint64_t deadline, struct fragment *json,
			     struct err *err)
{
	struct search search = {
		.ask = ask, .text = text, .domain = domain, .err = err, .deadline = deadline};
	enum db_result result = DB_OK;

	if (ask->limit == 0 || ask->limit > READER_FOUND_MAX) {
		err_set(err, "could not search for %u messages", ask->limit);
		return DB_BAD_DATA;
	}
	search.found = calloc(ask->limit + 2u, sizeof(*search.found));
	if (!search.found) {
		json->failed = true;
		return DB_OK;
	}
	for (unsigned i = 0; i < ask->rooms && result == DB_OK && !search.exceeded; i++)
		result = look_through(&search, db, &rooms[i]);
	if (result == DB_OK)
		put_answer(&search, json);
	for (unsigned i = 0; i < search.count; i++)
		fragment_free(&search.found[i].json);
	free(search.found);
	return result;
}
