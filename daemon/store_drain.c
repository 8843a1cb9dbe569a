#include "daemon/store.h"

#include <inttypes.h>
#include <string.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "odbc/content_index.h"

/*
 * While events trickle in, one transaction each GATHER: nobody waits for the store, and its syncs
 * would slow down those of the journal, for which everybody waits. A ring that fills is not let
 * wait.
 */
enum { IDLE_MS = 1000, GATHER_MS = 50, RING_PART = 4 };

/* Messages of removed rooms go this many at a time: a room can have more of them than one
 * transaction can delete without holding up what is to be stored. */
enum { SWEEP_MESSAGES = 500 };

/* Old rows of the audit: once an hour all that there are, so many at a time. */
enum { EXPIRE_ROWS = 500, EXPIRE_SECONDS = 3600 };

/* Messages from before the index of texts come into it in parts, for the same reason. */
enum { FILL_MESSAGES = 250, FILL_PAUSE_MS = 5 };

static const struct proc_page *sequencer(const struct store *store)
{
	return store->child.proc.page[SLOT_SEQUENCER];
}

static uint64_t durable(const struct store *store)
{
	return atomic_load_explicit(&sequencer(store)->durable, memory_order_acquire);
}

/* A new journal file is formatted by the sequencer, which says so by publishing what is durable. */
static int map_journal(struct store *store, struct err *err)
{
	if (store->mapped)
		return 0;
	if (journal_map(&store->journal, FD_JOURNAL, NULL, err) == -1)
		return -1;
	store->mapped = true;
	return 0;
}

/*
 * The cursor counts in the journal whose id stands beside it. A new journal goes on where the old
 * one ended, a new database begins where the journal does: both take the journal's id with
 * the next transaction. Anything else is another installation's database or an old copy of ours.
 */
static int check_cursor(struct store *store, struct err *err)
{
	static const uint8_t none[16];
	const struct journal_header *header = store->journal.header;
	struct content_cursor *cursor = &store->cursor;
	const bool is_new = memcmp(cursor->journal, none, sizeof(none)) == 0;

	if (store->checked || memcmp(cursor->journal, header->id, sizeof(header->id)) == 0) {
		store->checked = true;
		return 0;
	}
	if (cursor->lsn != header->base && !(is_new && cursor->lsn < header->base))
		return err_set(
			err,
			"refused to store into the content database: its cursor (LSN %" PRIu64
			") belongs to another journal than this one, which begins at LSN %" PRIu64,
			cursor->lsn, header->base);
	cursor->lsn = header->base;
	memcpy(cursor->journal, header->id, sizeof(header->id));
	store->checked = true;
	return 0;
}

static void publish(struct store *store)
{
	struct proc_page *own = store->child.proc.own;

	atomic_store_explicit(&own->cursor_time, store->cursor.time, memory_order_relaxed);
	atomic_store_explicit(&own->cursor, store->cursor.lsn, memory_order_release);
	proc_wake(&store->child.proc, SLOT_SEQUENCER);
}

void store_yield(struct store *store)
{
	const bool awaited = store->stop || store_load_wanted(store);

	if (awaited)
		yielding_end(&store->yielding);
	else if (store->mapped && store_behind(store))
		yielding_set(&store->yielding, durable(store) - store->cursor.lsn,
			     store->journal.size);
}

static bool is_hurried(const struct store *store)
{
	return store->stop || durable(store) - store->cursor.lsn > store->journal.size / RING_PART;
}

/* How many milliseconds to gather more; 0: store now. */
static int gather(const struct store *store)
{
	const uint64_t since = clock_mono() - store->begun;

	if (is_hurried(store) || since >= GATHER_MS * 1000)
		return 0;
	return (int)(GATHER_MS - since / 1000);
}

static void count(struct store *store)
{
	struct proc *proc = &store->child.proc;

	proc_count(proc, COUNTER_TRANSACTIONS, 1);
	proc_count(proc, COUNTER_ROWS_STORED, store->batch.rows - store->batch.dead);
	proc_count(proc, COUNTER_DEAD_LETTERS, store->batch.dead);
	proc_count(proc, COUNTER_STORING_US, clock_mono() - store->begun);
	proc_count(proc, COUNTER_COMMIT_US, store->batch.commit_time);
}

