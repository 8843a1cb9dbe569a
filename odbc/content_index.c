#include "odbc/content_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "odbc/dialect.h"
#include "odbc/gram.h"

enum {
	SEQ_BITS = 31,
	ROW_MAX = 128, /* rows of one statement */
	PART = 2000,   /* rows that are in memory at a time */

	/* The same in bytes of grams and of text. Texts that are long and all different take
	 * PostgreSQL up to 0.1 s each: with 100 in a statement the store shows no life for too
	 * long. */
	ROW_BYTES = 256 << 10,
	PART_BYTES = 1 << 20,
};

static int64_t id_of(uint32_t room, uint64_t seq)
{
	const uint64_t in_room = seq < CONTENT_INDEX_SEQ_MAX ? seq : CONTENT_INDEX_SEQ_MAX;

	return (int64_t)((uint64_t)room << SEQ_BITS | in_room);
}

static enum db_result no_memory(struct err *err)
{
	err_set(err, "could not index a text: no memory");
	return DB_RETRY;
}

static enum db_result run(struct db *db, enum statement number, struct err *err)
{
	return db_execute(db_statement(db, number), err);
}

/* The answer of a statement that yields one number; DB_END: none. */
static enum db_result ask(struct db_stmt *stmt, int64_t *value_r, struct err *err)
{
	const enum db_result result = db_execute_row(stmt, err);

	if (result == DB_OK)
		*value_r = db_int(stmt, 0);
	db_done(stmt);
	return result;
}

/* What a connection knows: the rules of the index that there is, below 0 while it has to wait. */
static bool is_kept(const struct db *db)
{
	return db_kept(db) != 0;
}

static bool is_deferred(const struct db *db)
{
	return db_kept(db) < 0;
}

void content_index_defer(struct db *db, bool defer)
{
	const int64_t kept = db_kept(db);

	db_keep(db, (kept < 0) == defer ? kept : -kept);
}

/* --- Making and dropping. --- */

static enum db_result run_all(struct db *db, const char *const *sql, struct err *err)
{
	enum db_result result = DB_OK;

	for (; *sql && result == DB_OK; sql++)
		result = db_run(db, *sql, err);
	return result;
}

/* An index that is there is dropped in any case. rules 0: and not made again. */
static enum db_result change(struct db *db, int64_t rules, struct err *err)
{
	const struct dialect *dialect = db_dialect(db);
	struct db_stmt *stmt;
	enum db_result result = run_all(db, dialect->index_drop, err);

	if (result == DB_OK && rules != 0)
		result = run_all(db, dialect->index_make, err);
	if (result == DB_OK)
		result = run(db, STATEMENT_INDEX_GAPS_REMOVE, err);
	if (result == DB_OK && rules != 0)
		result = run(db, STATEMENT_INDEX_ROOMS, err);
	if (result != DB_OK)
		return result;
	stmt = db_statement(db, STATEMENT_INDEXING_PUT);
	db_bind_int(stmt, 0, rules);
	return db_execute(stmt, err);
}

static enum db_result change_in_transaction(struct db *db, int64_t rules, struct err *err)
{
	enum db_result result = db_begin(db, err);

	if (result != DB_OK)
		return result;
	result = change(db, rules, err);
	if (result == DB_OK)
		return db_commit(db, err);
	db_rollback(db);
	return result == DB_BAD_DATA ? DB_FATAL : result;
}

static enum db_result read_rules(struct db *db, int64_t *rules_r, struct err *err)
{
	return ask(db_statement(db, STATEMENT_INDEXING), rules_r, err);
}

enum db_result content_index_open(struct db *db, bool wanted, bool *there_r, bool *made_r,
				  struct err *err)
{
	int64_t rules = 0, possible = 0, ours;
	enum db_result result = read_rules(db, &rules, err);

