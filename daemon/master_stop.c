#include "daemon/master_stop.h"

#include "conf/log.h"
#include "daemon/master_control.h"
#include "daemon/master_slot.h"
#include "daemon/master_watch.h"

/* Which phase a slot belongs to, and the percentage of stop_timeout by which that is over. A phase
 * that ends early leaves its time to those behind it. */
enum { PHASES = 4 };
static const unsigned percent[PHASES] = {40, 50, 70, 95};

static unsigned phase_of(unsigned slot)
{
	if (slot_is_worker(slot) || slot == SLOT_ADMIN)
		return 0;
	if (slot == SLOT_SEQUENCER)
		return 2;
	return slot == SLOT_STORE || slot == SLOT_COMPLIANCE ? 3 : 1;
}

static void tell(struct master *master, struct process *process)
{
	struct control control = {.type = CONTROL_STOP};
	const uint64_t left = master->stop.deadline - master->now;

	control.arg = (uint32_t)(left / 1000);
	process->told = true;
	if (control_send(process, &control, NULL, 0) == -1)
		watch_kill(process);
}

static void enter(struct master *master, unsigned phase)
{
	struct stop *stop = &master->stop;

	stop->phase = phase;
	stop->deadline = stop->began + master->conf->stop_timeout / 100 * percent[phase];
	if (stop->deadline < master->now)
		stop->deadline = master->now;
	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (master->process[slot].pid > 0 && phase_of(slot) == phase)
			tell(master, &master->process[slot]);
}

void stop_begin(struct master *master)
{
	if (master->stop.under_way)
		return;
	log_notice("stopping");
	master_state(master, PROC_STOPPING);
	master->stop = (struct stop){.under_way = true, .began = master->now};
	enter(master, 0);
}

static bool phase_is_over(const struct master *master)
{
	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (master->process[slot].pid > 0 && phase_of(slot) == master->stop.phase)
			return false;
	return true;
}

static void kill_late(struct master *master)
{
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		struct process *process = &master->process[slot];

		if (process->pid <= 0 || process->killed || phase_of(slot) != master->stop.phase)
			continue;
		log_error("killing pchat-%s[%u], process %d: it did not stop in time",
			  proc_role(slot), slot, process->pid);
		master->stop.forced = true;
		watch_kill(process);
	}
}

bool stop_advance(struct master *master)
{
	while (phase_is_over(master)) {
		if (master->stop.phase == PHASES - 1)
			return true;
		enter(master, master->stop.phase + 1);
	}
	if (master->now >= master->stop.deadline)
		kill_late(master);
	/* What even SIGKILL does not end, the kernel holds; waiting for it helps nobody. */
	return master->now >= master->stop.began + master->conf->stop_timeout;
}

uint64_t stop_next(const struct master *master)
{
	if (!master->stop.under_way)
		return UINT64_MAX;
	if (master->now < master->stop.deadline)
		return master->stop.deadline;
	return master->stop.began + master->conf->stop_timeout;
}
