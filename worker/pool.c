#include "worker/pool.h"

#include "worker/core.h"
#include "worker/scoped.h"

static uint64_t counter(const struct proc_page *page, enum counter number)
{
	return atomic_load_explicit(&page->counters[number], memory_order_relaxed);
}

/* False: nobody is in the slot. */
static bool look(const struct proc *proc, unsigned slot, struct pool_worker *worker_r)
{
	const struct master_slot *said = &proc->page[SLOT_MASTER]->slots[slot];
	const struct proc_page *page = proc->page[slot];

	*worker_r = (struct pool_worker){.slot = slot, .pid = atomic_load(&said->pid)};
	if (worker_r->pid == 0 || page == NULL)
		return false;
	worker_r->state = proc_state_name((enum proc_state)atomic_load(&page->state));
	worker_r->connections = counter(page, COUNTER_CONNECTIONS_OPEN);
	worker_r->sessions = counter(page, COUNTER_SESSIONS_OPEN);
	return true;
}

static void add(const struct proc *proc, unsigned slot, struct pool_view *view)
{
	const struct master_slot *said = &proc->page[SLOT_MASTER]->slots[slot];
	const uint32_t listener = atomic_load(&said->listener);
	struct pool_worker worker;

	if (!look(proc, slot, &worker))
		return;
	if (listener == 0) {
		if (view->others < CONF_PLACES_MAX)
			view->other[view->others++] = worker;
	} else if (listener <= view->places) {
		view->place[listener - 1].served = true;
		view->place[listener - 1].worker = worker;
	}
}

void chat_pool(struct session *session, const struct chat_id *id)
{
	const struct chat *chat = session->chat;
	const struct conf *conf = chat->conf;
	struct pool_view view = {.places = conf->workers.active + conf->workers.standby};
	uint32_t set;
	const int code = scoped_pool_places(chat, &set, &view.revision);

	if (code != CODE_OK || chat->proc->page[SLOT_MASTER] == NULL) {
		session_refuse(session, id, CODE_BUSY);
		return;
	}
	set = scoped_places_of(conf, set);
	for (unsigned place = 0; place < view.places; place++)
		view.place[place].active = set >> place & 1;
	for (unsigned slot = SLOT_WORKER; slot < SLOT_WORKER + WORKER_SLOTS; slot++)
		add(chat->proc, slot, &view);
	session->front->pool(session, id, &view);
}
