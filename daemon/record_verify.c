#include "daemon/record_verify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/record_names.h"
#include "daemon/record_pledge.h"
#include "daemon/record_ranges.h"
#include "daemon/record_run.h"

struct walk {
	struct record_verify *verify;
	struct db *db;
	struct record_hasher *hasher;	     /* owned */
	struct record_cursor cursor;	     /* as it was before the walk */
	struct record_checkpoint checkpoint; /* the next one; number 0: there is none */
	uint64_t number;		     /* of the last record that was right */
	char hash[RECORD_HEX];
	struct record_ranges gone;     /* owned: what is to be named by a record behind it */
	struct record_names *names;    /* owned */
	struct record_pledges pledges; /* owned */
	struct record_run run; /* owned: what expired, as the last record that was looked at says */
	uint64_t proven;       /* number of the last record that a checkpoint agrees with */
	size_t line;	       /* the next one of the log */
	bool keyed;	       /* from here on whatever is signed at all must be */
};

__attribute__((format(printf, 3, 4))) static void wrong(struct walk *walk, uint64_t number,
							const char *fmt, ...)
{
	struct record_verify *verify = walk->verify;
	va_list ap;

	if (verify->wrong != 0)
		return;
	verify->wrong = number;
	va_start(ap, fmt);
	vsnprintf(verify->reason, sizeof(verify->reason), fmt, ap);
	va_end(ap);
}

/* --- Checkpoints. --- */

static enum db_result next_checkpoint(struct walk *walk, uint64_t above, struct err *err)
{
	enum db_result result = record_checkpoint_next(walk->db, above, &walk->checkpoint, err);

	if (result == DB_END) {
		walk->checkpoint.number = 0;
		result = DB_OK;
	}
	return result;
}

static bool is_signed(const struct walk *walk)
{
	const struct record_verify *verify = walk->verify;

	return verify->signer && record_signed(verify->signer, &walk->checkpoint);
}

/* The checkpoint of the record at which the walk stands. */
static void check_checkpoint(struct walk *walk)
{
	struct record_verify *verify = walk->verify;
	const struct record_checkpoint *checkpoint = &walk->checkpoint;

	if (strcmp(checkpoint->hash, walk->hash) != 0) {
		wrong(walk, checkpoint->number,
		      "its checkpoint has another hash: it, or what is before it from record "
		      "%" PRIu64 " on, was written anew",
		      walk->proven + 1);
		return;
	}
	verify->checkpoints++;
	walk->proven = checkpoint->number;
	if (is_signed(walk)) {
		verify->signatures++;
		verify->signed_to = checkpoint->number;
		walk->keyed = true;
	} else if (verify->signer && (walk->keyed || *checkpoint->signature)) {
		wrong(walk, checkpoint->number, "its checkpoint is not signed by this key");
	}
}

/* Those of the log at which the walk has arrived. */
static void check_lines(struct walk *walk)
{
	struct record_verify *verify = walk->verify;
	const struct record_lines *lines = verify->lines;

	for (; lines && walk->line < lines->count; walk->line++) {
		const struct record_line *line = &lines->item[walk->line];

		if (line->number > walk->number)
			return;
		if (line->number < walk->number)
			continue; /* purged, or not asked for */
		if (strcmp(line->hash, walk->hash) != 0)
			wrong(walk, line->number,
			      "its checkpoint in the log has another hash: it, or what is before "
			      "it, was written anew");
		else
			verify->compared++;
	}
}

/* Older records were deleted in order: there is a checkpoint of the last of them, and there has to
 * be a record that says so. */
static enum db_result begin_behind(struct walk *walk, uint64_t first, struct err *err)
{
	struct record_verify *verify = walk->verify;
	enum db_result result = next_checkpoint(walk, first - 2, err);

