#include <string.h>

#include "conf/clock.h"
#include "shm/role.h"
#include "worker/file.h"
#include "worker/object_find.h"

/* Questions to a reader for the files of a room. */

enum { RETRY_US = 50000, STORE_TRIES = 40 /* two seconds */ };

struct list {
	struct request base;
	uint64_t needed; /* LSN: the store has to have everything below it */
	unsigned tries;
	bool asked;
	struct ask_files ask;
};

static int ask_reader(struct list *list)
{
	struct pending *pending = &list->base.base;
	struct chat *chat = pending->session->chat;
	const struct text part = {(const char *)&list->ask, sizeof(list->ask)};
	const int code = chat_ask(chat, chat->questions, ASK_FILES, pending, &part, 1, -1);

	list->asked = code == CODE_OK;
	if (code == CODE_OK)
		pending_until(&chat->pending, pending, chat_answer_limit(chat));
	return code;
}

/* What was uploaded when the question came is to be found: the store may still be at it. */
static int go_on(struct list *list)
{
	struct pending *pending = &list->base.base;
	struct chat *chat = pending->session->chat;
	const struct proc_page *store = chat->proc->page[SLOT_STORE];

	if (atomic_load_explicit(&store->cursor, memory_order_acquire) >= list->needed)
		return ask_reader(list);
	if (++list->tries > STORE_TRIES)
		return CODE_UNAVAILABLE;
	pending_until(&chat->pending, pending, clock_mono() + RETRY_US);
	return CODE_OK;
}

static void settle(struct pending *pending, const struct outcome *outcome)
{
	struct list *list = (struct list *)pending;
	struct session *session = pending->session;
	int code;

	if (outcome->kind == OUTCOME_TIME && !list->asked) {
		code = go_on(list);
		if (code != CODE_OK)
			request_refuse(&list->base, code);
		return;
	}
	code = outcome_code(outcome);
	if (code != CODE_OK) {
		request_refuse(&list->base, code);
	} else if (outcome->kind == OUTCOME_ASK) {
		session->front->found(session, &list->base.id, outcome->body, outcome->ask->size);
		request_end(&list->base);
	}
}

/* Who may read what was said in a room may know of its files. */
static int may_look(const struct session *session, const struct room_view *room)
{
	unsigned rights = 0;
	int code;

	if (session->admin)
		return CODE_OK;
	code = object_rights(session, room->id, &rights);
	if (code != CODE_OK)
		return code;
	if (!(rights & RIGHT_JOIN))
		return rights & RIGHT_SEE ? CODE_ERROR_PERMISSION : CODE_NO_SUCH_NODE;
	return room->disabled ? CODE_NODE_DISABLED : CODE_OK;
}

static void begin(struct session *session, const struct chat_id *id, const struct object_key *room,
		  const struct ask_files *wanted)
{
	struct list *list = (struct list *)request_begin(session, id, sizeof(*list), settle);
	struct chat *chat = session->chat;
	struct room_view view;
	int code;

	if (list == NULL)
		return;
	list->needed = atomic_load_explicit(&chat->proc->page[SLOT_SEQUENCER]->durable,
					    memory_order_acquire);
	list->ask = *wanted;
	code = object_find_room(chat, room, &view);
	if (code == CODE_OK)
		code = may_look(session, &view);
	if (code == CODE_OK && wanted->removed && !session->admin)
		code = CODE_ERROR_PERMISSION;
	if (code == CODE_OK) {
		list->ask.room = view.id;
		code = go_on(list);
	}
	if (code != CODE_OK)
		request_refuse(&list->base, code);
}

void file_list(struct session *session, const struct chat_id *id, const struct object_key *room,
	       const struct file_page *page)
{
	struct ask_files wanted = {.limit = page->limit, .removed = page->removed};

	memcpy(wanted.before, page->before, sizeof(wanted.before));
	begin(session, id, room, &wanted);
}

void file_get(struct session *session, const struct chat_id *id, const uint8_t room[16],
	      const uint8_t file[16], bool removed)
{
	struct ask_files wanted = {.limit = 1, .one = 1, .removed = removed};
	struct object_key key = {.by_name = false};

	memcpy(key.uuid, room, sizeof(key.uuid));
	memcpy(wanted.uuid, file, sizeof(wanted.uuid));
	begin(session, id, &key, &wanted);
}
