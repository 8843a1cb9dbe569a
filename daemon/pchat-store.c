#include <poll.h>
#include <string.h>
#include <sysexits.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "conf/log.h"
#include "daemon/store.h"
#include "daemon/upgrade.h"
#include "odbc/content_index.h"
#include "shm/sandbox.h"
#include "shm/schedule.h"

enum {
	IDLE_MS = 1000,
	STOP_MS = 10,
	STARTING_MS = 50,
	LEAVE_US = 200000 /* of the time for a stop, for ourselves */
};

/* --- The master's word. --- */

static void note_stop(struct store *store, uint64_t milliseconds)
{
	const uint64_t bound =
		milliseconds > 0 ? milliseconds * 1000 : store->child.conf->stop_timeout;

	if (store->stop)
		return;
	store->stop = true;
	store->deadline = clock_mono() + (bound > LEAVE_US ? bound - LEAVE_US : 0);
	backoff_worked(&store->backoff); /* what has failed is tried again at once */
}

static void note_control(struct store *store)
{
	struct control control;
	int got;

	while ((got = child_control(&store->child, &control, NULL, NULL)) > 0)
		if (control.type == CONTROL_STOP)
			note_stop(store, control.arg);
	if (got < 0)
		note_stop(store, 0);
}

void store_wait(struct store *store, int timeout)
{
	struct pollfd fds[] = {{.fd = store->child.proc.event[SLOT_STORE], .events = POLLIN},
			       {.fd = FD_CONTROL, .events = POLLIN}};
	const nfds_t watched = store->stop ? 1 : 2; /* a closed one would always be readable */

	if (poll(fds, watched, timeout) > 0 && fds[1].revents != 0)
		note_control(store);
	proc_woken(&store->child.proc);
	proc_heartbeat(&store->child.proc);
}

/* --- The database. --- */

void store_failed(struct store *store, enum db_result result, const struct err *err)
{
	struct err what;

	proc_count(&store->child.proc, COUNTER_DATABASE_ERRORS, 1);
	err_set(&what, "the content database failed (%s): %.400s", db_result_name(result),
		err->text);
	complaint_tell(&store->database, &what);
	db_disconnect(store->db);
	store->attached = false;
	backoff_failed(&store->backoff, clock_mono());
	if (!store->stop)
		proc_state(&store->child.proc, PROC_LOADING);
}

void store_worked(struct store *store)
{
	backoff_worked(&store->backoff);
	if (complaint_end(&store->database))
		log_notice("the content database is back");
}

/* Not each time that one is tried which fails as soon as it is to store something. */
static void tell_connected(struct store *store)
{
	const unsigned place = db_place(store->db) + 1;

	if (store->drain.told != 0 || (store->database.told != 0 && place == store->place))
		return;
	store->place = place;
	log_info("connected to content database %u, which stands at LSN %llu", place,
		 (unsigned long long)store->cursor.lsn);
}

/* A mirror that stands where the journal has been overwritten must not say so to the sequencer, who
 * would wait for it. Where the sequencer only starts the drain finds out. */
static enum db_result refuse_old_copy(struct store *store, struct err *err)
{
	static const uint8_t none[sizeof(store->cursor.journal)];
	const struct proc_page *sequencer = store->child.proc.page[SLOT_SEQUENCER];
	const uint64_t tail = atomic_load_explicit(&sequencer->tail, memory_order_acquire);

	if (store->cursor.lsn >= tail || memcmp(store->cursor.journal, none, sizeof(none)) == 0)
		return DB_OK;
	err_set(err,
		"could not use database %u: the journal has overwritten the events from LSN %llu "
		"on, "
		"where it stands; it is an older copy",
		db_place(store->db) + 1, (unsigned long long)store->cursor.lsn);
	db_skip(store->db);
	return DB_RETRY;
}

static enum db_result open_index(struct store *store, struct err *err)
{
	const bool wanted = store->child.conf->content.search_index;
	bool there, made;
	const enum db_result result = content_index_open(store->db, wanted, &there, &made, err);

	if (result != DB_OK)
		return result;
	store->indexed = store->fill = there;
	store->filled = 0;
	if (made)
		log_notice("the index of texts was made anew; what is there comes into it now");
	if (wanted && !there)
		log_notice("this database has no index of texts: searches look at each message");
	return DB_OK;
}

/* After every connection the database is asked where it stands: that settles uncertain commits. */
static enum db_result attach(struct store *store, struct err *err)
{
	static const struct upgrade upgrade = {content_version, content_open, ""};
	enum db_result result = db_connect(store->db, err);

	if (result == DB_OK)
		result = upgrade_run(&upgrade, store->db, &store->child.proc, err);
	if (result == DB_OK)
		result = open_index(store, err);
	if (result == DB_OK)
		result = content_cursor_get(store->db, &store->cursor, err);
	if (result == DB_OK)
		result = refuse_old_copy(store, err);
	return result;
}

