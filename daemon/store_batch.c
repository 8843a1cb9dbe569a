#include "daemon/store_batch.h"

#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "conf/fault.h"
#include "conf/log.h"
#include "daemon/store_row.h"

/* Events that become no row are cheap, but their number must have a bound, too. */
enum { RECORDS_PER_ROW = 64 };

int store_batch_init(struct store_batch *batch, unsigned size, struct err *err)
{
	memset(batch, 0, sizeof(*batch));
	batch->size = size;
	batch->row = calloc(size, sizeof(*batch->row));
	batch->message = calloc(size, sizeof(*batch->message));
	batch->room = calloc(size, sizeof(*batch->room));
	if (batch->row && batch->message && batch->room)
		return 0;
	store_batch_fini(batch);
	return err_errno(err, "could not make a batch of %u rows (content.batch_rows)", size);
}

void store_batch_fini(struct store_batch *batch)
{
	free(batch->row);
	free(batch->message);
	free(batch->room);
	memset(batch, 0, sizeof(*batch));
}

/* --- Filling. --- */

enum journal_read store_batch_fill(struct store_batch *batch, const struct content_cursor *from,
				   const struct journal *journal, uint64_t limit,
				   const _Atomic uint64_t *tail)
{
	const uint64_t most = (uint64_t)batch->size * RECORDS_PER_ROW;
	enum journal_read read = JOURNAL_END;
	const struct record *record;

	batch->cursor = *from;
	batch->rows = batch->dead = 0;
	batch->commit_time = 0;
	batch->removal = false;
	for (uint64_t n = 0; n < most && batch->rows < batch->size; n++) {
		read = journal_read(journal, &batch->cursor.lsn, limit, tail, &record);
		if (read != JOURNAL_RECORD)
			return read;
		batch->cursor.time = record->time;
		store_row_note_ids(&batch->cursor, record);
		if (record->type == EVENT_REMOVED || record->type == EVENT_PURGE)
			batch->removal = true;
		if (store_row_is(record->type) || store_audit_is(record))
			batch->row[batch->rows++] = record;
	}
	return JOURNAL_END;
}

/* --- A batch. --- */

static void note_room(struct store_batch *batch, uint32_t room, uint64_t seq)
{
	unsigned place = (unsigned)((uint64_t)room * UINT32_C(2654435761) % batch->size);

	/* Never more rooms than rows: there is always a place. */
	while (batch->room[place].room != 0 && batch->room[place].room != room)
		place = (place + 1) % batch->size;
	batch->room[place].room = room;
	if (seq > batch->room[place].seq)
		batch->room[place].seq = seq;
}

/* Stores the messages from first on that stand without another event between them; *next_r is
 * what comes behind them. */
static enum db_result put_messages(struct store_batch *batch, struct db *db, unsigned first,
				   unsigned end, unsigned *next_r, struct err *err)
{
	unsigned next = first, count = 0;

	for (; next < end && store_row_is_message(batch->row[next]); next++) {
		const struct record *record = batch->row[next];

		if (!store_row_message(record, &batch->message[count]))
			return store_row_malformed(record, err);
		note_room(batch, record->room, record->seq);
		if (!(record->flags & EVENT_UNLOGGED))
			count++;
	}
	*next_r = next;
	return content_messages_put(db, batch->message, count, err);
}

/* The table of rooms becomes a list. */
static enum db_result put_room_numbers(struct store_batch *batch, struct db *db, struct err *err)
{
	unsigned count = 0;

	for (unsigned i = 0; i < batch->size; i++)
		if (batch->room[i].room != 0)
			batch->room[count++] = batch->room[i];
	return content_room_seqs(db, batch->room, count, err);
}

static enum db_result put_rows(struct store_batch *batch, struct db *db, unsigned first,
			       unsigned end, struct err *err)
{
	enum db_result result = DB_OK;

	memset(batch->room, 0, batch->size * sizeof(*batch->room));
	store_audit_begin(&batch->audit);
	while (first < end && result == DB_OK) {
		const struct record *record = batch->row[first];

		if (store_row_is_message(record)) {
			result = put_messages(batch, db, first, end, &first, err);
			continue;
		}
		if (store_audit_is(record))
			result = store_audit_put(&batch->audit, db, record, err);
		if (result == DB_OK && store_row_is(record->type))
			result = store_row_put(db, record, err);
		first++;
	}
	return result == DB_OK ? put_room_numbers(batch, db, err) : result;
}