	if (result != DB_OK)
		return result;
	if (walk->checkpoint.number != first - 1 || (verify->signer && !is_signed(walk))) {
		wrong(walk, 1, "it is missing; the first one is %" PRIu64, first);
		return DB_OK;
	}
	verify->first = first;
	walk->number = first - 1;
	memcpy(walk->hash, walk->checkpoint.hash, sizeof(walk->hash));
	walk->gone.count = 0;
	record_ranges_add(&walk->gone, 1, walk->number);
	walk->proven = walk->number;
	walk->keyed = verify->signer != NULL;
	check_lines(walk);
	return next_checkpoint(walk, walk->number, err);
}

/* Where records are deleted meanwhile, those that were to come next are gone, and nothing is wrong.
 */
static enum db_result check_missing(struct walk *walk, uint64_t next, struct err *err)
{
	struct record_row row;
	enum db_result result = record_list(walk->db, 0, err);

	if (result == DB_OK)
		result = record_list_next(walk->db, &row, err);
	if (result != DB_OK)
		return result;
	if (row.number == next && walk->number > 0)
		return begin_behind(walk, next, err);
	wrong(walk, walk->number + 1, "it is missing; the next one is %" PRIu64, next);
	return DB_OK;
}

/* --- Records. --- */

static bool is_type(const struct record_row *row, const char *type)
{
	return row->type.length == strlen(type) &&
	       memcmp(row->type.data, type, row->type.length) == 0;
}

/* Of type "key": nothing is signed from here on. */
static bool ends_unsigned(const struct record_row *row)
{
	static const char end[] = "\"after\":null}";

	return row->detail.length >= sizeof(end) - 1 &&
	       memcmp(row->detail.data + row->detail.length - (sizeof(end) - 1), end,
		      sizeof(end) - 1) == 0;
}

/* Of a record that has expired its hash is all there is: the next one's covers it. */
static bool is_expired(const struct record_row *row)
{
	const struct db_bytes *const texts[] = {&row->room,	 &row->room_name, &row->category,
						&row->user_uri,	 &row->user_name, &row->address,
						&row->session,	 &row->title,	  &row->content,
						&row->rich_type, &row->rich,	  &row->detail};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i]->length > 0)
			return false;
	return is_type(row, "expired") && row->lsn == 0 && row->time == 0 && row->flags == 0 &&
	       row->room_id == 0 && row->user_id == 0 && row->message == 0 &&
	       strlen(row->hash) == RECORD_HEX - 1;
}

static void pass(struct walk *walk, const struct record_row *row, const char hash[RECORD_HEX])
{
	struct record_verify *verify = walk->verify;

	walk->number = row->number;
	memcpy(walk->hash, hash, sizeof(walk->hash));
	check_lines(walk);
	if (row->number == walk->cursor.number && strcmp(hash, walk->cursor.hash) != 0)
		wrong(walk, row->number, "pcc_cursor has another hash");
	if (verify->to != 0 && row->number > verify->to)
		return;
	verify->records++;
	verify->last = row->number;
}

/* What a record says beyond its hash, which may have been worked out by somebody else. */
static enum db_result check_content(struct walk *walk, const struct record_row *row,
				    struct err *err)
{
	const char *reason;

	if (is_type(row, "expire")) {
		record_ranges_take_text(&walk->gone, row->content.data, row->content.length);
		if (record_run_take(&walk->run, row, err) == -1)
			return DB_RETRY;
	}
	if (is_type(row, "key"))
		walk->keyed = walk->verify->signer != NULL && !ends_unsigned(row);
	if (record_pledges_take(&walk->pledges, row, err) == -1 ||
	    record_names_check(walk->names, row, &reason, err) == -1)
		return DB_RETRY;
	if (reason)
		wrong(walk, row->number, "%s", reason);
	return DB_OK;
}

static enum db_result check_record(struct walk *walk, const struct record_row *row, struct err *err)
{
	enum db_result result;
	char hash[RECORD_HEX];

