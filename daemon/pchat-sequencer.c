#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "conf/fault.h"
#include "conf/log.h"
#include "daemon/sequencer.h"
#include "shm/apply.h"
#include "shm/sandbox.h"
#include "shm/schedule.h"
#include "shm/scoped.h"

/* Bounds of one batch: what is decided together waits together for one fdatasync. */
enum {
	BATCH_COMMANDS = 4096,
	WAIT_IDLE_MS = 500,
	WAIT_BLOCKED_MS = 10,
	BURST_US = 100, /* all workers wait for it, and most of its time it waits for the disk */
	CLOCK_US = 1000000,
};

/* --- The master's word. --- */

static void note_control(struct sequencer *s)
{
	struct control control;
	int got;

	while ((got = child_control(&s->child, &control, NULL, NULL)) > 0)
		if (control.type == CONTROL_STOP)
			s->stop = true;
	if (got < 0)
		s->stop = true;
}

static void note_slots(struct sequencer *s)
{
	const struct proc_page *master = s->child.proc.page[SLOT_MASTER];

	for (unsigned slot = 0; slot < SLOTS; slot++) {
		uint32_t generation = atomic_load(&master->slots[slot].generation);
		int32_t pid = atomic_load(&master->slots[slot].pid);

		if (generation == s->generation[slot] && pid == s->pid[slot])
			continue;
		s->generation[slot] = generation;
		s->pid[slot] = pid;
		engine_slot_changed(&s->engine);
	}
}

void sequencer_wait(struct sequencer *s, int timeout)
{
	struct pollfd fds[] = {{.fd = s->child.proc.event[SLOT_SEQUENCER], .events = POLLIN},
			       {.fd = FD_CONTROL, .events = POLLIN}};

	if (poll(fds, 2, timeout) > 0 && fds[1].revents != 0)
		note_control(s);
	proc_woken(&s->child.proc);
	proc_heartbeat(&s->child.proc);
}

/* --- Committing. --- */

static uint64_t cursor_of(const struct sequencer *s, unsigned slot)
{
	return atomic_load_explicit(&s->child.proc.page[slot]->cursor, memory_order_acquire);
}

uint64_t sequencer_oldest(const struct sequencer *s)
{
	const uint64_t stored = cursor_of(s, SLOT_STORE);
	uint64_t recorded = stored;

	if (s->child.conf->compliance.enabled)
		recorded = cursor_of(s, SLOT_COMPLIANCE);
	if (recorded == CURSOR_NEW)
		recorded = atomic_load(&s->child.proc.own->begun);
	return recorded < stored ? recorded : stored;
}

static bool sync_now(struct sequencer *s)
{
	uint64_t now = clock_mono();

	if (!s->child.conf->journal.sync_always &&
	    now - s->last_sync < s->child.conf->journal.sync_interval)
		return false;
	s->last_sync = now;
	return true;
}

static int apply_batch(struct sequencer *s, uint64_t from, uint64_t end, struct err *err)
{
	static const _Atomic uint64_t nothing_overwritten;
	const struct record *record;
	uint64_t events = 0;

	while (from < end) {
		if (journal_read(&s->engine.writer.journal, &from, end, &nothing_overwritten,
				 &record) != JOURNAL_RECORD)
			return err_set(err, "could not read back what was just written at LSN %llu",
				       (unsigned long long)from);
		if (apply_record(&s->shared, record, err) < 0)
			return -1;
		events++;
	}
	proc_count(&s->child.proc, COUNTER_EVENTS, events);
	proc_count(&s->child.proc, COUNTER_BATCHES, 1);
	return 0;
}

/* A standby reads the journal, too, but nobody waits for it, nor for pchat-auth and pchat-file if nothing
 * is for them (the latter reads on when it is asked something): each would be a process put on a
 * processor and taken off again with every batch. */
static bool wants_to_know(const struct sequencer *s, unsigned slot, bool mail)
{
	const struct proc_page *page = s->child.proc.page[slot];

	if (s->pid[slot] == 0 || page == NULL)
		return false;
	if (mail)
		return true;
	if (slot >= SLOT_WORKER && slot < SLOT_WORKER + WORKER_SLOTS)
		return atomic_load_explicit(&page->state, memory_order_relaxed) != PROC_READY;
	return slot != SLOT_AUTH && slot != SLOT_FILE;
}

/* Lets everybody know. Answers come after the events, so that who reads the events first, and then
 * the answers that were there before, never takes the one for the other. */