	if (result == DB_OK && wanted)
		result = ask(db_statement(db, STATEMENT_INDEX_POSSIBLE), &possible, err);
	ours = possible ? gram_rules() : 0;
	*made_r = result == DB_OK && ours != 0 && rules != ours;
	if (result == DB_OK && rules != ours)
		result = change_in_transaction(db, ours, err);
	*there_r = ours != 0;
	if (result == DB_OK)
		db_keep(db, ours);
	return result == DB_UNCERTAIN ? DB_RETRY : result;
}

enum db_result content_index_void(struct db *db, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_INDEXING_PUT);

	db_bind_int(stmt, 0, 0);
	return db_execute(stmt, err);
}

/* --- Rows. --- */

/* A message's place in the index. */
struct row {
	int64_t id;
	char *grams; /* owned */
};

static void free_rows(struct row *row, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		free(row[i].grams);
}

/* The grams, and the room for those databases that want to know it. */
static bool make_row(const struct db *db, uint32_t room, uint64_t seq, struct db_bytes title,
		     struct db_bytes text, struct row *row_r)
{
	char *grams, *both;
	size_t length;

	row_r->id = id_of(room, seq);
	row_r->grams = NULL;
	if (!gram_text(title.data, title.length, text.data, text.length, &grams, &length))
		return false;
	row_r->grams = grams;
	if (!db_dialect(db)->index_has_rooms)
		return true;
	if (asprintf(&both, "r%u %s", room, grams) == -1)
		both = NULL;
	free(grams);
	row_r->grams = both;
	return both != NULL;
}

static enum db_result put_rows(struct db *db, const struct row *row, unsigned count,
			       struct err *err)
{
	struct db_stmt *stmt = db_statement_rows(db, STATEMENT_INDEX_PUT, count);

	/* Nothing to be found by: such a row is not looked for when the message goes, either. */
	if (count == 1 && *row->grams == '\0')
		return DB_OK;
	for (unsigned i = 0; i < count; i++) {
		db_bind_int(stmt, 2 * i, row[i].id);
		db_bind_string(stmt, 2 * i + 1, row[i].grams);
	}
	return db_execute(stmt, err);
}

static int by_place(const void *a, const void *b)
{
	const struct content_room_seq *x = a, *y = b;
	const int order = (x->room > y->room) - (x->room < y->room);

	return order != 0 ? order : (x->seq > y->seq) - (x->seq < y->seq);
}

/* Notes that messages are not in the index; the list is in the order of rooms and numbers. */
static enum db_result put_gaps(struct db *db, const struct content_room_seq *list, unsigned count,
			       struct err *err)
{
	enum db_result result = DB_OK;
	unsigned next;

	for (unsigned i = 0; i < count && result == DB_OK; i = next) {
		struct db_stmt *stmt = db_statement(db, STATEMENT_INDEX_GAP_PUT);

		for (next = i + 1; next < count && list[next].room == list[i].room; next++)
			;
		db_bind_int(stmt, 0, list[i].room);
		db_bind_int(stmt, 1, (int64_t)list[i].seq);
		db_bind_int(stmt, 2, (int64_t)list[next - 1].seq);
		result = db_execute(stmt, err);
	}
	return result;
}

static enum db_result put_later(struct db *db, const struct content_message *list, unsigned count,
				struct err *err)
{
	struct content_room_seq *place = calloc(count + 1u, sizeof(*place));
	enum db_result result;

	if (!place)
		return no_memory(err);
	for (unsigned i = 0; i < count; i++)
		place[i] = (struct content_room_seq){list[i].room, list[i].seq};
	qsort(place, count, sizeof(*place), by_place);
	result = put_gaps(db, place, count, err);
	free(place);
	return result;
}

