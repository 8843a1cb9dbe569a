#include "daemon/master.h"

#include <bsd/unistd.h>
#include <event2/event.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/bug.h"
#include "conf/clock.h"
#include "conf/log.h"
#include "daemon/master_control.h"
#include "daemon/master_place.h"
#include "daemon/master_reload.h"
#include "daemon/master_slot.h"
#include "daemon/master_spawn.h"
#include "daemon/master_status.h"
#include "daemon/master_stop.h"
#include "daemon/master_watch.h"

#define TURN UINT64_C(500000) /* at most between two turns */

/* What a process needs besides its connections; more than the highest number in shm/child.h. */
enum { DESCRIPTORS_EXTRA = 512 };

/* --- Handlers. --- */

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct master *master = arg;

	(void)what;
	if (number == SIGCHLD)
		master->child_wanted = true;
	else if (number == SIGHUP)
		master->reload_wanted = true;
	else if (number != SIGUSR1)
		master->stop_wanted = true;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static int add_handlers(struct master *master, struct err *err)
{
	static const int numbers[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1};

	master->base = event_base_new();
	if (master->base == NULL)
		return err_set(err, "could not make an event loop");
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		master->signals[i] = evsignal_new(master->base, numbers[i], on_signal, master);
		if (master->signals[i] == NULL || event_add(master->signals[i], NULL) == -1)
			return err_set(err, "could not catch signals");
	}
	master->timer = evtimer_new(master->base, on_timer, master);
	if (master->timer == NULL)
		return err_set(err, "could not make a timer");
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

/* --- Making. --- */

static int open_table(struct master *master, struct err *err)
{
	const struct supply *supply = &master->supply;
	struct master_slot *own;
	int page[SLOTS];

	for (unsigned slot = 0; slot < SLOTS; slot++)
		page[slot] = supply->page[slot].ro;
	if (proc_attach(&master->table, SLOT_MASTER, ++master->generation,
			supply->page[SLOT_MASTER].rw, page, supply->event, err) == -1)
		return -1;
	own = &master->table.own->slots[SLOT_MASTER];
	atomic_store(&own->pid, getpid());
	atomic_store_explicit(&own->generation, master->generation, memory_order_release);
	return 0;
}

static int check_programs(const struct master *master, struct err *err)
{
	const struct spawn spawn = {.directory = master->directory};
	char path[PATH_MAX];

	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (master->process[slot].wanted &&
		    spawn_program(&spawn, slot, path, err) == -1)
			return -1;
	return 0;
}

static void make_processes(struct master *master)
{
	if (master->conf->adapters.count > 0 && !master->conf->compliance.enabled)
		log_warning("compliance.enabled is off: no adapter will make files");
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		struct process *process = &master->process[slot];

		process->slot = slot;
		process->master = master;
		process->control = process->place = -1;
		process->wanted = slot_is_wanted(slot, master->conf);
		if (process->wanted)
			process->generation = ++master->generation;
	}
}

/* The limit is inherited by the workers, each of which may hold so many connections. */
static void raise_limit(const struct conf *conf)
{
	const rlim_t needed = (rlim_t)conf->json.connections + DESCRIPTORS_EXTRA;
	struct rlimit limit, wanted;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur >= needed)
		return;
	wanted = (struct rlimit){needed, limit.rlim_max > needed ? limit.rlim_max : needed};
	if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
		return;
	wanted.rlim_cur = wanted.rlim_max = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
		limit = wanted;
	log_warning("json.connections is %u, but a process may open %llu descriptors only",
		    conf->json.connections, (unsigned long long)limit.rlim_cur);
}

int master_init(struct master *master, uint64_t wait, struct err *err)
{
	/* No descriptor yet: master_fini may come before they are made. */
	memset(&master->supply, -1, sizeof(master->supply));
	memset(&master->listener, -1, sizeof(master->listener));
	raise_limit(master->conf);
	make_processes(master);
	place_init(master);
	if (check_programs(master, err) == -1)
		return -1;
	if (supply_init(&master->supply, master->conf, wait, err) == -1)
		return -1;
	if (listener_init(&master->listener, master->conf, wait, err) == -1)
		return -1;
	if (open_table(master, err) == -1 || add_handlers(master, err) == -1)
		return -1;
	master->status = status_new(master->base, master->listener.control, master->conf,
				    &master->supply, &master->process[SLOT_ADAPTER], err);
	return master->status == NULL ? -1 : 0;
}

