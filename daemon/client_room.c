#include "config.h"

#include "daemon/client_room.h"

#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "daemon/client_post.h"

enum { PAGE = 500, PAUSE_FIRST_US = 50000, PAUSE_DOUBLINGS = 7 };

uint64_t client_pause(unsigned failures)
{
	unsigned doublings = failures < PAUSE_DOUBLINGS ? failures : PAUSE_DOUBLINGS;
	return (uint64_t)PAUSE_FIRST_US << doublings;
}

bool client_may_repeat(int code)
{
	return code == CLIENT_LOST || code == CODE_BUSY || code == CODE_UNAVAILABLE ||
	       code == CODE_TIMEOUT;
}

struct client_room *client_room_new(struct client *client, const char *uri)
{
	struct client_room *room = calloc(1, sizeof(*room));
	if (!room)
		return NULL;
	room->client = client;
	room->uri = strdup(uri);
	room->name = strdup(uri);
	room->last = &room->first;
	client_merge_init(&room->merge);
	if (!room->uri || !room->name)
		client_room_free(&room);
	return room;
}

void client_room_free(struct client_room **room)
{
	if (*room) {
		client_merge_fini(&(*room)->merge);
		client_post_clear(*room);
		free((*room)->uri);
		free((*room)->name);
	}
	free(*room);
	*room = NULL;
}

struct client_room *client_room_find(const struct client *client, const char *uri)
{
	struct client_room *room = client->rooms;
	while (room && uri && strcmp(room->uri, uri) != 0)
		room = room->next;
	return uri ? room : NULL;
}

/* Hands over all messages that are in order, then looks whether some have to be fetched. */
static void deliver(struct client_room *room)
{
	const struct client_handlers *handlers = room->client->handlers;
	json_t *message;
	while ((message = client_merge_next(&room->merge))) {
		client_post_match(room, message);
		if (handlers->message && room->state != ROOM_LEFT)
			handlers->message(room->client->ctx, room, message);
		json_decref(message);
	}
	client_room_turn(room);
}

/* The number up to which a page leaves out no message. */
static uint64_t last_number(const json_t *page)
{
	json_int_t last = json_integer_value(json_object_get(page, "last"));
	return last > 0 ? (uint64_t)last : 0;
}

/* Fetching what is missing. */

static void on_page(void *ctx, const json_t *result, int code, const char *text)
{
	struct client_room *room = ctx;
	const json_t *messages = json_object_get(result, "messages");
	uint64_t before = room->merge.sure, end = room->fetch_end;
	(void)code, (void)text;
	room->fetching = false;
	if (result) {
		if (json_is_true(json_object_get(result, "more")))
			end = last_number(result);
		client_merge_page(&room->merge, messages, end);
	}
	if (room->merge.sure > before)
		room->failures = 0;
	else /* Refused, or of no use: the messages may be there later. */
		room->fetch_at = clock_mono() + client_pause(room->failures++);
	deliver(room);
}

static void fetch(struct client_room *room, uint64_t gap)
{
	json_t *params = json_pack("{s:s, s:I, s:i}", "room", room->uri, "after",
				   (json_int_t)room->merge.sure, "limit", PAGE);
	room->fetching = true;
	room->fetch_end = gap - 1;
	client_session_call(room->client->session, "message.history", params, on_page, room);
}

void client_room_turn(struct client_room *room)
{
	uint64_t gap = client_merge_gap(&room->merge);
	if (room->state != ROOM_JOINED || room->fetching ||
	    !client_session_ready(room->client->session))
		return;
	if (gap == 0)
		client_post_send(room);
	else if (clock_mono() >= room->fetch_at)
		fetch(room, gap);
}

/* Joining. */

static void refused(struct client_room *room, int code, const char *text)
{
	const struct client_handlers *handlers = room->client->handlers;
	if (client_may_repeat(code)) {
		room->state = ROOM_WANTED;
		room->retry_at = clock_mono() + client_pause(room->failures++);
		return;
	}
	room->state = ROOM_LEFT;
	if (handlers->refused)
		handlers->refused(room->client->ctx, room, code, text);
	client_post_refuse(room, code, text);
}

static void set_name(struct client_room *room, const json_t *answer)
{
	const char *name = json_string_value(json_object_get(answer, "name"));
	char *copy = name ? strdup(name) : NULL;
	if (copy) {
		free(room->name);
		room->name = copy;
	}
}

static void joined(struct client_room *room, const json_t *answer)
{
	const struct client_handlers *handlers = room->client->handlers;
	const json_t *messages = json_object_get(answer, "messages");
	json_int_t last_seq = json_integer_value(json_object_get(answer, "last_seq"));
	const uint64_t end = last_seq > 0 ? (uint64_t)last_seq : 0;
	const uint64_t given =
		json_is_true(json_object_get(answer, "more")) ? last_number(answer) : end;
	room->state = ROOM_JOINED;
	room->failures = 0;
	set_name(room, answer);
	if (handlers->joined)
		handlers->joined(room->client->ctx, room, answer, room->again);
	room->again = true;
	/* Where the server had no messages at hand they are fetched from where they begin. */
	if (!room->merge.started)
		client_merge_start(&room->merge, json_array_size(messages) > 0 ? 0 : given);
	if (room->merge.highest < end)
		room->merge.highest = end;
	client_merge_page(&room->merge, messages, given);
	deliver(room);
}

