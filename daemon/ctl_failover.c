#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/conf.h"
#include "daemon/ctl_option.h"
#include "daemon/ctl_rewrite.h"
#include "daemon/ctl_status.h"

/*
 * pchatctl pool failover: a database whose place the journal has overwritten is refused by the
 * store, because events would be lost. Where there is no other one any more, an administrator
 * accepts that: everything but messages is written anew from the cache of the running server, which
 * has lost nothing, and the cursor is moved to what the journal still has. Then the store goes on
 * by itself.
 */
enum { TRIES = 20, PAUSE_US = 250000, MARGIN = 256 << 10, STORE_US = 120000000 };

struct failover {
	const struct ctl *ctl; /* borrowed */
	struct ctl_view view;
	unsigned number; /* of the connection string, from 1 */
	struct conf_list dsn;
	struct db *db;			     /* owned */
	struct content_cursor found, cursor; /* as it was, and as it is to be */
	uint64_t tail, tail_time;	     /* of the journal; time 0: unknown */
};

/* --- Which database. --- */

/* Whether the store could use it if it were not too old. */
static bool is_candidate(const struct failover *f, const struct content_state *state)
{
	const struct journal_header *header = f->view.journal.header;

	return state->current && state->writable &&
	       memcmp(state->cursor.journal, header->id, sizeof(header->id)) == 0;
}

static enum db_result open_one(struct failover *f, unsigned number, struct content_state *state,
			       struct err *err)
{
	enum db_result result = DB_FATAL;

	db_free(&f->db);
	f->dsn.count = 1;
	f->dsn.item[0] = f->ctl->conf->content.dsn.item[number - 1];
	f->db = db_new(&f->dsn, err);
	if (f->db)
		result = db_connect(f->db, err);
	return result == DB_OK ? content_state_get(f->db, state, err) : result;
}

/* The one that has lost the least. */
static int choose(struct failover *f)
{
	const unsigned count = f->ctl->conf->content.dsn.count;
	struct content_state state;
	struct err err;

	for (unsigned number = 1; number <= count; number++) {
		const enum db_result result = open_one(f, number, &state, &err);

		if (result != DB_OK)
			ctl_fail(f->ctl, 0, "database %u: %s", number, err.text);
		else if (!is_candidate(f, &state))
			ctl_fail(f->ctl, 0,
				 "database %u: takes no writes, has another version, or belongs to "
				 "another journal",
				 number);
		else if (f->number == 0 || state.cursor.lsn > f->cursor.lsn) {
			f->number = number;
			f->found = f->cursor = state.cursor;
		}
	}
	if (f->number == 0)
		return ctl_fail(f->ctl, EX_UNAVAILABLE, "there is no database that could be used");
	if (open_one(f, f->number, &state, &err) != DB_OK)
		return ctl_fail(f->ctl, EX_TEMPFAIL, "database %u: %s", f->number, err.text);
	return EX_OK;
}

/* --- What is lost. --- */

/* The first event that can be read at an LSN or behind it. */
static bool find_event(const struct failover *f, uint64_t from, uint64_t *lsn_r, uint64_t *time_r)
{
	const struct proc_page *page = f->view.page[SLOT_SEQUENCER];
	const uint64_t durable = atomic_load_explicit(&page->durable, memory_order_acquire);
	const struct record *record;

	for (uint64_t at = (from + 7) & ~(uint64_t)7; at < durable; at += 8) {
		uint64_t next = at;

		if (journal_read(&f->view.journal, &next, durable, &page->tail, &record) !=
		    JOURNAL_RECORD)
			continue;
		*lsn_r = record->lsn;
		*time_r = record->time;
		return true;
	}
	return false;
}

static uint64_t tail_of(const struct failover *f)
{
	const struct proc_page *page = f->view.page[SLOT_SEQUENCER];

	return atomic_load_explicit(&page->tail, memory_order_acquire);
}

static int look(struct failover *f)
{
	uint64_t lsn;

	f->tail = tail_of(f);
	if (f->cursor.lsn >= f->tail || !find_event(f, f->tail, &lsn, &f->tail_time))
		f->tail_time = 0;
	return EX_OK;
}

static void tell(const struct failover *f)
{
	char from[CLOCK_TEXT], to[CLOCK_TEXT];

	printf("database %u stands at LSN %" PRIu64 "; the journal has what is behind %" PRIu64
	       "\n",
	       f->number, f->cursor.lsn, f->tail);
	if (f->cursor.lsn >= f->tail)
		return;
	printf("lost are messages, and removals of messages, of %" PRIu64
	       " bytes of events, from %s to %s, but for those in memory\n",
	       f->tail - f->cursor.lsn, clock_format(f->cursor.time, from),
	       f->tail_time ? clock_format(f->tail_time, to) : "?");
}

/* --- Accepting it. --- */

