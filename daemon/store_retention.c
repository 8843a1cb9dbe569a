#include "daemon/store.h"

#include <string.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "shm/command.h"

/*
 * From time to time the rooms are looked through for messages that retention has no place for,
 * while there is nothing to store. The sequencer is asked to purge them: it decides, and the purge
 * comes back as an event like any other.
 */
enum { STEPS = 32, PAUSE_MS = 5 };

static bool is_served(const struct store *store)
{
	const struct proc_page *page = store->child.proc.page[SLOT_SEQUENCER];

	return atomic_load_explicit(&page->state, memory_order_acquire) == PROC_READY;
}

/* False: the mailbox is full; another time. */
static bool send(struct store *store)
{
	const struct command head = {.type = COMMAND_RETAIN, .room = store->retain_room};
	const struct command_purge purge = {.through = store->retain_through};

	if (mailbox_send(&store->mailbox, &head, &purge, sizeof(purge), NULL, 0) == 0)
		return false;
	proc_wake(&store->child.proc, SLOT_SEQUENCER);
	store->retain_room = 0;
	store->retain_rooms++;
	return true;
}

static void end(struct store *store)
{
	if (store->retain_rooms > 0)
		log_info("retention: messages of %u rooms are to be purged", store->retain_rooms);
	store->retaining = false;
	store->retain_due = clock_mono() + store->child.conf->content.retention_interval;
}

static enum db_result begin(struct store *store, struct err *err)
{
	const enum db_result result =
		retention_begin(&store->retention, store->db, clock_utc(), err);

	store->retaining = result == DB_OK;
	store->retain_rooms = 0;
	if (result == DB_OK && !retention_any(&store->retention))
		end(store);
	return result;
}

static enum db_result go_on(struct store *store, struct err *err)
{
	enum retention_found found = RETENTION_MORE;
	enum db_result result = DB_OK;
	uint64_t through = 0;
	uint32_t room = 0;

	for (unsigned i = 0; i < STEPS && store->retaining && result == DB_OK; i++) {
		if (store->retain_room != 0 && !send(store))
			break;
		result = retention_step(&store->retention, store->db, &found, &room, &through, err);
		if (result == DB_OK && found == RETENTION_END)
			end(store);
		if (result == DB_OK && found == RETENTION_PURGE) {
			store->retain_room = room;
			store->retain_through = through;
		}
	}
	return result;
}

int store_retain(struct store *store, int wait)
{
	enum db_result result = DB_OK;
	struct err err;

	if (store->stop || !store->attached || !is_served(store) ||
	    (!store->retaining && clock_mono() < store->retain_due))
		return wait;
	if (!store->retaining)
		result = begin(store, &err);
	if (result == DB_OK)
		result = go_on(store, &err);
	if (result != DB_OK) {
		store->retaining = false;
		store->retain_room = 0;
		store_failed(store, result, &err);
		return wait;
	}
	return store->retaining && wait > PAUSE_MS ? PAUSE_MS : wait;
}
