#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "daemon/compliance.h"
#include "daemon/upgrade.h"
#include "shm/sandbox.h"
#include "shm/schedule.h"

enum {
	IDLE_MS = 1000,
	STOP_MS = 10,
	STARTING_MS = 50,
	LEAVE_US = 200000 /* of the time for a stop, for ourselves */
};

/* --- The master's word. --- */

static void note_stop(struct compliance *c, uint64_t milliseconds)
{
	const uint64_t bound = milliseconds > 0 ? milliseconds * 1000 : c->child.conf->stop_timeout;

	if (c->stop)
		return;
	c->stop = true;
	c->deadline = clock_mono() + (bound > LEAVE_US ? bound - LEAVE_US : 0);
	backoff_worked(&c->backoff); /* what has failed is tried again at once */
}

static void note_control(struct compliance *c)
{
	struct control control;
	int got;

	while ((got = child_control(&c->child, &control, NULL, NULL)) > 0)
		if (control.type == CONTROL_STOP)
			note_stop(c, control.arg);
	if (got < 0)
		note_stop(c, 0);
}

static void wait_for(struct compliance *c, int timeout)
{
	struct pollfd fds[] = {{.fd = c->child.proc.event[SLOT_COMPLIANCE], .events = POLLIN},
			       {.fd = FD_CONTROL, .events = POLLIN}};
	const nfds_t watched = c->stop ? 1 : 2; /* a closed one would always be readable */

	if (poll(fds, watched, timeout) > 0 && fds[1].revents != 0)
		note_control(c);
	proc_woken(&c->child.proc);
	proc_heartbeat(&c->child.proc);
}

/* --- The database. --- */

void compliance_failed(struct compliance *c, enum db_result result, const struct err *err)
{
	struct err what;

	proc_count(&c->child.proc, COUNTER_DATABASE_ERRORS, 1);
	err_set(&what, "the compliance database failed (%s): %.400s", db_result_name(result),
		err->text);
	complaint_tell(&c->database, &what);
	db_disconnect(c->db);
	c->attached = false;
	backoff_failed(&c->backoff, clock_mono());
	if (!c->stop)
		proc_state(&c->child.proc, PROC_LOADING);
}

void compliance_worked(struct compliance *c)
{
	if (!c->attached)
		return;
	backoff_worked(&c->backoff);
	if (complaint_end(&c->database))
		log_notice("the compliance database is back");
}

/* Not each time that one is tried which fails as soon as it is to record something. */
static void tell_connected(struct compliance *c)
{
	const unsigned place = db_place(c->db) + 1;

	if (c->drain.told != 0 || (c->database.told != 0 && place == c->place))
		return;
	c->place = place;
	log_info("connected to compliance database %u, which has %" PRIu64
		 " records and stands at LSN %" PRIu64,
		 place, c->cursor.number, c->cursor.lsn);
}

void compliance_publish(struct compliance *c)
{
	static const uint8_t none[16];
	struct proc_page *own = c->child.proc.own;
	const bool new = memcmp(c->cursor.journal, none, sizeof(none)) == 0;

	atomic_store_explicit(&own->cursor_time, c->cursor.time, memory_order_relaxed);
	atomic_store_explicit(&own->cursor, new || c->cursor.gap ? CURSOR_NEW : c->cursor.lsn,
			      memory_order_release);
	proc_wake(&c->child.proc, SLOT_SEQUENCER);
}

/* A mirror that stands where the journal has been overwritten must not say so to the sequencer, who
 * would wait for it; another may be better. Where the sequencer only starts it finds that out. */
static enum db_result refuse_old_copy(struct compliance *c, struct err *err)
{
	static const uint8_t none[sizeof(c->cursor.journal)];
	const uint64_t tail = atomic_load_explicit(&c->child.proc.page[SLOT_SEQUENCER]->tail,
						   memory_order_acquire);

	if (c->cursor.gap || c->cursor.lsn >= tail ||
	    memcmp(c->cursor.journal, none, sizeof(none)) == 0)
		return DB_OK;
	err_set(err,
		"could not use database %u: the journal has overwritten the events from LSN "
		"%" PRIu64 " on, where it stands; see \"pchatctl compliance accept-gap\"",
		db_place(c->db) + 1, c->cursor.lsn);
	db_skip(c->db);
	return DB_RETRY;
}

/* After every connection the database is asked where it stands: that settles uncertain commits. */
static enum db_result attach(struct compliance *c, struct err *err)
{
	static const struct upgrade upgrade = {record_version, record_open, "compliance "};
	enum db_result result = db_connect(c->db, err);

	if (result == DB_OK)
		result = upgrade_run(&upgrade, c->db, &c->child.proc, err);
	if (result == DB_OK)
		result = record_cursor_get(c->db, &c->cursor, err);
	if (result == DB_OK)
		result = refuse_old_copy(c, err);
	if (result == DB_OK)
		result = compliance_anchor_check(c, err);
	return result;
}