static int by_id(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* How many of the rows go into the next statement. */
static unsigned rows_of_statement(const struct db *db, const struct row *row, unsigned count)
{
	size_t size = strlen(row[0].grams);
	unsigned rows = 1;

	while (rows < count && rows < ROW_MAX && size < ROW_BYTES)
		size += strlen(row[rows++].grams);
	return db_rows(db, STATEMENT_INDEX_PUT, rows);
}

/* In ascending order: FTS5 writes out what it has gathered whenever a row comes before the last
 * one. */
static enum db_result put_all(struct db *db, struct row *row, unsigned count, struct err *err)
{
	enum db_result result = DB_OK;
	unsigned rows;

	qsort(row, count, sizeof(*row), by_id);
	for (; count > 0 && result == DB_OK; row += rows, count -= rows) {
		rows = rows_of_statement(db, row, count);
		result = put_rows(db, row, rows, err);
	}
	return result;
}

/* Some messages at a time, so that their grams do not fill the memory. */
static enum db_result put_part(struct db *db, const struct content_message *list, unsigned count,
			       struct row *row, struct err *err)
{
	enum db_result result = DB_OK;
	unsigned made = 0;

	for (unsigned i = 0; i < count && result == DB_OK; i++) {
		if (list[i].seq > CONTENT_INDEX_SEQ_MAX)
			continue;
		if (make_row(db, list[i].room, list[i].seq, list[i].title, list[i].text,
			     &row[made]))
			made++;
		else
			result = no_memory(err);
	}
	if (result == DB_OK)
		result = put_all(db, row, made, err);
	free_rows(row, made);
	return result;
}

/* How many of the messages the next part has. */
static unsigned messages_of_part(const struct content_message *list, unsigned count)
{
	size_t size = 0;
	unsigned part = 0;

	for (; part < count && part < PART && size < PART_BYTES; part++)
		size += list[part].title.length + list[part].text.length;
	return part;
}

enum db_result content_index_put(struct db *db, const struct content_message *list, unsigned count,
				 struct err *err)
{
	enum db_result result = DB_OK;
	struct row *row;
	unsigned part;

	if (!is_kept(db) || count == 0)
		return DB_OK;
	if (is_deferred(db))
		return put_later(db, list, count, err);
	row = calloc(count < PART ? count : PART, sizeof(*row));
	if (!row)
		return no_memory(err);
	for (; count > 0 && result == DB_OK; list += part, count -= part) {
		part = messages_of_part(list, count);
		result = put_part(db, list, part, row, err);
	}
	free(row);
	return result;
}

/* --- Messages that go. --- */

/* Whether a row is there: only then may a database be told to remove it that needs its text. */
static enum db_result look_for(struct db *db, const struct row *row, bool *found_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_INDEX_OLDEST);
	enum db_result result;
	char query[16] = "";
	int64_t id;

	*found_r = false;
	snprintf(query, sizeof(query), "%.*s", (int)strcspn(row->grams, " "), row->grams);
	if (*query == '\0')
		return DB_OK;
	db_bind_string(stmt, 0, query);
	db_bind_int(stmt, 1, row->id - 1);
	db_bind_int(stmt, 2, row->id + 1);
	db_bind_int(stmt, 3, 1);
	result = ask(stmt, &id, err);
	*found_r = result == DB_OK;
	return result == DB_END ? DB_OK : result;
}

static enum db_result remove_row(struct db *db, const struct row *row, struct err *err)
{
	struct db_stmt *stmt;
	bool found;
	const enum db_result result = look_for(db, row, &found, err);

	if (result != DB_OK || !found)
		return result;
	stmt = db_statement(db, STATEMENT_INDEX_REMOVE);
	db_bind_int(stmt, 0, row->id);
	db_bind_string(stmt, 1, row->grams);
	return db_execute(stmt, err);
}

static enum db_result remove_range(struct db *db, uint32_t room, uint64_t first, uint64_t last,
				   struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_INDEX_REMOVE_RANGE);

	db_bind_int(stmt, 0, id_of(room, first));
	db_bind_int(stmt, 1, id_of(room, last));
	return db_execute(stmt, err);
}

enum db_result content_index_remove(struct db *db, uint32_t room, uint64_t seq, struct err *err)
{
	struct row row = {0};
	struct db_stmt *stmt;
	enum db_result result;
	bool made;