static void publish(struct sequencer *s)
{
	struct proc *proc = &s->child.proc;

	atomic_store_explicit(&proc->own->durable, s->engine.writer.end, memory_order_release);
	fault_point("sequencer.published");
	/* A standby that begins to serve just now either sees this or is seen to serve. */
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		if (slot == SLOT_MASTER || slot == SLOT_SEQUENCER)
			continue;
		bool mail = s->mail[slot].in != NULL && mailbox_publish(&s->mail[slot]);

		if (wants_to_know(s, slot, mail))
			proc_wake(proc, slot);
	}
}

/* Before the bytes below it are overwritten. It never goes back, though a predecessor may have died
 * before it wrote what it had announced. */
static void publish_tail(struct proc_page *own, uint64_t tail)
{
	if (tail > atomic_load_explicit(&own->tail, memory_order_relaxed))
		atomic_store_explicit(&own->tail, tail, memory_order_release);
	atomic_thread_fence(memory_order_seq_cst);
}

/* Tells the master which places are to be served. */
static void publish_places(struct sequencer *s)
{
	atomic_store_explicit(&s->child.proc.own->places,
			      scoped_places_set(&s->shared, s->child.conf), memory_order_release);
}

int sequencer_commit(struct sequencer *s, struct err *err)
{
	struct journal_writer *writer = &s->engine.writer;
	struct proc_page *own = s->child.proc.own;
	uint64_t end = writer->end;
	bool sync;

	if (s->engine.broken)
		return err_set(err, "an event could not be applied");
	if (s->published == end) {
		publish(s);
		return 0;
	}
	publish_tail(own, journal_tail(writer));
	sync = sync_now(s);
	if (journal_commit(writer, sync, err) < 0)
		return -1;
	s->unsynced = !sync;
	atomic_store_explicit(&s->shared.header->synced, end, memory_order_release);
	fault_point("sequencer.synced");
	if (apply_batch(s, s->published, end, err) < 0)
		return -1;
	fault_point("sequencer.applied");
	s->published = end;
	publish_places(s);
	overload_mark(&s->engine.overload, end);
	publish(s);
	return 0;
}

/* --- Deciding. --- */

static void answer(struct sequencer *s, unsigned slot, const struct answer *a)
{
	if (a->code != CODE_OK)
		proc_count(&s->child.proc, counter_of_code(a->code), 1);
	mailbox_put_answer(&s->mail[slot], a);
}

/* Takes what is in one mailbox. Returns how many commands were decided. */
static unsigned take_mail(struct sequencer *s, unsigned slot, unsigned limit)
{
	struct mailbox_reader *mail = &s->mail[slot];
	const struct command *command;
	struct answer a;
	unsigned count = 0;

	while (count < limit && mailbox_answers_free(mail) > 0 && !s->engine.broken) {
		enum mailbox_take taken = mailbox_take(mail, &command);
		enum decision decision;

		if (taken == MAILBOX_EMPTY)
			break;
		if (taken == MAILBOX_BAD) {
			if (log_within(&s->senseless, "mailboxes made no sense"))
				log_error("the mailbox of pchat-%s[%u] makes no sense; it is skipped",
					  proc_role(slot), slot);
			proc_count(&s->child.proc, COUNTER_COMMANDS_INVALID, 1);
			break;
		}
		if (slot >= SLOT_READER) {
			engine_fill(&s->engine, &s->shared, command);
			count++;
			continue;
		}
		decision = engine_decide(&s->engine, slot, command, &a);
		if (decision == LATER) {
			mailbox_untake(mail, command);
			break;
		}
		if (decision == ANSWERED)
			answer(s, slot, &a);
		count++;
	}
	return count;
}

/* Times of events never go back. Where the clock did, they stand still until it has caught up, which
 * somebody should know: people see these times, and records have them. */
static void watch_clock(struct sequencer *s)
{
	const uint64_t mono = clock_mono(), newest = s->engine.writer.time;
	char time[CLOCK_TEXT];
	uint64_t utc;
	bool behind;

	if (mono < s->clock_due)
		return;
	s->clock_due = mono + CLOCK_US;
	utc = clock_utc();
	behind = utc + CLOCK_US < newest;
	if (behind && !s->clock_behind)
		log_warning("the clock was set back by %" PRIu64
			    " s: until it has caught up, what happens has the time %s",
			    (newest - utc) / CLOCK_US, clock_format(newest, time));
	else if (!behind && s->clock_behind)
		log_notice("the clock has caught up");
	s->clock_behind = behind;
}

