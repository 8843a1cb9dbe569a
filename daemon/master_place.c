#include "daemon/master_place.h"

#include "conf/log.h"
#include "daemon/master_control.h"
#include "daemon/master_slot.h"
#include "daemon/master_watch.h"
#include "shm/scoped.h"

/* Beyond its time to get rid of its connections a worker has this to end. */
#define DRAIN_SLACK UINT64_C(10000000)
#define UNBOUND_LOG UINT64_C(60000000)

static uint32_t bit(unsigned place)
{
	return UINT32_C(1) << place;
}

void place_init(struct master *master)
{
	master->wanted = scoped_places_of(master->conf, 0);
}

/* --- Which are to be served. --- */

/* What stands in the sequencer's page counts while it is ready; else what it said before. */
static void look(struct master *master)
{
	const struct process *sequencer = &master->process[SLOT_SEQUENCER];
	const struct proc_page *page = master->table.page[SLOT_SEQUENCER];
	uint32_t wanted;

	if (!sequencer->ready)
		return;
	wanted = scoped_places_of(master->conf,
				  (uint32_t)atomic_load_explicit(&page->places, memory_order_acquire));
	if (wanted == master->wanted)
		return;
	master->wanted = wanted;
	log_notice("%d places are active", __builtin_popcount(wanted));
}

/* --- Giving up. --- */

static void give_up(struct master *master, unsigned place)
{
	const uint64_t drain = master->conf->workers.drain;
	const struct control control = {.type = CONTROL_DRAIN, .arg = (uint32_t)(drain / 1000)};
	struct process *process = master->place[place];

	log_notice("pchat-worker[%u] gives up place %u", process->slot, place);
	process->draining = process->told = process->at_once = true;
	process->drained = master->now + drain + DRAIN_SLACK;
	process->place = -1;
	master->place[place] = NULL;
	atomic_store(&master->table.own->slots[process->slot].listener, 0);
	if (control_send(process, &control, NULL, 0) == -1)
		watch_kill(process);
}

/* --- Giving. --- */

static struct process *find_standby(struct master *master)
{
	for (unsigned i = SLOT_WORKER; i < SLOT_WORKER + WORKER_SLOTS; i++) {
		struct process *process = &master->process[i];

		if (process->pid > 0 && process->ready && !process->killed && !process->draining &&
		    process->place == -1)
			return process;
	}
	return NULL;
}

static int give(struct master *master, struct process *process, unsigned place)
{
	struct control control = {.type = CONTROL_LISTEN, .arg = place};
	int fds[CONF_ITEMS_MAX + 1];
	unsigned count;

	count = listener_place(&master->listener, place, fds, control.kinds);
	if (control_send(process, &control, fds, count) == -1)
		return -1;
	process->place = (int)place;
	master->place[place] = process;
	atomic_store(&master->table.own->slots[process->slot].listener, place + 1);
	log_notice("pchat-worker[%u] serves place %u", process->slot, place);
	return 0;
}

/* Tried again with every turn. */
static bool has_sockets(struct master *master, unsigned place)
{
	struct err err;

	if (listener_open(&master->listener, place, &err) == 0)
		return true;
	if (master->unbound == 0 || master->now - master->unbound >= UNBOUND_LOG) {
		log_error("place %u cannot be served: %s", place, err.text);
		master->unbound = master->now;
	}
	return false;
}

static void fill(struct master *master, unsigned place)
{
	struct process *process;

	while (master->place[place] == NULL && (process = find_standby(master)) != NULL &&
	       has_sockets(master, place))
		/* One that does not even take a message is not alive any more. */
		if (give(master, process, place) == -1)
			watch_kill(process);
}

/* Of those that are to be. */
static unsigned count_served(const struct master *master)
{
	unsigned served = 0;

	for (unsigned place = 0; place < master->listener.places; place++)
		served += (master->wanted & bit(place)) && master->place[place] != NULL;
	return served;
}

void place_turn(struct master *master)
{
	if (master->stop.under_way)
		return;
	look(master);
	for (unsigned place = 0; place < master->listener.places; place++)
		if (master->wanted & bit(place))
			fill(master, place);
	/* Where one is changed for another there is always somebody who serves. */
	for (unsigned place = 0; place < master->listener.places; place++)
		if (!(master->wanted & bit(place)) && count_served(master) > 0) {
			if (master->place[place] != NULL)
				give_up(master, place);
			listener_close(&master->listener, place);
		}
}

bool place_all_served(const struct master *master)
{
	const unsigned wanted = (unsigned)__builtin_popcount(master->wanted);
	const unsigned first = master->conf->workers.active;

	return count_served(master) >= (wanted < first ? wanted : first);
}
