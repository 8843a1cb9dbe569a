#include "odbc/content_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "odbc/dialect.h"
#include "odbc/gram.h"

enum { SEQ_BITS = 31, ROW_MAX = 128 /* rows of one statement */ };

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

static bool is_kept(const struct db *db)
{
	return db_kept(db) != 0;
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

enum db_result content_index_put(struct db *db, const struct content_message *list, unsigned count,
				 struct err *err)
{
	enum db_result result = DB_OK;
	struct row row[ROW_MAX];
	unsigned rows;

	for (; is_kept(db) && count > 0 && result == DB_OK; list += rows, count -= rows) {
		unsigned made = 0;

		rows = db_rows(db, STATEMENT_INDEX_PUT, count < ROW_MAX ? count : ROW_MAX);
		while (made < rows && list[made].seq <= CONTENT_INDEX_SEQ_MAX &&
		       make_row(db, list[made].room, list[made].seq, list[made].title,
				list[made].text, &row[made]))
			made++;
		if (made == rows)
			result = put_rows(db, row, rows, err);
		else if (list[made].seq <= CONTENT_INDEX_SEQ_MAX)
			result = no_memory(err);
		else
			rows = made + 1;
		free_rows(row, made);
	}
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
	uint64_t missing;
	enum db_result result;

	if (!is_kept(db))
		return DB_OK;
	result = content_index_of_room(db, room, &missing, err);
	if (result != DB_OK || seq <= missing)
		return result;
	return content_index_put(db, &message, 1, err);
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

	for (unsigned i = 0; i < count && result == DB_OK; i++)
		result = remove_row(db, &row[i], err);
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

static enum db_result put_filled(struct db *db, const struct row *row, unsigned count,
				 uint32_t room, uint64_t through, struct err *err)
{
	enum db_result result = db_begin(db, err);
	struct db_stmt *stmt;
	unsigned rows;

	for (; count > 0 && result == DB_OK; row += rows, count -= rows) {
		rows = db_rows(db, STATEMENT_INDEX_PUT, count < ROW_MAX ? count : ROW_MAX);
		result = put_rows(db, row, rows, err);
	}
	if (result == DB_OK) {
		stmt = db_statement(db, STATEMENT_INDEX_ROOM_PUT);
		db_bind_int(stmt, 0, (int64_t)through);
		db_bind_int(stmt, 1, room);
		result = db_execute(stmt, err);
	}
	if (result == DB_OK)
		return db_commit(db, err);
	db_rollback(db);
	return result;
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

enum db_result content_index_fill(struct db *db, unsigned messages, uint32_t *room,
				  unsigned *count_r, bool *more_r, struct err *err)
{
	uint64_t through = 0;
	enum db_result result = DB_END;
	struct row *row;

	*count_r = 0;
	if (is_kept(db))
		result = next_room(db, room, &through, err);
	*more_r = result == DB_OK;
	if (result != DB_OK)
		return result == DB_END ? DB_OK : result;
	row = calloc(messages, sizeof(*row));
	result = row ? fill_room(db, room, through, messages, row, count_r, err) : no_memory(err);
	free(row);
	return result;
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

enum db_result content_index_of_room(struct db *db, uint32_t room, uint64_t *seq_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_INDEX_ROOM_GET);
	int64_t seq = INT64_MAX;
	enum db_result result;

	db_bind_int(stmt, 0, room);
	result = ask(stmt, &seq, err);
	*seq_r = (uint64_t)seq;
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