/* One turn: what the mailboxes hold becomes one batch. False: there was nothing to do. */
static bool turn(struct sequencer *s, struct err *err)
{
	unsigned count = 0;
	bool left; /* somebody, not by his own wish */

	note_slots(s);
	s->engine.oldest = sequencer_oldest(s);
	overload_look(&s->engine.overload, &s->child.proc);
	watch_clock(s);
	left = engine_reap(&s->engine);
	left = engine_linger(&s->engine, s->stop) || left; /* nothing outlives a stop */
	left = engine_recheck(&s->engine) || left;
	left = engine_sweep(&s->engine) || left;
	left = engine_police(&s->engine) || left;
	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (s->mail[slot].in != NULL)
			count += take_mail(s, slot, BATCH_COMMANDS);
	proc_count(&s->child.proc, COUNTER_COMMANDS, count);
	if (count == 0 && !left)
		return false;
	if (sequencer_commit(s, err) < 0)
		s->engine.broken = true;
	proc_heartbeat(&s->child.proc);
	return true;
}

/* For sync = interval: what was published without having been made durable. */
static int sync_rest(struct sequencer *s, struct err *err)
{
	if (!s->unsynced || clock_mono() - s->last_sync < s->child.conf->journal.sync_interval)
		return 0;
	s->last_sync = clock_mono();
	s->unsynced = false;
	return fdatasync(FD_JOURNAL) < 0 ? err_errno(err, "could not sync the journal") : 0;
}

static int wait_time(const struct sequencer *s)
{
	if (s->engine.rechecking || s->engine.sweeping || s->engine.policing)
		return 0;
	if (s->engine.reaping)
		return WAIT_BLOCKED_MS;
	if (s->unsynced)
		return (int)(s->child.conf->journal.sync_interval / 1000) + 1;
	return WAIT_IDLE_MS;
}

static int run(struct sequencer *s)
{
	struct err err;

	for (;;) {
		bool busy = turn(s, &err);

		if (!busy && !s->engine.broken) {
			if (s->stop)
				return 0;
			proc_arm(&s->child.proc);
			busy = turn(s, &err);
			if (!busy)
				sequencer_wait(s, wait_time(s));
			else
				proc_woken(&s->child.proc);
		}
		if (!s->engine.broken && sync_rest(s, &err) < 0)
			s->engine.broken = true;
		if (s->engine.broken) {
			log_error("%s; stopping, so that nothing of it is acknowledged", err.text);
			return EX_IOERR;
		}
		note_control(s);
	}
}

/* --- Starting. --- */

static bool has_mailbox(unsigned slot)
{
	return slot == SLOT_STORE || slot == SLOT_AUTH || slot == SLOT_FILE ||
	       (slot >= SLOT_WORKER && slot < SLOT_WORKER + WORKER_SLOTS) ||
	       (slot >= SLOT_READER && slot < SLOT_READER + READER_SLOTS);
}

static int open_mail(struct sequencer *s, struct err *err)
{
	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (has_mailbox(slot) &&
		    mailbox_reader_open(&s->mail[slot], FD_MAIL + (int)slot, FD_MAIL_BACK + (int)slot,
					s->child.conf->workers.mailbox, err) < 0)
			return -1;
	return 0;
}

static int start(struct sequencer *s, int argc, char **argv)
{
	struct err err;
	int code, option;

	schedule_first();
	schedule_short(BURST_US);
	code = child_start(&s->child, argc, argv);
	if (code != 0)
		return code;
	while ((option = getopt(argc, argv, "s:g:r")) != -1)
		s->recover = s->recover || option == 'r';
	s->engine.conf = s->child.conf;
	s->engine.shared = &s->shared;
	s->engine.proc = &s->child.proc;
	s->engine.overload.limit = s->child.conf->limits.delivery_delay;
	if (open_mail(s, &err) < 0 || apply_open_shared(&s->shared, FD_CACHE, &err) < 0 ||
	    apply_open_private(&s->engine.cache, s->child.conf, &err) < 0) {
		log_error("%s", err.text);
		return EX_OSERR;
	}
	sandbox_try(SANDBOX_ALL);
	code = sequencer_load(s);
	if (code != 0 || s->stop)
		return code;
	engine_slot_changed(&s->engine);
	engine_rights_changed(&s->engine);
	publish_places(s);
	if (child_ready(&s->child, PROC_READY, &err) < 0) {
		log_error("%s", err.text);
		return EX_OSERR;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct sequencer sequencer;
	int code = start(&sequencer, argc, argv);

	return code != 0 || sequencer.stop ? code : run(&sequencer);
}
