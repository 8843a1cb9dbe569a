#include "daemon/store.h"

#include <string.h>

#include "conf/log.h"
#include "shm/command.h"
#include "shm/event.h"

enum { FULL_WAIT_MS = 500 };

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

/* Sends one command, and waits while the mailbox is full. False: there is nobody to send it to any
 * more, or we are to stop. */
static bool send(struct store *store, uint32_t generation, uint16_t type, const void *payload,
		 uint32_t size, const void *more, uint32_t more_size)
{
	const struct command head = {.type = type};
	struct proc *proc = &store->child.proc;

	for (;;) {
		proc_arm(proc);
		if (mailbox_send(&store->mailbox, &head, payload, size, more, more_size) != 0)
			return true;
		if (store->stop || !is_loading(store) || sequencer_generation(store) != generation)
			return false;
		proc_wake(proc, SLOT_SEQUENCER);
		store_wait(store, FULL_WAIT_MS);
	}
}

static struct text text(struct db_bytes bytes)
{
	return (struct text){.data = bytes.data, .length = (uint32_t)bytes.length};
}

/* A row that is not as the store writes them was changed by somebody else: it is left out. */
static void leave_out(const char *what, uint32_t id)
{
	log_error("%s %u of the content database is malformed and was left out", what, id);
}

static bool send_principal(struct store *store, uint32_t generation,
			   const struct content_principal *row)
{
	const struct event_principal event = {.id = row->id,
					      .kind = row->kind,
					      .state = row->state,
					      .epoch = row->epoch,
					      .uri = text(row->uri),
					      .name = text(row->name)};
	uint8_t payload[256 + EVENT_URI_MAX + EVENT_NAME_MAX];
	const uint32_t size = event_principal_put(&event, payload, sizeof(payload));

	if (size == 0)
		leave_out("user", row->id);
	return size == 0 || send(store, generation, COMMAND_LOAD_PRINCIPAL, payload, size, NULL, 0);
}

static bool send_room(struct store *store, uint32_t generation, const struct content_room *row)
{
	const struct command_load_room head = {.last_seq = row->last_seq};
	struct event_room event = {.id = row->id,
				   .disabled = row->disabled,
				   .created = row->created,
				   .name = text(row->name),
				   .description = text(row->description)};
	uint8_t payload[256 + EVENT_NAME_MAX + EVENT_DESCRIPTION_MAX];
	uint32_t size;

	memcpy(event.uuid, row->uuid, sizeof(event.uuid));
	size = event_room_put(&event, payload, sizeof(payload));
	if (size == 0)
		leave_out("room", row->id);
	return size == 0 ||
	       send(store, generation, COMMAND_LOAD_ROOM, &head, sizeof(head), payload, size);
}

/* What the pages of one table send. */
struct load {
	struct store *store;
	uint32_t generation;
	uint32_t above; /* the id up to which all is sent */
	bool sent;	/* the last page had a row */
	bool gone;	/* the sequencer went away, or we are to stop */
	struct err err;
};

static enum db_result load_principals(struct load *load)
{
	struct db *db = load->store->db;
	struct content_principal row;
	enum db_result result = content_principals(db, load->above, &load->err);

	load->sent = false;
	while (result == DB_OK && !load->gone) {
		result = content_principals_next(db, &row, &load->err);
		if (result != DB_OK)
			break;
		load->above = row.id;
		load->sent = true;
		load->gone = !send_principal(load->store, load->generation, &row);
	}
	return result;
}

static enum db_result load_rooms(struct load *load)
{
	struct db *db = load->store->db;
	struct content_room row;
	enum db_result result = content_rooms(db, load->above, &load->err);

	load->sent = false;
	while ((result == DB_OK || result == DB_BAD_DATA) && !load->gone) {
		result = content_rooms_next(db, &row, &load->err);
		if (result != DB_OK && result != DB_BAD_DATA)
			break;
		load->above = row.id;
		load->sent = true;
		if (result == DB_BAD_DATA)
			leave_out("room", row.id);
		else
			load->gone = !send_room(load->store, load->generation, &row);
	}
	return result;
}

/* All pages of one table. False: it did not get to its end. */
static bool load_table(struct load *load, enum db_result (*page)(struct load *load))
{
	enum db_result result;

	load->above = 0;
	do
		result = page(load);
	while (result == DB_END && load->sent && !load->gone);
	if (result != DB_END && result != DB_OK)
		store_failed(load->store, result, &load->err);
	return result == DB_END && !load->gone;
}

void store_load(struct store *store)
{
	struct load load = {.store = store, .generation = sequencer_generation(store)};
	struct command_load begin = {.cursor = store->cursor.lsn,
				     .last_principal = store->cursor.last_principal,
				     .last_room = store->cursor.last_room};

	memcpy(begin.journal, store->cursor.journal, sizeof(begin.journal));
	log_info("the sequencer is given users and rooms");
	if (!send(store, load.generation, COMMAND_LOAD_BEGIN, &begin, sizeof(begin), NULL, 0) ||
	    !load_table(&load, load_principals) || !load_table(&load, load_rooms) ||
	    !send(store, load.generation, COMMAND_LOAD_END, NULL, 0, NULL, 0))
		return;
	store->loaded = load.generation;
	proc_wake(&store->child.proc, SLOT_SEQUENCER);
}
