#include "daemon/store.h"

#include <string.h>

#include "conf/log.h"
#include "daemon/store_object.h"
#include "shm/command.h"
#include "shm/event.h"

enum {
	FULL_WAIT_MS = 500,
	HEARTBEAT = 4096, /* objects, after which the master hears of us even if none was waited for */
};

static uint32_t sequencer_generation(const struct store *store)
{
	return atomic_load_explicit(&store->child.proc.page[SLOT_SEQUENCER]->generation,
				    memory_order_acquire);
}

static bool is_loading(const struct store *store)
{
	const struct proc_page *page = store->child.proc.page[SLOT_SEQUENCER];

	return atomic_load_explicit(&page->state, memory_order_acquire) == PROC_LOADING;
}

bool store_load_wanted(const struct store *store)
{
	return is_loading(store) && sequencer_generation(store) != store->loaded;
}

/* What a load sends, and to whom. */
struct load {
	struct store *store;
	uint32_t generation; /* of the sequencer that asked */
	uint64_t sent;
};

/* Sends one command, and waits while the mailbox is full. False: there is nobody to send it to any
 * more, or we are to stop. */
static bool send(struct load *load, const struct command *head, const void *payload, uint32_t size,
		 const void *more, uint32_t more_size)
{
	struct store *store = load->store;
	struct proc *proc = &store->child.proc;

	if (++load->sent % HEARTBEAT == 0)
		store_wait(store, 0);
	for (;;) {
		proc_arm(proc);
		if (mailbox_send(&store->mailbox, head, payload, size, more, more_size) != 0)
			return !store->stop;
		if (store->stop || !is_loading(store) ||
		    sequencer_generation(store) != load->generation)
			return false;
		proc_wake(proc, SLOT_SEQUENCER);
		store_wait(store, FULL_WAIT_MS);
	}
}

static bool send_begin(struct load *load)
{
	const struct content_cursor *cursor = &load->store->cursor;
	struct command_load begin = {.cursor = cursor->lsn,
				     .last_principal = cursor->last_principal,
				     .last_room = cursor->last_room,
				     .last_category = cursor->last_category,
				     .last_addin = cursor->last_addin};

	memcpy(begin.journal, cursor->journal, sizeof(begin.journal));
	return send(load, &(struct command){.type = COMMAND_LOAD_BEGIN}, &begin, sizeof(begin),
		    NULL, 0);
}

static bool send_object(const struct store_object *object, void *arg)
{
	const struct command_load_room room = {.last_seq = object->last_seq,
					       .removals = object->removals};

	if (object->type == EVENT_ROOM)
		return send(arg, &(struct command){.type = COMMAND_LOAD_ROOM}, &room, sizeof(room),
			    object->payload, object->size);
	return send(arg,
		    &(struct command){.type = COMMAND_LOAD_OBJECT, .flags = object->type},
		    object->payload, object->size, NULL, 0);
}

void store_load(struct store *store)
{
	struct load load = {.store = store, .generation = sequencer_generation(store)};
	enum db_result result;
	struct err err;

	log_info("the sequencer is given what is in the content database");
	if (!send_begin(&load))
		return;
	result = store_objects(store->db, send_object, &load, &err);
	if (result != DB_OK && result != DB_END)
		store_failed(store, result, &err);
	if (result != DB_END ||
	    !send(&load, &(struct command){.type = COMMAND_LOAD_END}, NULL, 0, NULL, 0))
		return;
	store->loaded = load.generation;
	proc_wake(&store->child.proc, SLOT_SEQUENCER);
}
