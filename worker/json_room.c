#include <string.h>

#include "worker/json_edit.h"
#include "worker/json_peer.h"
#include "worker/json_text.h"
#include "worker/scoped.h"

/* What users call: rooms and messages. */

static int get_join(const struct json_peer *peer, const json_t *item, struct chat_join *join_r)
{
	const json_t *since = json_object_get(item, "since");
	uint64_t history = scoped_effective(peer->session.chat)->history;
	int code = json_get_room(peer, item, join_r->room);

	join_r->has_since = since != NULL && !json_is_null(since);
	join_r->since = 0;
	if (code == CODE_OK)
		code = json_get_number(item, "since", 0, INT64_MAX, &join_r->since);
	if (code == CODE_OK)
		code = json_get_number(item, "history", 0, CHAT_PAGE_MAX, &history);
	join_r->history = (uint16_t)history;
	return code;
}

int json_get_joins(const struct json_peer *peer, const json_t *params,
		   struct chat_join joins_r[CHAT_JOIN_MAX], unsigned *count_r)
{
	const json_t *rooms = json_object_get(params, "rooms");
	const size_t count = json_array_size(rooms); /* 0 for what is no array */
	int code = CODE_OK;

	*count_r = 0;
	if (rooms == NULL || json_is_null(rooms))
		return CODE_OK;
	if (count < 1 || count > CHAT_JOIN_MAX)
		return CODE_INVALID_ARGUMENT;
	for (size_t i = 0; i < count && code == CODE_OK; i++)
		code = get_join(peer, json_array_get(rooms, i), &joins_r[i]);
	*count_r = (unsigned)count;
	return code;
}

static int room_join(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct chat_join joins[CHAT_JOIN_MAX];
	unsigned count;
	int code = json_get_joins(peer, params, joins, &count);

	if (code == CODE_OK && count == 0) {
		code = get_join(peer, params, &joins[0]);
		count = 1;
	}
	if (code == CODE_OK)
		chat_join(&peer->session, id, joins, count);
	return code;
}

static int room_leave(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	uint8_t uuid[16];
	int code = json_get_room(peer, params, uuid);

	if (code == CODE_OK)
		chat_leave(&peer->session, id, uuid);
	return code;
}

static int room_participants(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	uint8_t uuid[16];
	int code = json_get_room(peer, params, uuid);

	if (code == CODE_OK)
		chat_participants(&peer->session, id, uuid);
	return code;
}

static int get_importance(const json_t *params, bool *alert_r)
{
	struct text importance = {"regular", 7};
	int code = json_get_text(params, "importance", false, &importance);

	*alert_r = strcmp(importance.data, "alert") == 0;
	if (code == CODE_OK && !*alert_r && strcmp(importance.data, "regular") != 0)
		code = CODE_INVALID_ARGUMENT;
	return code;
}

/* "rich": the same with markup, {"type":MEDIA-TYPE,"content":TEXT}. */
static int get_rich(const json_t *params, struct event_message *message)
{
	const json_t *rich = json_object_get(params, "rich");
	int code;

	message->rich_type = message->rich = (struct text){"", 0};
	if (rich == NULL || json_is_null(rich))
		return CODE_OK;
	code = json_get_text(rich, "type", true, &message->rich_type);
	if (code == CODE_OK)
		code = json_get_text(rich, "content", true, &message->rich);
	if (code == CODE_OK && (message->rich_type.length == 0 || message->rich.length == 0 ||
				message->rich_type.length > EVENT_RICH_TYPE_MAX))
		code = CODE_INVALID_ARGUMENT;
	return code;
}

/* A title makes it a story. */
static int get_title(const json_t *params, struct text *title_r)
{
	const json_t *title = json_object_get(params, "title");
	int code = json_get_text(params, "title", false, title_r);

	if (code == CODE_OK && title != NULL && !json_is_null(title) &&
	    (title_r->length == 0 || title_r->length > EVENT_TITLE_MAX))
		code = CODE_INVALID_ARGUMENT;
	return code;
}

static int message_post(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct event_message message = {.title = {"", 0}};
	uint8_t uuid[16];
	bool alert;
	int code = json_get_room(peer, params, uuid);

	if (code == CODE_OK)
		code = json_get_text(params, "text", true, &message.text);
	if (code == CODE_OK)
		code = json_get_text(params, "id", true, &message.id);
	if (code == CODE_OK)
		code = get_title(params, &message.title);
	if (code == CODE_OK)
		code = get_rich(params, &message);
	if (code == CODE_OK)
		code = get_importance(params, &alert);
	if (code != CODE_OK)
		return code;
	if (message.text.length == 0 || message.id.length == 0 ||
	    message.id.length > EVENT_MESSAGE_ID_MAX)
		return CODE_INVALID_ARGUMENT;
	chat_post(&peer->session, id, uuid, &message, alert);
	return CODE_OK;
}

static int message_history(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	uint64_t after = 0, before = UINT64_MAX, around = 0, limit = CHAT_PAGE;
	struct chat_range range;
	uint8_t uuid[16];
	int code = json_get_room(peer, params, uuid);

	if (code == CODE_OK)
		code = json_get_number(params, "after", 0, INT64_MAX, &after);
	if (code == CODE_OK)
		code = json_get_number(params, "before", 0, INT64_MAX, &before);
	if (code == CODE_OK)
		code = json_get_number(params, "around", 1, INT64_MAX, &around);
	if (code == CODE_OK && around > 0 && (json_has(params, "after") || json_has(params, "before")))
		code = CODE_INVALID_ARGUMENT;
	if (code == CODE_OK)
		code = json_get_number(params, "limit", 1, CHAT_PAGE_MAX, &limit);
	if (code != CODE_OK)
		return code;
	range = (struct chat_range){
		.around = around,
		.after = after,
		.before = before,
		.limit = (uint16_t)limit,
		.from_oldest =
			json_is_integer(json_object_get(params, "after")) && before == UINT64_MAX,
	};
	chat_history(&peer->session, id, uuid, &range);
	return CODE_OK;
}

const struct json_method json_room_methods[] = {
	{"message.post", JSON_USER, message_post},
	{"message.history", JSON_USER, message_history},
	{"room.join", JSON_USER, room_join},
	{"room.leave", JSON_USER, room_leave},
	{"room.participants", JSON_USER, room_participants},
	{NULL, JSON_ANYBODY, NULL},
};