	if (!is_kept(db) || seq > CONTENT_INDEX_SEQ_MAX)
		return DB_OK;
	if (!db_dialect(db)->index_needs_text)
		return remove_range(db, room, seq, seq, err);
	stmt = db_statement(db, STATEMENT_INDEX_TEXT);
	db_bind_int(stmt, 0, room);
	db_bind_int(stmt, 1, (int64_t)seq);
	result = db_execute_row(stmt, err);
	if (result != DB_OK)
		return result == DB_END ? DB_OK : result;
	made = make_row(db, room, seq, db_bytes(stmt, 0), db_bytes(stmt, 1), &row);
	db_done(stmt);
	result = made ? remove_row(db, &row, err) : no_memory(err);
	free(row.grams);
	return result;
}

enum db_result content_index_replace(struct db *db, uint32_t room, uint64_t seq,
				     struct db_bytes text, struct err *err)
{
	const struct content_message message = {.room = room, .seq = seq, .text = text};
	const bool deferred = is_deferred(db);
	struct content_unindexed missing;
	enum db_result result;

	if (!is_kept(db))
		return DB_OK;
	result = content_index_of_room(db, room, &missing, err);
	if (result != DB_OK || seq <= missing.through ||
	    (seq >= missing.gap_from && seq <= missing.gap_through))
		return result;
	content_index_defer(db, false); /* an old number would make a gap of all that follow it */
	result = content_index_put(db, &message, 1, err);
	content_index_defer(db, deferred);
	return result;
}

/* A room's messages up to one, newest first, as rows. *last_r is the oldest one's number. */
static enum db_result read_rows(struct db *db, uint32_t room, uint64_t through, unsigned limit,
				struct row *row, unsigned *count_r, uint64_t *last_r,
				struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_INDEX_TEXTS);
	enum db_result result;

	db_bind_int(stmt, 0, room);
	db_bind_int(stmt, 1, (int64_t)through);
	db_bind_int(stmt, 2, limit);
	*count_r = 0;
	result = db_execute(stmt, err);
	while (result == DB_OK && *count_r < limit) {
		result = db_fetch(stmt, err);
		if (result != DB_OK)
			break;
		*last_r = (uint64_t)db_int(stmt, 0);
		if (!make_row(db, room, *last_r, db_bytes(stmt, 1), db_bytes(stmt, 2),
			      &row[*count_r]))
			result = no_memory(err);
		else
			++*count_r;
	}
	db_done(stmt);
	return result == DB_END ? DB_OK : result;
}

static enum db_result remove_rows(struct db *db, uint32_t room, uint64_t seq, unsigned messages,
				  struct row *row, struct err *err)
{
	unsigned count;
	uint64_t last;
	enum db_result result = read_rows(db, room, seq, messages, row, &count, &last, err);

	for (unsigned i = count; i > 0 && result == DB_OK; i--)
		result = remove_row(db, &row[i - 1], err);
	free_rows(row, count);
	return result;
}

enum db_result content_index_sweep(struct db *db, uint32_t room, uint64_t seq, unsigned messages,
				   struct err *err)
{
	enum db_result result;
	struct row *row;

	if (!is_kept(db))
		return DB_OK;
	if (!db_dialect(db)->index_needs_text)
		return remove_range(db, room, 0, seq, err);
	row = calloc(messages, sizeof(*row));
	result = row ? remove_rows(db, room, seq, messages, row, err) : no_memory(err);
	free(row);
	return result;
}

/* --- Messages that were there before. --- */

/* The next room above *room that is not all in the index; DB_END: there is none. */
static enum db_result next_room(struct db *db, uint32_t *room, uint64_t *through_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_INDEX_ROOM);
	enum db_result result;

	db_bind_int(stmt, 0, *room);
	result = db_execute_row(stmt, err);
	if (result == DB_OK) {
		*room = (uint32_t)db_int(stmt, 0);
		*through_r = (uint64_t)db_int(stmt, 1);
	}
	db_done(stmt);
	return result;
}

/* Ends its transaction. */
static enum db_result end_filling(struct db *db, enum db_result result, struct err *err)
{
	if (result == DB_OK)
		return db_commit(db, err);
	db_rollback(db);
	return result;
}

