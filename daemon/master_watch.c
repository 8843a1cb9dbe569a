#include "daemon/master_watch.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/log.h"
#include "daemon/master_control.h"
#include "daemon/master_slot.h"
#include "daemon/master_spawn.h"

#define SECOND UINT64_C(1000000)
#define HEARTBEAT_LIMIT (10 * SECOND)
#define START_LIMIT (30 * SECOND)
/* Turns come twice a second. If one comes this late, the host or the master itself stood still: the
 * others stood still with it, and get time to beat again. */
#define STANDSTILL (3 * SECOND)

enum { FAILURES_MAX = 5, HANGS_MAX = 6 };

/* now is the turn's: others, and handlers, have read the clock later; and others may lie. */
static uint64_t since(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

/* --- Ends. --- */

static void log_end(const struct process *process, int status)
{
	const char *role = proc_role(process->slot);
	const bool expected = process->told || process->killed;

	if (WIFSIGNALED(status))
		log_warning("pchat-%s[%u], process %d, was ended by signal %d (%s)", role,
			    process->slot, process->pid, WTERMSIG(status),
			    strsignal(WTERMSIG(status)));
	else if (expected && WEXITSTATUS(status) == 0)
		log_info("pchat-%s[%u], process %d, has stopped", role, process->slot,
			 process->pid);
	else
		log_warning("pchat-%s[%u], process %d, ended with status %d", role, process->slot,
			    process->pid, WEXITSTATUS(status));
}

/*
 * The slot is empty from here on: the generation, stored last, is the next process's, so that the
 * sequencer can take leave of the dead one's sessions long before there is a successor.
 */
static void vacate(struct master *master, struct process *process)
{
	struct master_slot *slot = &master->table.own->slots[process->slot];

	if (process->place != -1)
		master->place[process->place] = NULL;
	process->place = -1;
	process->draining = false;
	process->pid = 0;
	process->generation = ++master->generation;
	control_close(process);
	atomic_store(&slot->pid, 0);
	atomic_store(&slot->listener, 0);
	atomic_store_explicit(&slot->generation, process->generation, memory_order_release);
	master_wake_sequencer(master);
}

static void plan(struct master *master, struct process *process)
{
	const uint64_t lived = since(master->now, process->started);
	const uint64_t served = process->ready ? since(master->now, process->ready_since) : 0;
	uint64_t wait = 0;

	if (master->stop.under_way)
		return;
	if (!process->at_once)
		wait = backoff_next(&process->backoff, lived, served);
	process->due = master->now + wait;
	if (wait > 0)
		log_info("pchat-%s[%u] will be started again in %" PRIu64 ".%" PRIu64 " s",
			 proc_role(process->slot), process->slot, wait / SECOND,
			 wait % SECOND / (SECOND / 10));
	if (!process->ever_ready && ++process->failures >= FAILURES_MAX)
		master_fail(
			master, EX_UNAVAILABLE,
			"pchat-%s[%u] could not be started: it ended %u times before it was ready",
			proc_role(process->slot), process->slot, process->failures);
}

static struct process *by_pid(struct master *master, pid_t pid)
{
	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (master->process[slot].pid == pid)
			return &master->process[slot];
	return NULL;
}

void watch_reap(struct master *master)
{
	struct process *process;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		process = by_pid(master, pid);
		if (process == NULL)
			continue;
		/* What the last turn's messages said counts: it may have been ready for a moment.
		 */
		control_read(process);
		log_end(process, status);
		plan(master, process);
		vacate(master, process);
	}
}

/* --- Life. --- */

/* Being stopped by a debugger is no fault. */
static bool is_traced(pid_t pid)
{
	char path[32], line[128];
	int tracer = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	while (fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "TracerPid: %d", &tracer) == 1)
			break;
	fclose(file);
	return tracer != 0;
}

void watch_kill(struct process *process)
{
	if (process->pid <= 0 || process->killed)
		return;
	process->killed = true;
	if (kill(process->pid, SIGKILL) == -1)
		log_error("could not kill process %d: %s", process->pid, strerror(errno));
}

static void kill_late(struct process *process, const char *why, uint64_t since)
{
	if (is_traced(process->pid))
		return;
	log_warning("killing pchat-%s[%u], process %d: %s for %" PRIu64 " s",
		    proc_role(process->slot), process->slot, process->pid, why, since / SECOND);
	watch_kill(process);
}

static void check_start(struct master *master, struct process *process)
{
	const uint64_t age = since(master->now, process->started);

	if (age >= START_LIMIT)
		kill_late(process, "it has not become ready", age);
}

static void check_reader(struct master *master, struct process *process, uint64_t begun)
{
	const uint64_t busy = since(master->now, begun);

	if (busy < master->conf->content.query_timeout)
		return;
	kill_late(process, "its database has been answering a question", busy);
	process->at_once = process->killed;
}