static void tell_ready(struct compliance *c)
{
	struct err err;

	if (c->stop)
		return;
	if (c->ready)
		proc_state(&c->child.proc, PROC_READY);
	else if (child_ready(&c->child, PROC_READY, &err) == -1)
		note_stop(c, 0);
	c->ready = true;
}

static void try_attach(struct compliance *c)
{
	struct err err;
	enum db_result result;

	if (!backoff_due(&c->backoff, clock_mono()))
		return;
	result = attach(c, &err);
	if (result != DB_OK) {
		compliance_failed(c, result, &err);
		return;
	}
	c->attached = true;
	c->checked = false;
	compliance_expire_forget(&c->expire);
	tell_connected(c);
	compliance_publish(c);
	tell_ready(c);
}

/* --- The loop. --- */

/* How long until there is something to do again, in milliseconds. */
static int turn(struct compliance *c)
{
	if (!c->attached)
		try_attach(c);
	if (!c->attached) {
		const uint64_t now = clock_mono();
		const uint64_t wait = c->backoff.next > now ? c->backoff.next - now : 0;

		return wait / 1000 < IDLE_MS ? (int)(wait / 1000) + 1 : IDLE_MS;
	}
	return compliance_drain(c);
}

static bool is_over(const struct compliance *c)
{
	if (!c->stop)
		return false;
	return (c->attached && compliance_drained(c)) || clock_mono() >= c->deadline;
}

static bool is_starting(const struct compliance *c)
{
	const struct proc_page *page = c->child.proc.page[SLOT_SEQUENCER];

	return atomic_load_explicit(&page->state, memory_order_acquire) != PROC_READY;
}

/* Before a sleep that a wake-up is to end: looks once more. How long to sleep. */
static int arm(struct compliance *c)
{
	proc_arm(&c->child.proc);
	if (c->attached && c->drain.told == 0 && compliance_behind(c))
		return 0;
	return is_starting(c) ? STARTING_MS : IDLE_MS;
}

static void run(struct compliance *c)
{
	while (!is_over(c)) {
		int wait = turn(c);

		if (wait >= IDLE_MS)
			wait = arm(c);
		wait_for(c, c->stop && wait > STOP_MS ? STOP_MS : wait);
	}
}

/* The key is the master's to open: this process's user need not be able to read it. */
static int open_key(struct compliance *c, struct err *err)
{
	struct record_checkpoint trial = {0};
	FILE *file;

	if (!*c->child.conf->compliance.checkpoint_key)
		return 0;
	file = fdopen(FD_KEY, "r");
	if (!file)
		return err_errno(err, "could not read compliance.checkpoint_key");
	c->signer = record_signer_new(file, err);
	fclose(file);
	return c->signer ? record_sign(c->signer, &trial, err) : -1;
}

/* While a transaction is under way, too: it may take long with little of the processor, and the
 * journal fills meanwhile. */
static void show_life(void *arg)
{
	struct compliance *c = arg;

	proc_heartbeat(&c->child.proc);
	compliance_yield(c);
	yielding_pause(&c->yielding);
}

static int open_all(struct compliance *c, struct err *err)
{
	const struct conf *conf = c->child.conf;

	if (open_key(c, err) == -1 || record_anchor_load(&c->anchor, conf, err) == -1 ||
	    compliance_batch_init(&c->batch, conf->compliance.batch_rows, conf->domain, err) == -1)
		return -1;
	c->db = db_new(&conf->compliance.dsn, err);
	if (!c->db)
		return -1;
	db_progress(c->db, show_life, c);
	sandbox_try(SANDBOX_DATABASE);
	return 0;
}

static void close_all(struct compliance *c)
{
	db_free(&c->db);
	compliance_batch_fini(&c->batch);
	record_signer_free(&c->signer);
	cache_free(&c->cache);
	if (c->mapped)
		journal_unmap(&c->journal);
	yielding_fini(&c->yielding);
	conf_free(&c->child.conf);
}

int main(int argc, char **argv)
{
	static struct compliance compliance;
	struct err err;
	int status;

	yielding_init(&compliance.yielding);
	status = child_start(&compliance.child, argc, argv);
	if (status != 0)
		return status;
	umask(077);
	if (open_all(&compliance, &err) == -1) {
		log_error("%s", err.text);
		return EX_OSERR;
	}
	schedule_batch();
	proc_state(&compliance.child.proc, PROC_LOADING);
	run(&compliance);
	if (!compliance.attached || !compliance_drained(&compliance))
		log_warning("stopping with events that are not recorded yet; the journal keeps "
			    "them");
	close_all(&compliance);
	return EX_OK;
}