	if (is_expired(row)) {
		record_ranges_add(&walk->gone, row->number, row->number);
		walk->verify->expired++;
		pass(walk, row, row->hash);
		return DB_OK;
	}
	if (record_hash(walk->hasher, walk->hash, row, hash, err) == -1)
		return DB_FATAL;
	if (strcmp(hash, row->hash) != 0) {
		wrong(walk, row->number,
		      "its hash does not agree: it was changed, or is not in its place");
		return DB_OK;
	}
	result = check_content(walk, row, err);
	if (walk->verify->wrong == 0)
		pass(walk, row, hash);
	return result;
}

/* False: nothing more is wanted. What is gone may be named behind the last record that was asked
 * for. */
static bool is_wanted(const struct walk *walk)
{
	const struct record_verify *verify = walk->verify;

	return verify->wrong == 0 &&
	       (verify->to == 0 || walk->number < verify->to || walk->gone.count > 0);
}

/* What is asked of the database at a record where the walk stands. */
static enum db_result check_beside(struct walk *walk, struct err *err)
{
	enum db_result result = DB_OK;
	uint64_t number = 0;

	if (walk->checkpoint.number == walk->number) {
		check_checkpoint(walk);
		result = next_checkpoint(walk, walk->number, err);
	}
	if (result == DB_OK && walk->run.content)
		result = record_run_check(&walk->run, walk->db, walk->verify->first, &number, err);
	if (result == DB_OK && number != 0)
		wrong(walk, number, "the hashes of what expired from it on are not those they had");
	return result;
}

static enum db_result walk_page(struct walk *walk, bool *more_r, struct err *err)
{
	enum db_result result = record_list(walk->db, walk->number, err);
	struct record_row row;

	*more_r = false;
	while (result == DB_OK && is_wanted(walk)) {
		result = record_list_next(walk->db, &row, err);
		if (result == DB_OK && row.number != walk->number + 1) {
			result = check_missing(walk, row.number, err);
			*more_r = is_wanted(walk);
			return result;
		}
		if (result == DB_OK)
			result = check_record(walk, &row, err);
		if (result != DB_OK)
			break;
		*more_r = true;
		/* Another statement ends this one: the list begins again behind it. */
		if (walk->checkpoint.number == walk->number || walk->run.content)
			return check_beside(walk, err);
	}
	*more_r = *more_r && is_wanted(walk);
	return result == DB_END ? DB_OK : result;
}

/* --- The ends. --- */

/* The hash before the first record that is looked at. Where the records do not begin with number 1,
 * because older ones were deleted in order, there is a checkpoint of the last of those, and a
 * record of type "expire" behind them, which names them. */
static enum db_result begin(struct walk *walk, struct err *err)
{
	struct record_verify *verify = walk->verify;
	enum db_result result;
	struct record_row row;

	walk->number = verify->from > 1 ? verify->from - 1 : 0;
	result = record_list(walk->db, walk->number > 0 ? walk->number - 1 : 0, err);
	if (result == DB_OK)
		result = record_list_next(walk->db, &row, err);
	if (result != DB_OK)
		return result;
	if (walk->number > 0 && row.number == walk->number) {
		memcpy(walk->hash, row.hash, sizeof(walk->hash));
		verify->first = verify->from;
		walk->proven = walk->number;
		return next_checkpoint(walk, walk->number, err);
	}
	verify->first = row.number;
	memset(walk->hash, '0', RECORD_HEX - 1);
	walk->hash[RECORD_HEX - 1] = '\0';
	if (row.number <= 1)
		return next_checkpoint(walk, 0, err);
	return begin_behind(walk, row.number, err);
}

/* What is gone, and no record behind it says that it expired. */
static void check_gone(struct walk *walk)
{
	uint64_t number;

	if (walk->gone.count == 0)
		return;
	number = walk->gone.item[0].from;
	if (number < walk->verify->first)
		wrong(walk, number, "it is missing; the first one is %" PRIu64,
		      walk->verify->first);
	else
		wrong(walk, number, "what was in it is gone, and no record says that it expired");
}

