#include <string.h>

#include "worker/object_find.h"
#include "worker/object_send.h"

/* Rooms made and changed. */

struct room_add {
	struct request base;
	uint8_t uuid[16];
};

static void room_settle(struct pending *pending, const struct outcome *outcome)
{
	struct room_add *add = (struct room_add *)pending;
	int code = outcome_code(outcome);

	if (code != CODE_OK) {
		request_refuse(&add->base, code);
		return;
	}
	pending->session->front->room_added(pending->session, &add->base.id, add->uuid);
	request_end(&add->base);
}

static int send_room(struct session *session, uint32_t tag, const struct command_change *change,
		     const struct event_room *room)
{
	uint8_t payload[OBJECT_PAYLOAD];
	uint32_t size = event_room_put(room, payload + OBJECT_HEAD, sizeof(payload) - OBJECT_HEAD);

	return object_send(session, tag, COMMAND_ROOM, change, payload, size);
}

/* Whether a new room of the session's may stand there. */
static int may_stand(const struct session *session, uint32_t category, bool *may_r)
{
	*may_r = true;
	return session->admin ? CODE_OK
			      : cache_may_create(session->chat->cache, session->principal, category,
						 may_r);
}

/* The only category in which the session may make rooms; where there are several it has to be
 * named. */
static int only_category(const struct session *session, uint32_t *category_r)
{
	struct category_view view;
	uint32_t position = 0;
	bool may = false;
	int code;

	*category_r = 0;
	while ((code = cache_categories_next(session->chat->cache, &position, &view)) == CODE_OK) {
		code = may_stand(session, view.id, &may);
		if (code != CODE_OK)
			return code;
		if (may && *category_r != 0)
			return CODE_INVALID_ARGUMENT;
		if (may)
			*category_r = view.id;
	}
	if (code == CODE_BUSY)
		return code;
	return *category_r == 0 ? CODE_ERROR_PERMISSION : CODE_OK;
}

/* Looks up what the room refers to. */
static int resolve(const struct session *session, const struct object_key *category,
		   struct text addin, struct event_room *room)
{
	struct category_view category_view;
	struct addin_view addin_view;
	int code = CODE_OK;

	if (category != NULL) {
		code = object_find_category(session->chat, category, &category_view);
		if (code == CODE_OK)
			room->category = category_view.id;
	} else if (room->id == 0) {
		code = only_category(session, &room->category);
	}
	if (code == CODE_OK && addin.length > 0) {
		code = object_find_addin(session->chat, addin, &addin_view);
		if (code == CODE_OK)
			room->addin = addin_view.id;
	}
	return code;
}

static void room_add(struct session *session, const struct chat_id *id, struct event_room *room,
		     const struct object_key *category, struct text addin)
{
	static const struct command_change whole;
	struct room_add *add;
	int code;

	add = (struct room_add *)request_begin(session, id, sizeof(*add), room_settle);
	if (add == NULL)
		return;
	code = resolve(session, category, addin, room);
	if (code == CODE_OK && !object_make_uuid(add->uuid))
		code = CODE_SERVER_ERROR;
	memcpy(room->uuid, add->uuid, sizeof(room->uuid));
	if (code == CODE_OK)
		code = send_room(session, add->base.base.tag, &whole, room);
	if (code != CODE_OK)
		request_refuse(&add->base, code);
}

void object_room(struct session *session, const struct chat_id *id, const struct object_key *key,
		 const struct command_change *change, const struct event_room *wanted,
		 const struct object_key *category, struct text addin)
{
	struct event_room room = *wanted;
	struct request *request;
	struct room_view view;
	int code;

	if (!object_text_valid(room.name, key == NULL || change->fields & FIELD_NAME) ||
	    !object_text_valid(room.description, 0)) {
		session_refuse(session, id, CODE_INVALID_ARGUMENT);
		return;
	}
	room.id = 0;
	if (key == NULL) {
		room_add(session, id, &room, category, addin);
		return;
	}
	request = request_begin(session, id, sizeof(*request), object_done);
	if (request == NULL)
		return;
	code = object_find_room(session->chat, key, &view);
	room.id = view.id;
	if (code == CODE_OK)
		code = resolve(session, category, addin, &room);
	if (code == CODE_OK)
		code = send_room(session, request->base.tag, change, &room);
	if (code != CODE_OK)
		request_refuse(request, code);
}
