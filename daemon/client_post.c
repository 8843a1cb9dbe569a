#include "config.h"

#include "daemon/client_post.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "conf/code.h"

struct client_post {
	struct client_post *next;
	char id[41];
	char *text; /* owned */
	bool alert;
	uint64_t seq; /* it was seen among the room's messages; 0: not yet */
	char time[CLOCK_TEXT];
};

int client_post(struct client_room *room, const char *text, bool alert, struct err *err)
{
	struct client *client = room->client;
	struct client_post *post = calloc(1, sizeof(*post));
	char *copy = strdup(text);
	if (!post || !copy) {
		free(post);
		free(copy);
		return err_errno(err, "could not post");
	}
	snprintf(post->id, sizeof(post->id), "%s-%" PRIu64, client->prefix, ++client->last_post);
	post->text = copy;
	post->alert = alert;
	*room->last = post;
	room->last = &post->next;
	client->posts++;
	client_room_turn(room);
	return 0;
}

static void drop_first(struct client_room *room)
{
	struct client_post *post = room->first;
	room->first = post->next;
	if (!room->first)
		room->last = &room->first;
	room->client->posts--;
	room->post_failures = 0;
	free(post->text);
	free(post);
}

void client_post_clear(struct client_room *room)
{
	while (room->first)
		drop_first(room);
}

static void done(struct client_room *room, uint64_t seq, const char *time)
{
	const struct client_handlers *handlers = room->client->handlers;
	char copy[CLOCK_TEXT];
	snprintf(copy, sizeof(copy), "%s", time ? time : "");
	drop_first(room);
	if (handlers->posted)
		handlers->posted(room->client->ctx, room, seq, copy);
}

static void rejected(struct client_room *room, int code, const char *text)
{
	const struct client_handlers *handlers = room->client->handlers;
	drop_first(room);
	if (handlers->rejected)
		handlers->rejected(room->client->ctx, room, code, text);
}

void client_post_refuse(struct client_room *room, int code, const char *text)
{
	while (room->first && !room->posting)
		rejected(room, code, text);
}

static void on_posted(void *ctx, const json_t *result, int code, const char *text)
{
	struct client_room *room = ctx;
	json_int_t seq = json_integer_value(json_object_get(result, "seq"));
	room->posting = false;
	if (!room->first)
		return;
	if (seq > 0) {
		done(room, (uint64_t)seq, json_string_value(json_object_get(result, "time")));
	} else if (client_may_repeat(code)) {
		/* Perhaps it was accepted. The id makes the repetition harmless. */
		room->post_at = clock_mono() + client_pause(room->post_failures++);
	} else {
		rejected(room, code ? code : CODE_UNKNOWN_SERVER_ERROR, text);
	}
	if (room->state == ROOM_LEFT)
		client_post_refuse(room, CODE_USER_NOT_JOINED, "the room was left");
	else
		client_room_turn(room);
}

void client_post_send(struct client_room *room)
{
	struct client_post *post = room->first;
	if (!post || room->posting || clock_mono() < room->post_at)
		return;
	if (post->seq) {
		done(room, post->seq, post->time);
		client_room_turn(room);
		return;
	}
	room->posting = true;
	json_t *params =
		json_pack("{s:s, s:s, s:s}", "room", room->uri, "text", post->text, "id", post->id);
	if (!params) {
		room->posting = false;
		rejected(room, CODE_INVALID_ARGUMENT, "the text is not UTF-8");
		client_room_turn(room);
		return;
	}
	if (post->alert)
		json_object_set_new(params, "importance", json_string("alert"));
	client_session_call(room->client->session, "message.post", params, on_posted, room);
}

void client_post_match(struct client_room *room, const json_t *message)
{
	struct client_post *post = room->first;
	const char *id = json_string_value(json_object_get(message, "id"));
	const char *from = json_string_value(json_object_get(message, "from"));
	const char *time = json_string_value(json_object_get(message, "time"));
	if (!post || !id || !from || strcmp(id, post->id) != 0 ||
	    strcmp(from, client_session_user(room->client->session)) != 0)
		return;
	post->seq = (uint64_t)json_integer_value(json_object_get(message, "seq"));
	snprintf(post->time, sizeof(post->time), "%s", time ? time : "");
}
