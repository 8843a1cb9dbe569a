#include "daemon/reader_search.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "conf/hex.h"
#include "daemon/reader_page.h"
#include "odbc/content_index.h"
#include "odbc/gram.h"

/*
 * With an index of the texts (odbc/content_index.h) only candidates are looked at, else all
 * messages: what is found is decided by the same function, so it is the same. A word that most
 * messages have is found without an index at once, and with it late: where there are few rooms,
 * some messages are looked at before it is asked, and it is given up when it leaves out too little.
 */
enum {
	PART = 500,		/* rows that are read at a time */
	FIRST_CANDIDATES = 512, /* that are asked for at a time, at first and then */
	CANDIDATES = 8192,
	FEW_ROOMS = 4,
	LEFT_OUT = 8, /* one message of so many must be a candidate at most */
};

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
	bool first_part; /* is looked at without the index */
	char *query;	 /* owned; NULL: the index is of no use, or there is none */
	uint64_t *seq;	 /* owned: CANDIDATES numbers */
	struct reader_search_cost cost;
};

/* A room that is looked through. */
struct look {
	struct search *search; /* borrowed, as the next two */
	struct db *db;
	const struct ask_search_room *room;
	struct content_page page; /* what was not looked at yet of a range */
	bool wanted;		  /* what comes behind the last row may be found */
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

	search->cost.rows++;
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

static void note_row(struct look *look, const struct content_history_row *row)
{
	look->wanted = look->wanted && take_row(look->search, look->room, row);
	if (look->page.from_oldest)
		look->page.after = row->message.seq;
	else
		look->page.before = row->message.seq;
}

static bool goes_on(struct look *look)
{
	struct search *search = look->search;

	if (look->wanted && !search->exceeded)
		search->exceeded = clock_mono() > search->deadline;
	return look->wanted && !search->exceeded;
}

/* The rows of one part; *more_r: there may be others behind it. */
static enum db_result read_part(struct look *look, bool *more_r)
{
	struct content_history_row row;
	enum db_result result;
	unsigned rows = 0;

	look->page.limit = PART;
	result = content_history(look->db, &look->page, look->search->err);
	while (result == DB_OK) {
		result = content_history_next(look->db, &look->page, &row, look->search->err);
		if (result == DB_OK)
			note_row(look, &row);
		rows += result == DB_OK;
	}
	*more_r = rows == PART;
	return result == DB_END ? DB_OK : result;
}

static void set_range(struct look *look, uint64_t after, uint64_t before)
{
	look->page = (struct content_page){.room = look->room->id,
					   .after = after,
					   .before = before,
					   .from_oldest = look->search->ask->from_oldest != 0};
}

/* Looks at all messages that were not looked at yet of the range. */
static enum db_result scan(struct look *look)
{
	enum db_result result = DB_OK;
	bool more = true;

	while (result == DB_OK && more) {
		result = read_part(look, &more);
		more = more && goes_on(look);
	}
	return result;
}

static enum db_result read_listed(struct look *look, const uint64_t *seq, unsigned count)
{
	struct content_history_row row;
	enum db_result result =
		content_listed(look->db, &look->page, seq, count, look->search->err);

	while (result == DB_OK) {
		result = content_listed_next(look->db, &look->page, &row, look->search->err);
		if (result == DB_OK)
			note_row(look, &row);
	}
	/* The last of them may be a message no more. */
	if (look->page.from_oldest)
		look->page.after = seq[count - 1];
	else
		look->page.before = seq[count - 1];
	return result == DB_END ? DB_OK : result;
}

/* Whether so many candidates hardly leave out anything of what lies between the first and the last.
 */
static bool is_dense(const uint64_t *seq, unsigned count)
{
	const uint64_t first = seq[0], last = seq[count - 1];

	return (first > last ? first - last : last - first) < (uint64_t)count * LEFT_OUT;
}

/* As scan(), by the candidates of the index. */
static enum db_result look_up(struct look *look)
{
	struct search *search = look->search;
	unsigned asked = FIRST_CANDIDATES, count;
	enum db_result result;
	bool dense = false;

	search->cost.indexed = true;
	do {
		look->page.limit = asked;
		result = content_index_find(look->db, &look->page, search->query, search->seq,
					    &count, search->err);
		for (unsigned i = 0; i < count && result == DB_OK && goes_on(look);
		     i += CONTENT_LISTED_MAX)
			result = read_listed(look, search->seq + i,
					     count - i < CONTENT_LISTED_MAX ? count - i
									    : CONTENT_LISTED_MAX);
		if (result != DB_OK || count < asked)
			return result;
		dense = is_dense(search->seq, count);
		asked = CANDIDATES;
	} while (goes_on(look) && !dense);
	return look->wanted && !search->exceeded ? scan(look) : result;
}

static enum db_result look_in_index(struct look *look)
{
	enum db_result result = DB_OK;
	bool more = true;

