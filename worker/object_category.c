#include <string.h>

#include "worker/object_find.h"
#include "worker/object_send.h"

/* Categories and add-ins made and changed, and everything that can be removed. */

/* --- Categories. --- */

struct category_add {
	struct request base;
	uint8_t uuid[16];
};

static void category_settle(struct pending *pending, const struct outcome *outcome)
{
	struct category_add *add = (struct category_add *)pending;
	struct session *session = pending->session;
	int code = outcome_code(outcome);

	if (code != CODE_OK) {
		request_refuse(&add->base, code);
		return;
	}
	session->front->object->category_made(session, &add->base.id, add->uuid);
	request_end(&add->base);
}

static int send_category(struct session *session, uint32_t tag, const struct command_change *change,
			 const struct event_category *category)
{
	uint8_t payload[OBJECT_PAYLOAD];
	uint32_t size =
		event_category_put(category, payload + OBJECT_HEAD, sizeof(payload) - OBJECT_HEAD);

	return object_send(session, tag, COMMAND_CATEGORY, change, payload, size);
}

static void category_add(struct session *session, const struct chat_id *id,
			 struct event_category *category)
{
	static const struct command_change whole;
	struct category_add *add;
	int code;

	add = (struct category_add *)request_begin(session, id, sizeof(*add), category_settle);
	if (add == NULL)
		return;
	code = object_make_uuid(add->uuid) ? CODE_OK : CODE_SERVER_ERROR;
	memcpy(category->uuid, add->uuid, sizeof(category->uuid));
	if (code == CODE_OK)
		code = send_category(session, add->base.base.tag, &whole, category);
	if (code != CODE_OK)
		request_refuse(&add->base, code);
}

void object_category(struct session *session, const struct chat_id *id,
		     const struct object_key *key, const struct command_change *change,
		     const struct event_category *wanted)
{
	struct event_category category = *wanted;
	struct category_view view;
	struct request *request;
	int code;

	if (!object_text_valid(category.name, key == NULL || change->fields & FIELD_NAME) ||
	    !object_text_valid(category.description, 0)) {
		session_refuse(session, id, CODE_INVALID_ARGUMENT);
		return;
	}
	if (key == NULL) {
		category_add(session, id, &category);
		return;
	}
	request = request_begin(session, id, sizeof(*request), object_done);
	if (request == NULL)
		return;
	code = object_find_category(session->chat, key, &view);
	category.id = view.id;
	if (code == CODE_OK)
		code = send_category(session, request->base.tag, change, &category);
	if (code != CODE_OK)
		request_refuse(request, code);
}

/* --- Add-ins. --- */

static void addin_settle(struct pending *pending, const struct outcome *outcome)
{
	struct request *request = (struct request *)pending;
	struct session *session = pending->session;
	struct event_addin addin = {0};
	int code = outcome_code(outcome);

	if (code == CODE_OK &&
	    (outcome->kind != OUTCOME_EVENT || !event_addin_get(outcome->record, &addin)))
		code = CODE_SERVER_ERROR;
	if (code != CODE_OK) {
		request_refuse(request, code);
		return;
	}
	session->front->object->addin_made(session, &request->id, addin.name);
	request_end(request);
}

void object_addin(struct session *session, const struct chat_id *id, struct text name,
		  const struct command_change *change, const struct event_addin *wanted)
{
	const bool is_new = name.length == 0;
	struct event_addin addin = *wanted;
	uint8_t payload[OBJECT_PAYLOAD];
	struct addin_view view;
	struct request *request;
	uint32_t size;
	int code;

	request = request_begin(session, id, sizeof(*request), is_new ? addin_settle : object_done);
	if (request == NULL)
		return;
	if (is_new) {
		code = object_make_uuid(addin.uuid) ? CODE_OK : CODE_SERVER_ERROR;
	} else {
		code = object_find_addin(session->chat, name, &view);
		addin.id = view.id;
	}
	if (code == CODE_OK) {
		size = event_addin_put(&addin, payload + OBJECT_HEAD,
				       sizeof(payload) - OBJECT_HEAD);
		code = object_send(session, request->base.tag, COMMAND_ADDIN, change, payload,
				   size);
	}
	if (code != CODE_OK)
		request_refuse(request, code);
}

/* --- Removing. --- */

static int find_node(const struct chat *chat, enum node_kind kind, const struct object_key *key,
		     uint32_t *id_r)
{
	union {
		struct category_view category;
		struct room_view room;
		struct addin_view addin;
	} view;
	int code;

	*id_r = 0;
	switch (kind) {
	case NODE_CATEGORY:
		code = object_find_category(chat, key, &view.category);
		if (code == CODE_OK)
			*id_r = view.category.id;
		return code;
	case NODE_ROOM:
		code = object_find_room(chat, key, &view.room);
		if (code == CODE_OK)
			*id_r = view.room.id;
		return code;
	case NODE_ADDIN:
		break;
	}
	code = object_find_addin(chat, key->name, &view.addin);
	if (code == CODE_OK)
		*id_r = view.addin.id;
	return code;
}

void object_remove(struct session *session, const struct chat_id *id, enum node_kind kind,
		   const struct object_key *key)
{
	struct request *request = request_begin(session, id, sizeof(*request), object_done);
	static const struct command_change whole;
	struct event_removed removed = {.kind = (uint8_t)kind};
	uint8_t payload[OBJECT_PAYLOAD];
	uint32_t size;
	int code;

	if (request == NULL)
		return;
	code = session->admin ? find_node(session->chat, kind, key, &removed.id)
			      : CODE_ERROR_PERMISSION;
	if (code == CODE_OK) {
		size = event_removed_put(&removed, payload + OBJECT_HEAD,
					 sizeof(payload) - OBJECT_HEAD);
		code = object_send(session, request->base.tag, COMMAND_REMOVE, &whole, payload,
				   size);
	}
	if (code != CODE_OK)
		request_refuse(request, code);
}