static void tell_ready(struct store *store)
{
	struct err err;

	if (store->stop)
		return;
	if (store->ready)
		proc_state(&store->child.proc, PROC_READY);
	else if (child_ready(&store->child, PROC_READY, &err) == -1)
		note_stop(store, 0);
	store->ready = true;
}

static void try_attach(struct store *store)
{
	struct proc_page *own = store->child.proc.own;
	struct err err;
	enum db_result result;

	if (!backoff_due(&store->backoff, clock_mono()))
		return;
	result = attach(store, &err);
	if (result != DB_OK) {
		store_failed(store, result, &err);
		return;
	}
	store->attached = true;
	store->checked = false;
	store->sweep = true;
	if (db_warning(store->db))
		log_warning("content database %u: %s", db_place(store->db) + 1,
			    db_warning(store->db));
	tell_connected(store);
	atomic_store_explicit(&own->cursor_time, store->cursor.time, memory_order_relaxed);
	atomic_store_explicit(&own->cursor, store->cursor.lsn, memory_order_release);
	tell_ready(store);
}

/* --- The loop. --- */

/* How long until there is something to do again, in milliseconds. */
static int turn(struct store *store)
{
	if (!store->attached)
		try_attach(store);
	if (!store->attached) {
		const uint64_t now = clock_mono();
		const uint64_t wait = store->backoff.next > now ? store->backoff.next - now : 0;

		return wait / 1000 < IDLE_MS ? (int)(wait / 1000) + 1 : IDLE_MS;
	}
	if (!store->stop && store_load_wanted(store))
		store_load(store);
	return store->attached ? store_drain(store) : 0;
}

static bool is_over(const struct store *store)
{
	if (!store->stop)
		return false;
	return (store->attached && store_drained(store)) || clock_mono() >= store->deadline;
}

/* Whether the sequencer starts: it does not wake us when it begins to wait for us. */
static bool is_starting(const struct store *store)
{
	const struct proc_page *page = store->child.proc.page[SLOT_SEQUENCER];

	return atomic_load_explicit(&page->state, memory_order_acquire) != PROC_READY;
}

/* Before a sleep that a wake-up is to end: looks once more. How long to sleep. */
static int arm(struct store *store)
{
	const bool stuck = !store->attached || store->drain.told != 0;

	proc_arm(&store->child.proc);
	if (!stuck && (store_behind(store) || store_load_wanted(store)))
		return 0;
	return is_starting(store) ? STARTING_MS : IDLE_MS;
}

static void run(struct store *store)
{
	struct answer answer;

	while (!is_over(store)) {
		int wait = turn(store);

		while (mailbox_answer(&store->mailbox, &answer))
			log_warning("the sequencer refused what it was sent: %s",
				    code_name(answer.code));
		if (wait >= IDLE_MS)
			wait = arm(store);
		store_wait(store, store->stop && wait > STOP_MS ? STOP_MS : wait);
	}
}

/* While a transaction is under way, too: it may take long with little of the processor, and the
 * journal fills meanwhile. */
static void show_life(void *arg)
{
	struct store *store = arg;

	proc_heartbeat(&store->child.proc);
	store_yield(store);
	yielding_pause(&store->yielding);
}

static int open_all(struct store *store, struct err *err)
{
	const struct conf *conf = store->child.conf;

	if (mailbox_open(&store->mailbox, FD_MAIL + SLOT_STORE, FD_MAIL_BACK + SLOT_STORE,
			 conf->workers.mailbox, err) == -1 ||
	    store_batch_init(&store->batch, conf->content.batch_rows, err) == -1)
		return -1;
	store->db = db_new(&conf->content.dsn, err);
	if (!store->db)
		return -1;
	db_progress(store->db, show_life, store);
	sandbox_try(SANDBOX_DATABASE);
	return 0;
}

static void close_all(struct store *store)
{
	db_free(&store->db);
	retention_fini(&store->retention);
	store_batch_fini(&store->batch);
	mailbox_close(&store->mailbox);
	if (store->mapped)
		journal_unmap(&store->journal);
	yielding_fini(&store->yielding);
	conf_free(&store->child.conf);
}

int main(int argc, char **argv)
{
	static struct store store;
	struct err err;
	int status;

	yielding_init(&store.yielding);
	status = child_start(&store.child, argc, argv);
	if (status != 0)
		return status;
	if (open_all(&store, &err) == -1) {
		log_error("%s", err.text);
		return EX_OSERR;
	}
	schedule_batch();
	proc_state(&store.child.proc, PROC_LOADING);
	run(&store);
	if (!store.attached || !store_drained(&store))
		log_warning("stopping with events that are not in the content database yet; the "
			    "journal keeps them");
	close_all(&store);
	return EX_OK;
}