	if (look->search->first_part)
		result = read_part(look, &more);
	return result == DB_OK && more && goes_on(look) ? look_up(look) : result;
}

/* A part of a room's messages. */
struct part {
	uint64_t after, before;
	bool indexed;
};
enum { PARTS_MAX = 4 };

/* The parts of a room, newest first, in which messages are in the index and in which they are not.
 */
static unsigned part_room(const struct content_unindexed *u, uint64_t purged,
			  struct part part[PARTS_MAX])
{
	const uint64_t floor = u->through > purged ? u->through : purged;
	unsigned count = 0;

	if (u->gap_through > floor) {
		const uint64_t from = u->gap_from > floor ? u->gap_from : floor + 1;

		part[count++] = (struct part){u->gap_through, INT64_MAX, true};
		part[count++] = (struct part){from - 1, u->gap_through + 1, false};
		part[count++] = (struct part){floor, from, true};
	} else {
		part[count++] = (struct part){floor, INT64_MAX, true};
	}
	part[count++] = (struct part){purged, floor + 1, false};
	return count;
}

static enum db_result look_through_parts(struct look *look, uint64_t purged,
					 const struct content_unindexed *unindexed)
{
	const bool from_oldest = look->search->ask->from_oldest != 0;
	enum db_result result = DB_OK;
	struct part list[PARTS_MAX];
	const unsigned count = part_room(unindexed, purged, list);

	for (unsigned i = 0; i < count && result == DB_OK; i++) {
		const struct part *part = &list[from_oldest ? count - 1 - i : i];

		if (part->after + 1 >= part->before || !goes_on(look))
			continue;
		set_range(look, part->after, part->before);
		result = part->indexed ? look_in_index(look) : scan(look);
	}
	return result;
}

static enum db_result look_through(struct search *search, struct db *db,
				   const struct ask_search_room *room)
{
	struct look look = {.search = search, .db = db, .room = room, .wanted = true};
	struct content_unindexed unindexed = {0};
	uint64_t last_seq, purged = 0;
	enum db_result result = content_room_state(db, room->id, &last_seq, &purged, search->err);

	if (result != DB_OK)
		return result == DB_END ? DB_OK : result;
	if (search->query)
		result = content_index_of_room(db, room->id, &unindexed, search->err);
	if (result != DB_OK)
		return result;
	if (search->query && last_seq > unindexed.through && last_seq < CONTENT_INDEX_SEQ_MAX)
		return look_through_parts(&look, purged, &unindexed);
	set_range(&look, purged, INT64_MAX);
	return scan(&look);
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

/* Finds out whether the index can help, where it is asked for. */
static enum db_result prepare(struct search *search, struct db *db)
{
	const struct search_text *text = search->text;
	enum db_result result = DB_OK;
	bool ready = false;

	if (text->count > 0)
		result = content_index_ready(db, &ready, search->err);
	if (!ready)
		return result;
	search->seq = malloc(CANDIDATES * sizeof(*search->seq));
	if (!search->seq ||
	    !gram_query(text->word, text->count, text->match == SEARCH_ANY, &search->query)) {
		err_set(search->err, "could not search: no memory");
		return DB_RETRY;
	}
	return DB_OK;
}

static void clean_up(struct search *search)
{
	for (unsigned i = 0; i < search->count; i++)
		fragment_free(&search->found[i].json);
	free(search->found);
	free(search->query);
	free(search->seq);
}

enum db_result reader_search(struct db *db, const struct ask_search *ask,
			     const struct ask_search_room *rooms, const struct search_text *text,
			     const char *domain, uint64_t deadline, struct fragment *json,
			     struct reader_search_cost *cost_r, struct err *err)
{
	struct search search = {.ask = ask,
				.text = text,
				.domain = domain,
				.err = err,
				.deadline = deadline,
				.first_part = ask->rooms <= FEW_ROOMS};
	enum db_result result = DB_OK;

	memset(cost_r, 0, sizeof(*cost_r));
	if (ask->limit == 0 || ask->limit > READER_FOUND_MAX) {
		err_set(err, "could not search for %u messages", ask->limit);
		return DB_BAD_DATA;
	}
	search.found = calloc(ask->limit + 2u, sizeof(*search.found));
	if (!search.found) {
		json->failed = true;
		return DB_OK;
	}
	result = prepare(&search, db);
	for (unsigned i = 0; i < ask->rooms && result == DB_OK && !search.exceeded; i++)
		result = look_through(&search, db, &rooms[i]);
	if (result == DB_OK)
		put_answer(&search, json);
	*cost_r = search.cost;
	clean_up(&search);
	return result;
}
