#include "daemon/compliance.h"

#include <inttypes.h>
#include <string.h>

#include "conf/clock.h"
#include "conf/fault.h"
#include "conf/log.h"
#include "daemon/record_line.h"
#include "shm/event.h"

/* While events trickle in, one transaction each GATHER; a ring that fills is not let wait. */
enum { IDLE_MS = 1000, GATHER_MS = 50, RING_PART = 4 };

/* Events that become no record are cheap, but their number must have a bound, too. */
enum { EVENTS_PER_ROW = 64 };

static const struct proc_page *sequencer(const struct compliance *c)
{
	return c->child.proc.page[SLOT_SEQUENCER];
}

static uint64_t durable(const struct compliance *c)
{
	return atomic_load_explicit(&sequencer(c)->durable, memory_order_acquire);
}

/* Both are made by the sequencer, which says so by publishing what is durable. */
static int map(struct compliance *c, struct err *err)
{
	if (!c->cache)
		c->cache = cache_map(FD_CACHE, err);
	if (!c->cache)
		return -1;
	if (!c->mapped && journal_map(&c->journal, FD_JOURNAL, NULL, err) == -1)
		return -1;
	c->mapped = true;
	return 0;
}

/* --- A transaction. --- */

static void count(struct compliance *c, uint64_t committing)
{
	struct proc *proc = &c->child.proc;

	proc_count(proc, COUNTER_TRANSACTIONS, 1);
	proc_count(proc, COUNTER_ROWS_STORED, c->batch.rows);
	proc_count(proc, COUNTER_STORING_US, clock_mono() - c->begun);
	proc_count(proc, COUNTER_COMMIT_US, committing);
}

static enum db_result put_checkpoint(struct compliance *c, struct record_checkpoint *checkpoint,
				     struct err *err)
{
	*checkpoint =
		(struct record_checkpoint){.number = c->batch.cursor.number, .time = clock_utc()};
	memcpy(checkpoint->hash, c->batch.cursor.hash, sizeof(checkpoint->hash));
	if (c->signer && record_sign(c->signer, checkpoint, err) == -1)
		return DB_FATAL;
	return record_checkpoint_put(c->db, checkpoint, err);
}

static bool wants_checkpoint(const struct compliance *c)
{
	return c->batch.cursor.number > c->checkpointed &&
	       (clock_mono() >= c->checkpoint_due || c->stop);
}

static void checkpointed(struct compliance *c, const struct record_checkpoint *checkpoint)
{
	c->checkpointed = checkpoint->number;
	c->checkpoint_due = clock_mono() + c->child.conf->compliance.checkpoint_interval;
	compliance_log_checkpoint(checkpoint);
	compliance_anchor_keep(c, checkpoint);
}

void compliance_log_checkpoint(const struct record_checkpoint *checkpoint)
{
	char line[RECORD_LINE];

	record_line_write(checkpoint, line);
	log_notice("%s", line);
}

/* Signed each time: whoever may write to the database must be able to change neither the newest
 * records nor the place up to which is recorded. */
static enum db_result put_cursor(struct compliance *c, struct err *err)
{
	struct record_cursor *cursor = &c->batch.cursor;

	*cursor->signature = '\0';
	if (c->signer && record_sign_cursor(c->signer, cursor, err) == -1)
		return DB_FATAL;
	return record_cursor_put(c->db, cursor, err);
}

/* The batch, the cursor row and, where one is due, a checkpoint become durable together. */
enum db_result compliance_commit(struct compliance *c, struct err *err)
{
	struct record_checkpoint checkpoint = {0};
	enum db_result result = record_put(c->db, c->batch.row, c->batch.rows, err);
	uint64_t began;

	if (result == DB_OK)
		result = put_cursor(c, err);
	if (result == DB_OK && wants_checkpoint(c))
		result = put_checkpoint(c, &checkpoint, err);
	if (result != DB_OK)
		return result;
	compliance_anchor_compare(c);
	fault_point("compliance.rows");
	began = clock_mono();
	result = db_commit(c->db, err);
	fault_point("compliance.committed");
	if (result != DB_OK)
		return result;
	c->cursor = c->batch.cursor;
	compliance_anchor_move(c);
	count(c, clock_mono() - began);
	if (checkpoint.number)
		checkpointed(c, &checkpoint);
	return DB_OK;
}

/* What the transaction remembered is true no longer. */
void compliance_transaction_failed(struct compliance *c, enum db_result result,
				   const struct err *err)
{
	db_rollback(c->db);
	state_forget(c->batch.state);
	compliance_failed(c, result, err);
}

static int failed(struct compliance *c, enum db_result result, const struct err *err)
{
	compliance_transaction_failed(c, result, err);
	return IDLE_MS;
}

/* --- A batch. --- */

/* False: the batch ends before this one. */
static bool take_start(struct compliance *c, const struct record *record, enum db_result *result_r,
		       struct err *err)
{
	bool more = false;

