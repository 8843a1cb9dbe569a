#include "daemon/engine_ask.h"
#include "shm/find.h"

/* Messages out of an archive. The room must be disabled, so that nobody posts in it meanwhile; one
 * that import made is, and is opened at the end, if it is to be. */

/* Numbers rise. What the room has used already is taken to be there. */
static int check_number(const struct engine *engine, const struct import *import, uint32_t room,
			bool *there_r)
{
	const struct room_row *r = room_at(engine, room);

	*there_r = import->head.seq <= r->last_seq;
	if (*there_r)
		return CODE_OK;
	if (!r->disabled)
		return CODE_INVALID_FLOW_OF_OPERATIONS;
	return r->last_seq < import->head.after && !import->head.check ? CODE_BUSY : CODE_OK;
}

static struct record head_of_history(const struct engine *engine, const struct ask_for *ask,
				     const struct import *import, bool last)
{
	struct record head = {.type = EVENT_HISTORY};

	if (last)
		head = head_of(ask, EVENT_HISTORY);
	head.room = ask->command->room;
	head.actor = session_at(engine, ask->session)->principal;
	head.seq = import->head.seq;
	return head;
}

static enum decision import_message(struct engine *engine, const struct ask_for *ask,
				    const struct import *import, uint32_t room,
				    const struct event_history *event)
{
	struct record head = head_of_history(engine, ask, import, true);
	enum decision decision;
	bool there;
	int code = check_message(engine, &event->message);

	if (code == CODE_OK && (import->head.seq == 0 || event->time == 0))
		code = CODE_INVALID_ARGUMENT;
	if (code == CODE_OK)
		code = check_number(engine, import, room, &there);
	if (code != CODE_OK || there)
		return refuse(ask, code);
	if (event->author != 0 && find_principal(&engine->cache, event->author) == 0)
		return refuse(ask, CODE_NO_SUCH_PRINCIPAL);
	if (import->head.check)
		return import_checked(ask);
	if (no_room(engine, ask, import->size, 1, &decision))
		return decision;
	head.flags = ask->command->flags & (EVENT_ALERT | EVENT_REPLACED);
	return become(engine, &head, import->payload, import->size);
}

/* The room as it was where the archive was made. */
static void emit_filled(struct engine *engine, const struct ask_for *ask,
			const struct import *import, uint32_t row)
{
	char name[EVENT_NAME_MAX], description[EVENT_DESCRIPTION_MAX];
	uint8_t payload[128 + sizeof(name) + sizeof(description)];
	struct record head = head_of(ask, EVENT_ROOM);
	struct event_room event;

	engine_room_get(engine, row, name, description, &event);
	event.disabled = import->head.disabled;
	event.revision = import->head.revision;
	head.actor = session_at(engine, ask->session)->principal;
	emit(engine, &head, payload, event_room_put(&event, payload, sizeof(payload)));
}

static enum decision import_end(struct engine *engine, const struct ask_for *ask,
				const struct import *import, uint32_t row,
				const struct event_history *event)
{
	const struct room_row *room = room_at(engine, row);
	const bool filling = room->revision == 0;
	struct record head = head_of_history(engine, ask, import, !filling);
	enum decision decision;
	bool there;
	int code = check_number(engine, import, row, &there);

	if (import->head.disabled > 1 || import->head.revision == 0)
		code = CODE_INVALID_ARGUMENT;
	if (code != CODE_OK)
		return refuse(ask, code);
	there = there && (event->removals <= room->removals || !room->disabled ||
			  import->head.seq < room->last_seq);
	if (there && !filling)
		return refuse(ask, CODE_OK);
	if (import->head.check)
		return import_checked(ask);
	if (no_room(engine, ask, 4096, 2, &decision))
		return decision;
	if (!there)
		emit(engine, &head, import->payload, import->size);
	if (filling)
		emit_filled(engine, ask, import, row);
	return DECIDED;
}

enum decision import_history(struct engine *engine, const struct ask_for *ask,
			     const struct import *import)
{
	const uint32_t row = find_room(&engine->cache, ask->command->room);
	struct event_history event;

	if (!event_history_parse(import->payload, import->size, &event) ||
	    !is_countable(import->head.seq) || !is_countable(import->head.revision) ||
	    !is_countable(event.time) || !is_countable(event.removals))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (row == 0)
		return refuse(ask, CODE_NO_SUCH_NODE);
	return event.what == HISTORY_MESSAGE ? import_message(engine, ask, import, row, &event)
					     : import_end(engine, ask, import, row, &event);
}
