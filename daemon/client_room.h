#ifndef PCHAT_DAEMON_CLIENT_ROOM_H
#define PCHAT_DAEMON_CLIENT_ROOM_H

#include "daemon/client.h"

/* What client.c, client_room.c and client_post.c share. */
struct client {
	struct client_session *session;		/* owned */
	const struct client_handlers *handlers; /* borrowed */
	void *ctx;
	struct client_room *rooms; /* owned */
	unsigned posts;		   /* not answered yet, of all rooms */
	char prefix[20];	   /* of the ids of our posts, random */
	uint64_t last_post;
};

enum { JOIN_MAX = 128 }; /* rooms of one room.join */

struct client_room *client_room_new(struct client *client, const char *uri);
void client_room_free(struct client_room **room);
struct client_room *client_room_find(const struct client *client, const char *uri);

/* Joins what is wanted, in one call for many rooms. */
void client_room_join_wanted(struct client *client);

/* The same, by a call of somebody else's: what room.join wants as its rooms, the caller's reference;
 * NULL: there are none. */
json_t *client_room_wishes(struct client *client);

/* What that call answered; NULL, or without one of them: it is wanted as before. */
void client_room_answered(struct client *client, const json_t *rooms);

/* Tells the server that a room was left. */
void client_room_leave(struct client_room *room);

/* The connection is lost: what was joined has to be joined again. */
void client_room_lost(struct client *client);

/* A notification that names this room. */
void client_room_notify(struct client_room *room, const char *method, const json_t *params);

/* Fetches missing messages and sends posts, if their time has come. */
void client_room_turn(struct client_room *room);

/* A pause after so many failures in a row: from 50 ms, doubling, up to 5 s. */
uint64_t client_pause(unsigned failures);

/* Busy, unavailable, timeout, or a lost connection: the same request may work later. */
bool client_may_repeat(int code);

#endif