	if (c->batch.rows > 0)
		return false;
	*result_r = compliance_orphans(&c->batch, c->db, record, &more, err);
	return !more && !compliance_batch_full(&c->batch);
}

static enum db_result fill(struct compliance *c, enum journal_read *read_r, struct err *err)
{
	struct compliance_batch *batch = &c->batch;
	const unsigned most = batch->size * EVENTS_PER_ROW;
	enum db_result result = DB_OK;
	const struct record *record;

	compliance_batch_begin(batch, &c->cursor);
	*read_r = JOURNAL_END;
	for (unsigned n = 0; n < most && result == DB_OK && !compliance_batch_full(batch); n++) {
		uint64_t next = batch->cursor.lsn;

		*read_r =
			journal_read(&c->journal, &next, durable(c), &sequencer(c)->tail, &record);
		if (*read_r == JOURNAL_END)
			batch->cursor.lsn = next;
		if (*read_r != JOURNAL_RECORD)
			break;
		if (record->type == EVENT_START && (record->flags & EVENT_COLD) &&
		    !take_start(c, record, &result, err))
			break;
		if (result == DB_OK)
			result = compliance_event(batch, c->db, record, err);
		batch->cursor.lsn = next;
		batch->cursor.time = record->time;
	}
	return result;
}

/* What an administrator has to set right: the next database is asked, and this one again from time
 * to time. */
static int refuse(struct compliance *c, const struct err *err)
{
	complaint_tell(&c->drain, err);
	state_forget(c->batch.state);
	db_skip(c->db);
	db_disconnect(c->db);
	c->attached = false;
	backoff_failed(&c->backoff, clock_mono());
	return IDLE_MS;
}

static int unreadable(struct compliance *c, enum journal_read read)
{
	const unsigned long long lsn = c->batch.cursor.lsn;
	struct err err;

	if (read == JOURNAL_LOST)
		err_set(&err,
			"stopped recording: the journal has overwritten the events from LSN %llu "
			"on, where the compliance database stands; see \"pchatctl compliance "
			"accept-gap\"",
			lsn);
	else
		err_set(&err, "stopped recording: the journal is damaged at LSN %llu", lsn);
	return refuse(c, &err);
}

static int record(struct compliance *c)
{
	enum journal_read read = JOURNAL_END;
	enum db_result result;
	struct err err;

	c->begun = clock_mono();
	state_trim(c->batch.state);
	result = db_begin(c->db, &err);
	if (result == DB_OK)
		result = fill(c, &read, &err);
	if (result == DB_OK && c->batch.rows == 0 && c->batch.cursor.lsn == c->cursor.lsn &&
	    (read == JOURNAL_LOST || read == JOURNAL_BAD)) {
		db_rollback(c->db);
		return unreadable(c, read);
	}
	if (result == DB_OK)
		result = compliance_commit(c, &err);
	if (result != DB_OK)
		return failed(c, result, &err);
	if (c->batch.purge_asked)
		compliance_expire_forget(&c->expire);
	compliance_publish(c);
	if (complaint_end(&c->drain))
		log_notice("recording goes on");
	compliance_worked(c);
	return 0;
}

/* --- Where to begin. --- */

/*
 * A database that has nothing yet begins with the start of this server. So does one whose
 * administrator has accepted that events are lost to it, which is on record then.
 */
static enum db_result begin_anew(struct compliance *c, struct err *err)
{
	const struct record_anchor *lost = c->anchor_lost ? &c->anchor : NULL;
	const uint64_t begun = atomic_load(&sequencer(c)->begun);
	const uint64_t tail = atomic_load_explicit(&sequencer(c)->tail, memory_order_acquire);
	struct record_cursor *cursor = &c->batch.cursor;
	const uint64_t from = begun >= tail ? begun : durable(c);
	enum db_result result = compliance_snapshot(c, err);

	c->begun = clock_mono();
	if (result == DB_OK)
		result = db_begin(c->db, err);
	compliance_batch_begin(&c->batch, &c->cursor);
	if (result == DB_OK && c->cursor.gap) {
		log_warning("the events from LSN %" PRIu64 " to %" PRIu64
			    " will not be recorded, as an administrator has accepted",
			    c->cursor.lsn, from);
		result = compliance_gap(&c->batch, from, clock_utc(), lost, err);
		c->anchor_lost = c->anchor_differs = false;
		c->anchor.number = c->checkpointed = c->checkpoint_due = 0;
	}
	cursor->lsn = from;
	cursor->gap = false;
	memcpy(cursor->journal, c->journal.header->id, sizeof(cursor->journal));
	return result == DB_OK ? compliance_commit(c, err) : result;
}

static bool is_new(const struct record_cursor *cursor)
{
	static const uint8_t none[16];

	return memcmp(cursor->journal, none, sizeof(none)) == 0;
}