/* Ends the transaction with the cursor row in it. */
static enum db_result commit(struct store_batch *batch, struct db *db, enum db_result result,
			     const struct content_cursor *to, struct content_cursor *cursor,
			     struct err *err)
{
	uint64_t began;

	if (result == DB_OK)
		result = content_cursor_put(db, to, err);
	if (result != DB_OK) {
		db_rollback(db);
		return result;
	}
	fault_point("store.rows");
	began = clock_mono();
	result = db_commit(db, err);
	if (result == DB_OK) {
		*cursor = *to;
		batch->commit_time += clock_mono() - began;
	}
	fault_point("store.committed");
	return result;
}

static enum db_result put_range(struct store_batch *batch, struct db *db, unsigned first,
				unsigned end, const struct content_cursor *to,
				struct content_cursor *cursor, struct err *err)
{
	const enum db_result result = db_begin(db, err);

	if (result != DB_OK)
		return result;
	return commit(batch, db, put_rows(batch, db, first, end, err), to, cursor, err);
}

static enum db_result put_dead(struct store_batch *batch, struct db *db,
			       const struct record *record, const char *reason,
			       const struct content_cursor *to, struct content_cursor *cursor,
			       struct err *err)
{
	const struct content_dead dead = {.lsn = record->lsn,
					  .time = clock_utc(),
					  .type = record->type,
					  .reason = reason,
					  .record = record,
					  .record_size = record->length};
	const struct content_room_seq used = {.room = record->room, .seq = record->seq};
	enum db_result result = db_begin(db, err);

	if (result != DB_OK)
		return result;
	result = content_dead_put(db, &dead, err);
	/* The number is used up: history goes on behind it. */
	if (result == DB_OK && store_row_is_message(record))
		result = content_room_seqs(db, &used, 1, err);
	return commit(batch, db, result, to, cursor, err);
}

/* The cursor when the rows before end are stored: up to the next row nothing is to be stored. */
static struct content_cursor cursor_at(const struct store_batch *batch, unsigned first,
				       unsigned end, const struct content_cursor *before)
{
	struct content_cursor cursor = *before;

	if (end == batch->rows)
		return batch->cursor;
	memcpy(cursor.journal, batch->cursor.journal, sizeof(cursor.journal));
	cursor.lsn = batch->row[end]->lsn;
	cursor.time = batch->row[end - 1]->time;
	for (unsigned i = first; i < end; i++)
		store_row_note_ids(&cursor, batch->row[i]);
	return cursor;
}

static enum db_result bury(struct store_batch *batch, struct db *db, const struct record *record,
			   const struct content_cursor *to, struct content_cursor *cursor,
			   struct err *err)
{
	const struct err reason = *err;
	const enum db_result result = put_dead(batch, db, record, reason.text, to, cursor, err);

	/* It is hexadecimal digits and our own words: if that is bad data, the table is wrong. */
	if (result != DB_OK)
		return result == DB_BAD_DATA ? DB_FATAL : result;
	batch->dead++;
	log_error("the %s event at LSN %llu was put into pc_dead_letter: %s",
		  event_name(record->type), (unsigned long long)record->lsn, reason.text);
	return DB_OK;
}

/* Rows first to end in one transaction; if one of them is bad, each half by itself. */
static enum db_result put_rest(struct store_batch *batch, struct db *db, unsigned first,
			       unsigned end, struct content_cursor *cursor, struct err *err)
{
	const struct content_cursor to = cursor_at(batch, first, end, cursor);
	const unsigned middle = first + (end - first) / 2;
	enum db_result result = put_range(batch, db, first, end, &to, cursor, err);

	if (result != DB_BAD_DATA || end == first)
		return result;
	if (end - first == 1)
		return bury(batch, db, batch->row[first], &to, cursor, err);
	result = put_rest(batch, db, first, middle, cursor, err);
	return result == DB_OK ? put_rest(batch, db, middle, end, cursor, err) : result;
}

enum db_result store_batch_put(struct store_batch *batch, struct db *db,
			       struct content_cursor *cursor, struct err *err)
{
	const enum db_result result = put_rest(batch, db, 0, batch->rows, cursor, err);

	/* The cursor row alone was refused: there is no row to blame. */
	return result == DB_BAD_DATA ? DB_FATAL : result;
}