/* --- The loop. --- */

void master_state(struct master *master, enum proc_state state)
{
	proc_state(&master->table, state);
	setproctitle("-pchatd: %s", proc_state_name(state));
}

void master_wake_sequencer(struct master *master)
{
	proc_wake(&master->table, SLOT_SEQUENCER);
}

void master_fail(struct master *master, int status, const char *fmt, ...)
{
	struct err *failure = &master->failure;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(failure->text, sizeof(failure->text), fmt, ap);
	va_end(ap);
	log_error("%s", failure->text);
	master->result = status;
	master->stop_wanted = true;
}

static bool are_ready(const struct master *master, unsigned first, unsigned last)
{
	for (unsigned slot = first; slot <= last; slot++) {
		const struct process *process = &master->process[slot];

		if (process->wanted && !process->ready && !slot_is_standby(slot, master->conf))
			return false;
	}
	return true;
}

/* Both only ever begin: what dies later is replaced while everything else goes on. */
static void note_progress(struct master *master)
{
	if (!master->loaded && are_ready(master, SLOT_SEQUENCER, SLOT_STORE)) {
		master->loaded = true;
		log_info("the sequencer has loaded");
	}
	if (master->serving || !are_ready(master, 0, SLOTS - 1) || !place_all_served(master))
		return;
	master->serving = true;
	master_state(master, PROC_READY);
	log_notice("ready");
	detach_report(master->detach, EX_OK, "");
}

static uint64_t next_turn(const struct master *master)
{
	uint64_t next = master->now + TURN;

	if (watch_next_start(master) < next)
		next = watch_next_start(master);
	if (stop_next(master) < next)
		next = stop_next(master);
	return next;
}

static void sleep_until(struct master *master, uint64_t moment)
{
	const uint64_t now = clock_mono();
	const uint64_t wait = moment > now ? moment - now : 0;
	const struct timeval time = {.tv_sec = (time_t)(wait / 1000000),
				     .tv_usec = (suseconds_t)(wait % 1000000)};

	bug_on(event_add(master->timer, &time) == -1);
	bug_on(event_base_loop(master->base, EVLOOP_ONCE) == -1);
	master->now = clock_mono();
}

static bool take_flag(bool *flag)
{
	const bool was = *flag;

	*flag = false;
	return was;
}

/* The order matters: a place is given to a standby before anything that takes longer is done. */
static void act(struct master *master)
{
	proc_heartbeat(&master->table);
	if (take_flag(&master->child_wanted))
		watch_reap(master);
	place_turn(master);
	note_progress(master);
	if (take_flag(&master->stop_wanted))
		stop_begin(master);
	if (master->stop.under_way)
		return;
	watch_check(master);
	watch_start_due(master);
	if (take_flag(&master->reload_wanted))
		reload_configuration(master);
}

int master_run(struct master *master)
{
	master->now = clock_mono();
	watch_start_due(master);
	for (;;) {
		sleep_until(master, next_turn(master));
		act(master);
		if (master->stop.under_way && stop_advance(master))
			break;
	}
	if (master->stop.forced && master->result == EX_OK)
		master_fail(master, EX_SOFTWARE, "some processes had to be killed at the stop");
	log_notice("stopped");
	return master->result;
}

/* --- The end. --- */

void master_fini(struct master *master)
{
	for (unsigned slot = 0; slot < SLOTS; slot++)
		control_close(&master->process[slot]);
	status_free(&master->status);
	proc_close(&master->table);
	listener_fini(&master->listener);
	supply_fini(&master->supply);
	for (unsigned i = 0; i < sizeof(master->signals) / sizeof(master->signals[0]); i++)
		if (master->signals[i] != NULL)
			event_free(master->signals[i]);
	if (master->timer != NULL)
		event_free(master->timer);
	if (master->base != NULL)
		event_base_free(master->base);
}