/* A new journal goes on where the old one ended. Anything else is another installation's database,
 * or an old copy of ours. -1: an administrator has to say what to do. */
static int check_cursor(struct compliance *c, struct err *err)
{
	const struct journal_header *header = c->journal.header;

	if (memcmp(c->cursor.journal, header->id, sizeof(header->id)) == 0)
		return 0;
	if (c->cursor.lsn != header->base)
		return err_set(err,
			       "stopped recording: the compliance database stands at LSN %" PRIu64
			       " of another journal than this one, which begins at LSN %" PRIu64
			       "; see \"pchatctl compliance accept-gap\"",
			       c->cursor.lsn, header->base);
	memcpy(c->cursor.journal, header->id, sizeof(header->id));
	return 0;
}

/* Which key signs from now on is on record, too. */
static enum db_result note_key(struct compliance *c, struct err *err)
{
	char name[RECORD_HEX] = "";
	enum db_result result;

	if (c->signer && record_signer_name(c->signer, name, err) == -1)
		return DB_FATAL;
	c->begun = clock_mono();
	result = db_begin(c->db, err);
	compliance_batch_begin(&c->batch, &c->cursor);
	if (result == DB_OK)
		result = compliance_key(&c->batch, c->db, clock_utc(), name, err);
	if (result == DB_OK && c->batch.rows == 0)
		db_rollback(c->db);
	else if (result == DB_OK)
		result = compliance_commit(c, err);
	return result;
}

/* The database had been put back to an older state, and what came after it is not what it was. */
static int note_difference(struct compliance *c)
{
	const struct record_checkpoint differs = c->differs;
	struct err err;
	enum db_result result = db_begin(c->db, &err);

	c->begun = clock_mono();
	c->differs.number = c->checkpointed = c->checkpoint_due = 0;
	compliance_batch_begin(&c->batch, &c->cursor);
	if (result == DB_OK)
		result = compliance_restored(&c->batch, clock_utc(), &differs, &err);
	if (result == DB_OK)
		result = compliance_commit(c, &err);
	if (result == DB_OK)
		return 0;
	c->differs = differs;
	return failed(c, result, &err);
}

static int settle_cursor(struct compliance *c)
{
	enum db_result result;
	struct err err;

	if (is_new(&c->cursor) || c->cursor.gap) {
		result = begin_anew(c, &err);
		if (result != DB_OK)
			return failed(c, result, &err);
	} else if (check_cursor(c, &err) == -1) {
		return refuse(c, &err);
	}
	result = note_key(c, &err);
	if (result != DB_OK)
		return failed(c, result, &err);
	c->checked = true;
	compliance_publish(c);
	return 0;
}

/* --- The turn. --- */

void compliance_yield(struct compliance *c)
{
	if (c->stop || !c->checked)
		yielding_end(&c->yielding);
	else if (compliance_behind(c))
		yielding_set(&c->yielding, durable(c) - c->cursor.lsn, c->journal.size);
}

static bool is_hurried(const struct compliance *c)
{
	return c->stop || durable(c) - c->cursor.lsn > c->journal.size / RING_PART;
}

static int gather(const struct compliance *c)
{
	const uint64_t since = clock_mono() - c->begun;

	if (is_hurried(c) || since >= GATHER_MS * 1000)
		return 0;
	return (int)(GATHER_MS - since / 1000);
}

/* When there is nothing to record a checkpoint may still be due. */
static int rest(struct compliance *c)
{
	struct err err;
	enum db_result result;

	compliance_batch_begin(&c->batch, &c->cursor);
	if (wants_checkpoint(c)) {
		c->begun = clock_mono();
		result = db_begin(c->db, &err);
		if (result == DB_OK)
			result = compliance_commit(c, &err);
		if (result != DB_OK)
			return failed(c, result, &err);
	}
	compliance_worked(c);
	return IDLE_MS;
}

int compliance_drain(struct compliance *c)
{
	struct err err;
	int wait;

	if (durable(c) == 0 && atomic_load(&sequencer(c)->begun) == 0)
		return IDLE_MS;
	if (map(c, &err) == -1)
		return refuse(c, &err);
	if (!c->checked)
		return settle_cursor(c);
	if (c->differs.number != 0)
		return note_difference(c);
	compliance_yield(c);
	wait = compliance_behind(c) ? gather(c) : IDLE_MS;
	if (wait > 0 && !c->stop && compliance_expire(c))
		return 0;
	if (!compliance_behind(c))
		return rest(c);
	return wait > 0 ? wait : record(c);
}

bool compliance_behind(const struct compliance *c)
{
	return c->cursor.lsn < durable(c);
}

bool compliance_drained(const struct compliance *c)
{
	if (c->drain.told != 0 || durable(c) == 0)
		return true;
	return c->checked && !compliance_behind(c) && c->cursor.number <= c->checkpointed;
}