static int put(struct store *store)
{
	struct err err;
	enum db_result result;

	store->begun = clock_mono();
	if (is_hurried(store)) {
		/* The index costs more than the rest: it comes later. */
		content_index_defer(store->db, true);
		store->fill = store->indexed;
	} else {
		content_index_defer(store->db, false);
	}
	result = store_batch_put(&store->batch, store->db, &store->cursor, &err);
	publish(store);
	if (result == DB_OK) {
		store->sweep = store->sweep || store->batch.removal;
		count(store);
		if (complaint_end(&store->drain))
			log_notice("storing goes on");
		store_worked(store);
		return 0;
	}
	store_failed(store, result, &err);
	return IDLE_MS;
}

/* Uses the time in which there is nothing to store yet. How long to wait then. */
static int sweep(struct store *store, int wait)
{
	enum db_result result;
	struct err err;

	if (!store->sweep || store->stop)
		return wait;
	result = content_sweep(store->db, SWEEP_MESSAGES, &store->sweep, &err);
	if (result == DB_OK)
		return store->sweep && wait > GATHER_MS ? GATHER_MS : wait;
	store_failed(store, result, &err);
	return IDLE_MS;
}

static int fill_index(struct store *store, int wait)
{
	enum db_result result;
	struct err err;
	unsigned count;

	if (!store->fill || store->sweep || store->stop || !store->attached)
		return wait;
	result = content_index_fill(store->db, FILL_MESSAGES, &store->filled, &count, &store->fill,
				    &err);
	if (result != DB_OK) {
		store_failed(store, result, &err);
		return IDLE_MS;
	}
	proc_count(&store->child.proc, COUNTER_MESSAGES_INDEXED, count);
	if (!store->fill)
		log_info("the index of texts has all messages");
	return store->fill && wait > FILL_PAUSE_MS ? FILL_PAUSE_MS : wait;
}

/* The same for rows of the audit that are old. */
static int expire_audit(struct store *store, int wait)
{
	const uint64_t keep = store->child.conf->content.audit_retention, now = clock_utc();
	enum db_result result;
	struct err err;
	bool more;

	if (!store->attached || store->stop || clock_mono() < store->expire)
		return wait;
	result = content_audit_expire(store->db, now > keep ? now - keep : 0, EXPIRE_ROWS, &more,
				      &err);
	if (result != DB_OK) {
		store_failed(store, result, &err);
		return IDLE_MS;
	}
	if (!more)
		store->expire = clock_mono() + EXPIRE_SECONDS * UINT64_C(1000000);
	return wait;
}

static int use_time(struct store *store, int wait)
{
	return store_retain(store, expire_audit(store, fill_index(store, sweep(store, wait))));
}

static int rest(struct store *store)
{
	const int wait = use_time(store, IDLE_MS);

	if (store->attached && wait == IDLE_MS)
		store_worked(store);
	return wait;
}

/* What an administrator has to set right: the next database is asked, and this one again from time to
 * time. */
static int refuse(struct store *store, const struct err *err)
{
	complaint_tell(&store->drain, err);
	db_skip(store->db);
	db_disconnect(store->db);
	store->attached = false;
	backoff_failed(&store->backoff, clock_mono());
	return IDLE_MS;
}

static int unreadable(struct store *store, enum journal_read read)
{
	const unsigned long long lsn = store->batch.cursor.lsn;
	struct err err;

	if (read == JOURNAL_LOST)
		err_set(&err,
			"stopped storing: the journal has overwritten the events from LSN %llu on, "
			"where the content database stands; it is an older copy",
			lsn);
	else
		err_set(&err, "stopped storing: the journal is damaged at LSN %llu", lsn);
	return refuse(store, &err);
}

int store_drain(struct store *store)
{
	enum journal_read read;
	struct err err;
	int wait;

	if (durable(store) == 0)
		return IDLE_MS;
	if (map_journal(store, &err) == -1 || check_cursor(store, &err) == -1)
		return refuse(store, &err);
	if (!store_behind(store))
		return rest(store);
	store_yield(store);
	wait = gather(store);
	if (wait > 0)
		return use_time(store, wait);
	read = store_batch_fill(&store->batch, &store->cursor, &store->journal, durable(store),
				&sequencer(store)->tail);
	if (store->batch.cursor.lsn == store->cursor.lsn)
		return unreadable(store, read);
	return put(store);
}

bool store_drained(const struct store *store)
{
	return store->drain.told != 0 || !store_behind(store);
}

bool store_behind(const struct store *store)
{
	return store->cursor.lsn < durable(store);
}
