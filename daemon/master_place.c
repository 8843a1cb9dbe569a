#include "daemon/master_place.h"

#include "conf/log.h"
#include "daemon/master_control.h"
#include "daemon/master_slot.h"
#include "daemon/master_watch.h"

static struct process *find_standby(struct master *master)
{
	for (unsigned i = SLOT_WORKER; i < SLOT_WORKER + WORKER_SLOTS; i++) {
		struct process *process = &master->process[i];

		if (process->pid > 0 && process->ready && !process->killed && process->place == -1)
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

void place_fill(struct master *master)
{
	if (master->stop.under_way)
		return;
	for (unsigned place = 0; place < master->conf->workers.active; place++) {
		struct process *process;

		while (master->place[place] == NULL &&
		       (process = find_standby(master)) != NULL)
			/* One that does not even take a message is not alive any more. */
			if (give(master, process, place) == -1)
				watch_kill(process);
	}
}

bool place_all_served(const struct master *master)
{
	for (unsigned place = 0; place < master->conf->workers.active; place++)
		if (master->place[place] == NULL)
			return false;
	return true;
}
