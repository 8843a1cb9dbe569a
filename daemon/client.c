#include "config.h"

#include "daemon/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "daemon/client_post.h"
#include "daemon/client_room.h"

static void on_ready(void *ctx)
{
	struct client *client = ctx;
	client_room_join_wanted(client);
	if (client->handlers->ready)
		client->handlers->ready(client->ctx);
}

static void on_lost(void *ctx, const char *why, uint64_t wait)
{
	struct client *client = ctx;
	client_room_lost(client);
	if (client->handlers->lost)
		client->handlers->lost(client->ctx, why, wait);
}

static void on_notify(void *ctx, const char *method, const json_t *params)
{
	struct client *client = ctx;
	const char *uri = json_string_value(json_object_get(params, "room"));
	struct client_room *room = client_room_find(client, uri);
	if (room)
		client_room_notify(room, method, params);
}

static json_t *on_joins(void *ctx)
{
	return client_room_wishes(ctx);
}

static void on_joined(void *ctx, const json_t *rooms)
{
	client_room_answered(ctx, rooms);
}

static const struct client_session_handlers session_handlers = {.ready = on_ready,
								.lost = on_lost,
								.notify = on_notify,
								.joins = on_joins,
								.joined = on_joined};

struct client *client_new(const struct client_options *options,
			  const struct client_handlers *handlers, void *ctx, struct err *err)
{
	uint64_t random;
	struct client *client = calloc(1, sizeof(*client));
	if (!client || getrandom(&random, sizeof(random), 0) != sizeof(random)) {
		err_errno(err, "could not make a client");
		free(client);
		return NULL;
	}
	snprintf(client->prefix, sizeof(client->prefix), "%016" PRIx64, random);
	client->handlers = handlers;
	client->ctx = ctx;
	client->session = client_session_new(options, &session_handlers, client, err);
	if (!client->session)
		client_free(&client);
	return client;
}

void client_free(struct client **client)
{
	struct client_room *room;
	if (!*client)
		return;
	client_session_free(&(*client)->session);
	while ((room = (*client)->rooms)) {
		(*client)->rooms = room->next;
		client_room_free(&room);
	}
	free(*client);
	*client = NULL;
}

struct client_session *client_session(const struct client *client)
{
	return client->session;
}

static int until(uint64_t now, uint64_t then, int timeout)
{
	uint64_t wait = then > now ? (then - now + 999) / 1000 : 0;
	return wait < (uint64_t)timeout ? (int)wait : timeout;
}

int client_poll(const struct client *client, struct pollfd *wait_r)
{
	int timeout = client_session_poll(client->session, wait_r);
	uint64_t now = clock_mono();
	if (!client_session_ready(client->session))
		return timeout;
	for (const struct client_room *room = client->rooms; room; room = room->next) {
		if (room->state == ROOM_WANTED)
			timeout = until(now, room->retry_at, timeout);
		if (room->state != ROOM_JOINED || room->fetching)
			continue;
		if (client_merge_gap(&room->merge))
			timeout = until(now, room->fetch_at, timeout);
		else if (room->first && !room->posting)
			timeout = until(now, room->post_at, timeout);
	}
	return timeout;
}

void client_turn(struct client *client)
{
	client_session_turn(client->session);
	client_room_join_wanted(client);
	for (struct client_room *room = client->rooms; room; room = room->next)
		client_room_turn(room);
}

struct client_room *client_join(struct client *client, const char *uri, const uint64_t *since,
				unsigned history, struct err *err)
{
	struct client_room *room = client_room_find(client, uri);
	if (!room) {
		room = client_room_new(client, uri);
		if (!room) {
			err_errno(err, "could not join a room");
			return NULL;
		}
		room->next = client->rooms;
		client->rooms = room;
		room->state = ROOM_LEFT;
	}
	if (room->state != ROOM_LEFT)
		return room;
	if (since && !room->merge.started)
		client_merge_start(&room->merge, *since);
	room->history = history;
	room->state = ROOM_WANTED;
	room->again = false;
	room->retry_at = 0;
	client_room_join_wanted(client);
	return room;
}

void client_leave(struct client_room *room)
{
	if (room->state == ROOM_LEFT)
		return;
	room->state = ROOM_LEFT;
	client_post_refuse(room, CODE_USER_NOT_JOINED, "the room was left");
	client_room_leave(room);
}

struct client_room *client_rooms(const struct client *client)
{
	return client->rooms;
}

unsigned client_posts_open(const struct client *client)
{
	return client->posts;
}