static void take_answer(struct client_room *room, const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");
	const char *text = json_string_value(json_object_get(error, "message"));
	if (error)
		refused(room, (int)json_integer_value(json_object_get(error, "code")),
			text ? text : "the server gave no reason");
	else
		joined(room, answer);
}

static void on_left(void *ctx, const json_t *result, int code, const char *text)
{
	(void)ctx, (void)result, (void)code, (void)text;
}

void client_room_leave(struct client_room *room)
{
	client_session_call(room->client->session, "room.leave",
			    json_pack("{s:s}", "room", room->uri), on_left, room);
}

/* What was left while the answer was on its way may not have been left there: by a session that was
 * not ready. To leave it twice does no harm. */
static void take_answers(struct client *client, const json_t *rooms)
{
	size_t i;
	const json_t *answer;
	json_array_foreach(rooms, i, answer)
	{
		const char *uri = json_string_value(json_object_get(answer, "room"));
		struct client_room *room = client_room_find(client, uri);
		if (room && room->state == ROOM_JOINING)
			take_answer(room, answer);
		else if (room && room->state == ROOM_LEFT && !json_object_get(answer, "error"))
			client_room_leave(room);
	}
}

static void on_join(void *ctx, const json_t *result, int code, const char *text)
{
	struct client *client = ctx;
	take_answers(client, json_object_get(result, "rooms"));
	for (struct client_room *room = client->rooms; room; room = room->next)
		if (room->state == ROOM_JOINING)
			refused(room, result ? CODE_UNKNOWN_SERVER_ERROR : code,
				result ? "the server did not answer for this room" : text);
}

void client_room_answered(struct client *client, const json_t *rooms)
{
	take_answers(client, rooms);
	for (struct client_room *room = client->rooms; room; room = room->next)
		if (room->state == ROOM_JOINING)
			room->state = ROOM_WANTED;
}

static json_t *join_object(const struct client_room *room)
{
	if (room->merge.started)
		return json_pack("{s:s, s:I}", "room", room->uri, "since",
				 (json_int_t)room->merge.sure);
	return json_pack("{s:s, s:i}", "room", room->uri, "history", (int)room->history);
}

static bool join_under_way(const struct client *client)
{
	for (const struct client_room *room = client->rooms; room; room = room->next)
		if (room->state == ROOM_JOINING)
			return true;
	return false;
}

json_t *client_room_wishes(struct client *client)
{
	uint64_t now = clock_mono();
	json_t *rooms = json_array();
	for (struct client_room *room = client->rooms; room; room = room->next) {
		if (room->state != ROOM_WANTED || room->retry_at > now)
			continue;
		if (json_array_size(rooms) == JOIN_MAX ||
		    json_array_append_new(rooms, join_object(room)) != 0)
			break;
		room->state = ROOM_JOINING;
	}
	if (json_array_size(rooms) > 0)
		return rooms;
	json_decref(rooms);
	return NULL;
}

/* One call at a time: whose answer leaves out a room can then be told. */
void client_room_join_wanted(struct client *client)
{
	json_t *rooms;
	if (!client_session_ready(client->session) || join_under_way(client))
		return;
	rooms = client_room_wishes(client);
	if (rooms)
		client_session_call(client->session, "room.join",
				    json_pack("{s:o}", "rooms", rooms), on_join, client);
}

void client_room_lost(struct client *client)
{
	for (struct client_room *room = client->rooms; room; room = room->next) {
		if (room->state == ROOM_LEFT)
			continue;
		room->state = ROOM_WANTED;
		room->retry_at = room->fetch_at = room->post_at = 0;
		room->failures = 0;
	}
}

static void came_or_went(struct client_room *room, const json_t *params, bool came)
{
	const struct client_handlers *handlers = room->client->handlers;
	const json_t *user = json_object_get(params, "user");
	if (room->state == ROOM_JOINED && handlers->presence && json_is_object(user))
		handlers->presence(room->client->ctx, room, user, came);
}

static void is_told(struct client_room *room, const char *method, const json_t *params)
{
	const struct client_handlers *handlers = room->client->handlers;
	const bool gone = strcmp(method, "file_removed") == 0;

	if (room->state == ROOM_JOINED && handlers->file && (gone || strcmp(method, "file") == 0))
		handlers->file(room->client->ctx, room, params, gone);
}

void client_room_notify(struct client_room *room, const char *method, const json_t *params)
{
	if (strcmp(method, "message") == 0 && room->state != ROOM_LEFT) {
		/* Held until its turn; the message is a part of the notification's own object. */
		client_merge_add(&room->merge, (json_t *)(uintptr_t)params);
		if (room->state == ROOM_JOINED)
			deliver(room);
	} else if (strcmp(method, "joined") == 0) {
		came_or_went(room, params, true);
	} else if (strcmp(method, "left") == 0) {
		came_or_went(room, params, false);
	} else if (strcmp(method, "removed") == 0 || strcmp(method, "purged") == 0) {
		const struct client_handlers *handlers = room->client->handlers;
		if (room->state == ROOM_JOINED && handlers->removal)
			handlers->removal(room->client->ctx, room, params);
	} else {
		is_told(room, method, params);
	}
}