static enum db_result put_filled(struct db *db, struct row *row, unsigned count, uint32_t room,
				 uint64_t through, struct err *err)
{
	enum db_result result = db_begin(db, err);
	struct db_stmt *stmt;

	if (result != DB_OK)
		return result;
	result = put_all(db, row, count, err);
	if (result == DB_OK) {
		stmt = db_statement(db, STATEMENT_INDEX_ROOM_PUT);
		db_bind_int(stmt, 0, (int64_t)through);
		db_bind_int(stmt, 1, room);
		result = db_execute(stmt, err);
	}
	return end_filling(db, result, err);
}

static enum db_result fill_room(struct db *db, uint32_t *room, uint64_t through, unsigned messages,
				struct row *row, unsigned *count_r, struct err *err)
{
	/* Numbers that do not fit are passed over. */
	const uint64_t first = through < CONTENT_INDEX_SEQ_MAX ? through : CONTENT_INDEX_SEQ_MAX;
	const uint32_t this = *room;
	uint64_t last = 0;
	enum db_result result = read_rows(db, this, first, messages, row, count_r, &last, err);

	if (*count_r == messages)
		*room = this - 1; /* it has more */
	else
		last = 1;
	if (result == DB_OK)
		result = put_filled(db, row, *count_r, this, last - 1, err);
	free_rows(row, *count_r);
	return result;
}

/* --- Messages for which there was no time. --- */

struct gap {
	uint32_t room;
	uint64_t from, through;
};

/* DB_END: there is none. */
static enum db_result next_gap(struct db *db, struct gap *gap_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_INDEX_GAP_NEXT);
	const enum db_result result = db_execute_row(stmt, err);

	if (result == DB_OK)
		*gap_r = (struct gap){(uint32_t)db_int(stmt, 0), (uint64_t)db_int(stmt, 1),
				      (uint64_t)db_int(stmt, 2)};
	db_done(stmt);
	return result;
}

/* Those from last on are in the index now; whole: all of it. */
static enum db_result cut_gap(struct db *db, const struct gap *gap, uint64_t last, bool whole,
			      struct err *err)
{
	struct db_stmt *stmt =
		db_statement(db, whole ? STATEMENT_INDEX_GAP_REMOVE : STATEMENT_INDEX_GAP_CUT);

	if (!whole)
		db_bind_int(stmt, 0, (int64_t)last - 1);
	db_bind_int(stmt, whole ? 0 : 1, gap->room);
	return db_execute(stmt, err);
}

static enum db_result fill_gap(struct db *db, const struct gap *gap, unsigned messages,
			       struct row *row, unsigned *count_r, struct err *err)
{
	uint64_t last = 0;
	unsigned read = 0;
	enum db_result result =
		read_rows(db, gap->room, gap->through, messages, row, &read, &last, err);
	const bool whole = read < messages || last <= gap->from;

	/* The newest come first: what lies before the gap is at the end. */
	for (*count_r = 0; *count_r < read; ++*count_r)
		if (row[*count_r].id < id_of(gap->room, gap->from))
			break;
	if (result == DB_OK)
		result = db_begin(db, err);
	if (result == DB_OK) {
		result = put_all(db, row, *count_r, err);
		if (result == DB_OK)
			result = cut_gap(db, gap, last, whole, err);
		result = end_filling(db, result, err);
	}
	free_rows(row, read);
	return result;
}

static enum db_result fill(struct db *db, const struct gap *gap, uint32_t *room, uint64_t through,
			   unsigned messages, unsigned *count_r, struct err *err)
{
	struct row *row = calloc(messages, sizeof(*row));
	enum db_result result;

	if (!row)
		return no_memory(err);
	result = gap ? fill_gap(db, gap, messages, row, count_r, err)
		     : fill_room(db, room, through, messages, row, count_r, err);
	free(row);
	return result;
}