/* The signature of the cursor row covers all records, those behind the last checkpoint, too. */
static bool is_unsigned(struct walk *walk)
{
	struct record_verify *verify = walk->verify;

	if (!verify->signer || walk->number < walk->cursor.number)
		return false;
	if (!record_signed_cursor(verify->signer, &walk->cursor))
		return true;
	verify->signed_to = walk->cursor.number;
	return false;
}

/* The log knows of records that came behind the last one: the database is older than it. */
static void check_log_end(struct walk *walk)
{
	const struct record_lines *lines = walk->verify->lines;

	if (lines && lines->count > 0 && lines->item[lines->count - 1].number > walk->number)
		wrong(walk, walk->number + 1, "it is missing; the log has a checkpoint of %" PRIu64,
		      lines->item[lines->count - 1].number);
}

/* Records that were taken away at the end: the cursor, or a checkpoint, knows of them. */
static void check_end(struct walk *walk)
{
	const struct record_cursor *cursor = &walk->cursor;

	check_gone(walk);
	if (walk->verify->to != 0 || walk->verify->wrong != 0)
		return;
	if (walk->number < cursor->number)
		wrong(walk, walk->number + 1, "it is missing; the last one is %" PRIu64,
		      cursor->number);
	else if (walk->checkpoint.number > walk->number)
		wrong(walk, walk->number + 1, "it is missing; there is a checkpoint of %" PRIu64,
		      walk->checkpoint.number);
	else if (is_unsigned(walk))
		wrong(walk, cursor->number, "pcc_cursor is not signed by this key");
	check_log_end(walk);
}

static enum db_result check_holds(struct walk *walk, struct err *err)
{
	const struct record_verify *verify = walk->verify;
	uint64_t number = 0;
	enum db_result result;

	if (verify->from > 1 || verify->to != 0 || verify->wrong != 0)
		return DB_OK;
	result = record_pledges_check(&walk->pledges, walk->db, &number, err);
	if (result == DB_OK && number != 0)
		wrong(walk, number, "the hold that it tells of is not as it should be in pcc_hold");
	return result;
}

/* Records behind the cursor: whoever writes records moves it with them. */
static enum db_result check_added(struct walk *walk, struct err *err)
{
	struct record_cursor cursor;
	const enum db_result result = record_cursor_get(walk->db, &cursor, err);

	if (result == DB_OK && walk->number > cursor.number)
		wrong(walk, cursor.number + 1, "it was added; pcc_cursor ends with %" PRIu64,
		      cursor.number);
	return result;
}

static enum db_result walk_all(struct walk *walk, struct err *err)
{
	enum db_result result = record_cursor_get(walk->db, &walk->cursor, err);
	bool more = true;

	if (result == DB_OK)
		result = begin(walk, err);
	while (result == DB_OK && more)
		result = walk_page(walk, &more, err);
	if (result == DB_END && walk->number == 0 && walk->cursor.number > 0)
		wrong(walk, 1, "it is missing, as are all others");
	if (result != DB_OK)
		return result == DB_END ? DB_OK : result;
	check_end(walk);
	result = check_holds(walk, err);
	return result == DB_OK ? check_added(walk, err) : result;
}

enum db_result record_verify(struct record_verify *verify, struct db *db, struct err *err)
{
	struct walk walk = {.verify = verify, .db = db, .hasher = record_hasher_new(err)};
	enum db_result result;

	if (walk.hasher)
		walk.names = record_names_new(err);
	result = walk.names ? walk_all(&walk, err) : DB_FATAL;
	if (result == DB_OK && walk.gone.failed) {
		err_set(err, "could not verify: out of memory");
		result = DB_RETRY;
	}
	record_ranges_fini(&walk.gone);
	record_pledges_fini(&walk.pledges);
	record_run_fini(&walk.run);
	record_names_free(&walk.names);
	record_hasher_free(&walk.hasher);
	return result;
}