static bool writes_database(unsigned slot)
{
	return slot == SLOT_STORE || slot == SLOT_COMPLIANCE;
}

/*
 * What does not beat may only wait for a database that takes its time, which would never get done
 * with it if it were given up and asked for the same again and again. So each time it gets twice as
 * long.
 */
static void check_silence(struct master *master, struct process *process,
			  const struct proc_page *page)
{
	const uint64_t silent = since(master->now, atomic_load(&page->heartbeat));
	const uint64_t cursor = atomic_load(&page->cursor);

	if (process->ready && cursor != process->stuck)
		process->hangs = 0;
	if (silent < HEARTBEAT_LIMIT << process->hangs)
		return;
	kill_late(process, "it has given no sign of life", silent);
	if (process->killed && writes_database(process->slot)) {
		process->hangs += process->hangs < HANGS_MAX;
		process->stuck = cursor;
	}
}

/* A process that loads may wait for its database as long as it must, but its heart beats. One that
 * changes the tables of its database is let do that: it would only begin anew. */
static void check(struct master *master, struct process *process)
{
	const struct proc_page *page = master->table.page[process->slot];
	const bool page_taken = atomic_load_explicit(&page->generation, memory_order_acquire) ==
				process->generation;
	const uint32_t state = atomic_load(&page->state);
	const uint64_t busy = slot_is_reader(process->slot) ? atomic_load(&page->busy_since) : 0;

	if (page_taken && state == PROC_UPGRADING)
		return;
	if (!page_taken || (!process->ready && state != PROC_LOADING)) {
		check_start(master, process);
		return;
	}
	if (busy != 0)
		check_reader(master, process, busy);
	else if (process->draining && master->now >= process->drained)
		kill_late(process, "it should have got rid of its connections",
			  since(master->now, process->drained));
	else
		check_silence(master, process, page);
}

void watch_check(struct master *master)
{
	if (master->watched != 0 && master->now - master->watched >= STANDSTILL) {
		log_notice("everything stood still for %" PRIu64 " s",
			   (master->now - master->watched) / SECOND);
		master->grace = master->now + HEARTBEAT_LIMIT;
	}
	master->watched = master->now;
	if (master->now < master->grace)
		return;
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		struct process *process = &master->process[slot];

		if (process->pid > 0 && !process->killed)
			check(master, process);
	}
}

/* --- Starts. --- */

/* The sequencer and the store make the server what it is; the standbys must not delay it. */
static bool may_start(const struct master *master, unsigned slot)
{
	if (slot == SLOT_SEQUENCER || slot == SLOT_STORE || slot == SLOT_COMPLIANCE)
		return true;
	return slot_is_standby(slot, master->conf) ? master->serving : master->loaded;
}

static void started(struct master *master, struct process *process, pid_t pid)
{
	struct master_slot *slot = &master->table.own->slots[process->slot];

	process->pid = pid;
	process->ready = process->killed = process->told = process->at_once = false;
	process->started = master->now;
	control_open(process);
	atomic_store(&slot->pid, pid);
	atomic_store_explicit(&slot->generation, process->generation, memory_order_release);
	log_info("started pchat-%s[%u] as process %d", proc_role(process->slot), process->slot,
		 pid);
}

static void start(struct master *master, struct process *process)
{
	const struct spawn spawn = {
		.directory = master->directory,
		.conf = master->conf,
		.supply = &master->supply,
		.account = &master->account,
		.listener = &master->listener,
		.worker_account = &master->worker_account,
		.compliance_account = &master->compliance_account,
		.admin_account = &master->admin_account,
		.recover = master->recover && process->slot == SLOT_SEQUENCER,
	};
	struct master_slot *slot = &master->table.own->slots[process->slot];
	struct err err;
	pid_t pid;

	if (process->started != 0)
		atomic_fetch_add(&slot->restarts, 1);
	pid = spawn_start(&spawn, process->slot, process->generation, &process->control, &err);
	if (pid != -1) {
		started(master, process, pid);
		return;
	}
	log_error("could not start pchat-%s[%u]: %s", proc_role(process->slot), process->slot,
		  err.text);
	process->ready = process->at_once = false;
	process->started = master->now;
	plan(master, process);
}

void watch_start_due(struct master *master)
{
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		struct process *process = &master->process[slot];

		if (process->wanted && process->pid == 0 && process->due <= master->now &&
		    may_start(master, slot) && !master->stop.under_way)
			start(master, process);
	}
}

uint64_t watch_next_start(const struct master *master)
{
	uint64_t next = UINT64_MAX;

	for (unsigned slot = 0; slot < SLOTS; slot++) {
		const struct process *process = &master->process[slot];

		if (process->wanted && process->pid == 0 && process->due < next &&
		    may_start(master, slot) && !master->stop.under_way)
			next = process->due;
	}
	return next;
}