/* The tail moves on while posts are accepted, but never beyond where the store stood. */
static bool choose_start(struct failover *f)
{
	const uint64_t stood =
		atomic_load_explicit(&f->view.page[SLOT_STORE]->cursor, memory_order_acquire);
	uint64_t from = tail_of(f) + MARGIN;

	if (from > stood && stood > tail_of(f))
		from = stood;
	return find_event(f, from, &f->cursor.lsn, &f->cursor.time);
}

static enum db_result write_all(struct failover *f, struct err *err)
{
	enum db_result result = db_begin(f->db, err);

	if (result != DB_OK)
		return result;
	f->cursor = f->found;
	result = ctl_rewrite(f->db, f->view.cache, &f->cursor, err);
	if (result == DB_OK && !choose_start(f)) {
		err_set(err, "could not find an event in the journal to go on with");
		result = DB_RETRY;
	}
	if (result == DB_OK)
		result = content_cursor_put(f->db, &f->cursor, err);
	if (result == DB_OK)
		return db_commit(f->db, err);
	db_rollback(f->db);
	return result;
}

typedef enum db_result change_fn(struct failover *f, struct err *err);

/* The store may hold a lock of the database at just that moment. After an answer that was lost the
 * same is done again: it does no harm. */
static int change(struct failover *f, change_fn *fn)
{
	enum db_result result = DB_RETRY;
	struct err err;

	for (unsigned i = 0; i < TRIES && (result == DB_RETRY || result == DB_UNCERTAIN); i++) {
		if (i > 0)
			usleep(PAUSE_US);
		result = db_connected(f->db) ? DB_OK : db_connect(f->db, &err);
		if (result == DB_OK)
			result = fn(f, &err);
	}
	return result == DB_OK ? EX_OK
			       : ctl_fail(f->ctl, EX_TEMPFAIL, "database %u was not changed: %s",
					  f->number, err.text);
}

static enum db_result write_messages(struct failover *f, struct err *err)
{
	enum db_result result = db_begin(f->db, err);

	if (result != DB_OK)
		return result;
	result = ctl_rewrite_messages(f->db, f->view.cache, err);
	if (result == DB_OK)
		return db_commit(f->db, err);
	db_rollback(f->db);
	return result;
}

/* Until it has what is durable now. */
static bool wait_for_store(const struct failover *f)
{
	const struct proc_page *store = f->view.page[SLOT_STORE];
	const uint64_t end = clock_mono() + STORE_US;
	const uint64_t durable =
		atomic_load_explicit(&f->view.page[SLOT_SEQUENCER]->durable, memory_order_acquire);

	while (atomic_load_explicit(&store->state, memory_order_acquire) != PROC_READY ||
	       atomic_load_explicit(&store->cursor, memory_order_acquire) < durable) {
		if (clock_mono() > end)
			return false;
		usleep(PAUSE_US);
	}
	return true;
}

static int accept_loss(struct failover *f)
{
	int code = change(f, write_all);

	if (code != EX_OK)
		return code;
	printf("database %u stands at LSN %" PRIu64 " now; the store goes on with it\n", f->number,
	       f->cursor.lsn);
	fflush(stdout);
	db_disconnect(f->db);
	if (!wait_for_store(f))
		return ctl_fail(f->ctl, EX_TEMPFAIL,
				"the store has not used it yet: when it has, do the same again");
	return change(f, write_messages);
}

static int decide(struct failover *f)
{
	const bool accepted = f->ctl->option[CTL_ACCEPT_LOSS] != NULL;
	int code;

	tell(f);
	if (f->cursor.lsn >= f->tail) {
		puts("nothing is lost: the store takes it by itself");
		return accepted && !f->ctl->option[CTL_DRY_RUN] ? change(f, write_messages) : EX_OK;
	}
	if (!accepted)
		return ctl_fail(f->ctl, EX_DATAERR, "not done without --accept-loss");
	if (f->ctl->option[CTL_DRY_RUN])
		return EX_OK;
	code = ctl_confirm(f->ctl, "give up what is lost of");
	return code == EX_OK ? accept_loss(f) : code;
}

int ctl_pool_failover(const struct ctl *ctl)
{
	struct failover f = {.ctl = ctl};
	int code;

	if (!ctl->conf || ctl->remote)
		return ctl_fail(ctl, EX_CONFIG,
				"needs a configuration (-f), which names the databases, and to be "
				"run where the server runs");
	code = ctl_view_open(ctl, &f.view);
	if (code == EX_OK &&
	    (!f.view.cache || !f.view.journal.header || !f.view.page[SLOT_SEQUENCER] ||
	     !f.view.page[SLOT_STORE] || tail_of(&f) == 0))
		code = ctl_fail(ctl, EX_UNAVAILABLE,
				"the server has not loaded, so that only the database knows what "
				"there was: see pchat-failover(7)");
	if (code == EX_OK)
		code = choose(&f);
	if (code == EX_OK)
		code = look(&f);
	if (code == EX_OK)
		code = decide(&f);
	db_free(&f.db);
	ctl_view_close(&f.view);
	return code;
}