enum db_result content_index_fill(struct db *db, unsigned messages, uint32_t *room,
				  unsigned *count_r, bool *more_r, struct err *err)
{
	uint64_t through = 0;
	enum db_result result = DB_END;
	struct gap gap;

	*count_r = 0;
	*more_r = true;
	if (is_kept(db))
		result = next_gap(db, &gap, err);
	if (result == DB_OK)
		return fill(db, &gap, room, 0, messages, count_r, err);
	if (result == DB_END && is_kept(db))
		result = next_room(db, room, &through, err);
	*more_r = result == DB_OK;
	if (result != DB_OK)
		return result == DB_END ? DB_OK : result;
	return fill(db, NULL, room, through, messages, count_r, err);
}

/* --- Searching. --- */

enum db_result content_index_ready(struct db *db, bool *ready_r, struct err *err)
{
	int64_t rules = 0, ready = 0;
	enum db_result result = read_rules(db, &rules, err);

	if (result == DB_OK && rules == gram_rules())
		result = ask(db_statement(db, STATEMENT_INDEX_READY), &ready, err);
	*ready_r = ready != 0;
	return result;
}

enum db_result content_index_of_room(struct db *db, uint32_t room,
				     struct content_unindexed *unindexed_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_INDEX_ROOM_GET);
	enum db_result result;

	*unindexed_r = (struct content_unindexed){.through = INT64_MAX};
	db_bind_int(stmt, 0, room);
	result = db_execute_row(stmt, err);
	if (result == DB_OK)
		*unindexed_r = (struct content_unindexed){(uint64_t)db_int(stmt, 0),
							  (uint64_t)db_int(stmt, 1),
							  (uint64_t)db_int(stmt, 2)};
	db_done(stmt);
	return result == DB_END ? DB_OK : result;
}

enum db_result content_index_find(struct db *db, const struct content_page *page, const char *query,
				  uint64_t *seq, unsigned *count_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, page->from_oldest ? STATEMENT_INDEX_OLDEST
								  : STATEMENT_INDEX_NEWEST);
	char *in_room = NULL;
	enum db_result result;

	*count_r = 0;
	if (db_dialect(db)->index_has_rooms) {
		if (asprintf(&in_room, "r%u&%s", page->room, query) == -1)
			return no_memory(err);
		query = in_room;
	}
	db_bind_string(stmt, 0, query);
	db_bind_int(stmt, 1, id_of(page->room, page->after));
	db_bind_int(stmt, 2, id_of(page->room, page->before));
	db_bind_int(stmt, 3, page->limit);
	result = db_execute(stmt, err);
	while (result == DB_OK && (result = db_fetch(stmt, err)) == DB_OK)
		if (*count_r < page->limit)
			seq[(*count_r)++] = (uint64_t)db_int(stmt, 0) & CONTENT_INDEX_SEQ_MAX;
	free(in_room);
	return result == DB_END ? DB_OK : result;
}

static enum statement listed_statement(const struct content_page *page)
{
	return page->from_oldest ? STATEMENT_MESSAGES_OLDEST : STATEMENT_MESSAGES_NEWEST;
}

enum db_result content_listed(struct db *db, const struct content_page *page, const uint64_t *seq,
			      unsigned count, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, listed_statement(page));

	db_bind_int(stmt, 0, page->room);
	for (unsigned i = 0; i < CONTENT_LISTED_MAX; i++)
		db_bind_int(stmt, i + 1, (int64_t)seq[i < count ? i : count - 1]);
	return db_execute(stmt, err);
}

enum db_result content_listed_next(struct db *db, const struct content_page *page,
				   struct content_history_row *row_r, struct err *err)
{
	return content_row_next(db_open_statement(db, listed_statement(page)), page->room, row_r,
				err);
}

enum db_result content_index_rest(struct db *db, bool *there_r, uint64_t *rest_r, struct err *err)
{
	int64_t rules = 0, rest = 0;
	enum db_result result = read_rules(db, &rules, err);

	if (result == DB_OK && rules != 0)
		result = ask(db_statement(db, STATEMENT_INDEX_REST), &rest, err);
	*there_r = rules != 0;
	*rest_r = (uint64_t)rest;
	return result;
}
