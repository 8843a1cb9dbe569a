#include "daemon/engine_ask.h"

#include <string.h>

#include "shm/find.h"

/* What is done only so that it is on record. */

/* --- Views. --- */

struct view {
	struct command_view head;
	const uint8_t *rooms; /* ids, not aligned */
	const uint8_t *payload;
	uint32_t size;
	unsigned kind; /* enum view_kind */
};

static bool parse_view(const struct ask_for *ask, struct view *view)
{
	const uint32_t size = ask->command->payload;
	struct event_view event;
	uint32_t rooms;

	if (size < sizeof(view->head))
		return false;
	memcpy(&view->head, ask->payload, sizeof(view->head));
	if (view->head.count > COMMAND_VIEW_MAX)
		return false;
	rooms = view->head.count * (uint32_t)sizeof(uint32_t);
	if (size - sizeof(view->head) < rooms)
		return false;
	view->rooms = (const uint8_t *)ask->payload + sizeof(view->head);
	view->payload = view->rooms + rooms;
	view->size = size - (uint32_t)sizeof(view->head) - rooms;
	if (!event_view_parse(view->payload, view->size, &event) || !is_text(event.request))
		return false;
	view->kind = event.kind;
	return true;
}

enum admin_duty duty_of_view(const struct ask_for *ask)
{
	struct view view;

	return parse_view(ask, &view) && view.kind >= VIEW_RECORDS ? DUTY_RECORDS : DUTY_READ;
}

enum decision decide_view(struct engine *engine, const struct ask_for *ask)
{
	struct record head = head_of(ask, EVENT_VIEW);
	enum decision decision;
	struct view view;
	uint32_t events;

	if (!parse_view(ask, &view))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (view.kind >= VIEW_RECORDS && !admin_asks(engine, ask, DUTY_RECORDS))
		return refuse(ask, CODE_ERROR_PERMISSION);
	events = view.head.count > 0 ? view.head.count : 1;
	if (no_room(engine, ask, (uint64_t)events * view.size, events, &decision))
		return decision;
	head.actor = session_at(engine, ask->session)->principal;
	for (uint32_t i = 0; i < events; i++) {
		const bool last = i + 1 == events;

		if (view.head.count > 0)
			memcpy(&head.room, view.rooms + i * sizeof(head.room), sizeof(head.room));
		head.origin.request = last ? ask->command->origin.request : 0;
		head.command = last ? ask->command->number : 0;
		emit(engine, &head, view.payload, view.size);
	}
	return DECIDED;
}

/* --- Refusals. --- */

/* Commands that change a room name it in their payload. */
static uint32_t room_of(const struct ask_for *ask)
{
	const struct command *command = ask->command;
	struct command_roles roles;
	struct event_room event;

	if (command->type == COMMAND_ROOM && command->payload > sizeof(struct command_change) &&
	    event_room_parse((const uint8_t *)ask->payload + sizeof(struct command_change),
			     command->payload - (uint32_t)sizeof(struct command_change), &event))
		return event.id;
	if (command->type == COMMAND_ROLES && command->payload >= sizeof(roles)) {
		memcpy(&roles, ask->payload, sizeof(roles));
		return roles.kind == NODE_ROOM ? roles.node : 0;
	}
	return command->room;
}

static bool is_denial(const struct engine *engine, const struct ask_for *ask)
{
	switch (ask->answer->code) {
	case CODE_ERROR_PERMISSION:
	case CODE_NODE_DISABLED:
	case CODE_AUTHENTICATION_FAILED:
	case CODE_PRINCIPALS_NOT_IN_SCOPE:
		return true;
	case CODE_NO_SUCH_NODE: /* which he is told of a secret room, too */
		return room_of(ask) != 0 && find_room(&engine->cache, room_of(ask)) != 0;
	default:
		return false;
	}
}

static enum decision emit_refused(struct engine *engine, const struct ask_for *ask,
				  const struct event_refused *event, enum decision decision)
{
	struct record head = head_of(ask, EVENT_REFUSED);
	uint8_t payload[16 + EVENT_URI_MAX + EVENT_ADDRESS_MAX + EVENT_METHOD_MAX];
	const uint32_t size = event_refused_put(event, payload, sizeof(payload));

	switch (room_for(engine, size, 1, true)) {
	case BATCH_FULL:
		return LATER;
	case RING_FULL:
		ask->answer->code = CODE_BUSY;
		return decision;
	case FITS:
		break;
	}
	/* It answers nothing: the answer follows by itself. */
	head.origin.request = 0;
	head.command = 0;
	head.room = room_of(ask);
	head.actor = ask->session ? session_at(engine, ask->session)->principal : 0;
	emit(engine, &head, payload, size);
	return decision;
}

static bool wants_refusals(const struct engine *engine)
{
	return engine->conf->compliance.enabled && engine->conf->compliance.refused;
}

enum decision note_refusal(struct engine *engine, const struct ask_for *ask, enum decision decision)
{
	const struct event_refused event = {.code = ask->answer->code,
					    .command = ask->command->type};

	if (decision != ANSWERED || !wants_refusals(engine) || !is_denial(engine, ask))
		return decision;
	return emit_refused(engine, ask, &event, decision);
}

enum decision decide_refused(struct engine *engine, const struct ask_for *ask)
{
	struct event_refused event;

	if (!event_refused_parse(ask->payload, ask->command->payload, &event) ||
	    !is_text(event.user) || !is_text(event.address) || !is_text(event.method))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	/* A worker speaks for its own sessions only. */
	if (ask->session != 0 && (event.user.length > 0 || event.address.length > 0))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (!wants_refusals(engine))
		return DECIDED;
	return emit_refused(engine, ask, &event, DECIDED);
}
