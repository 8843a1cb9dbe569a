#ifndef PCHAT_DAEMON_CLIENT_H
#define PCHAT_DAEMON_CLIENT_H

#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/err.h"
#include "daemon/client_merge.h"
#include "daemon/client_session.h"

/*
 * A chat client without a face: rooms and posts on a session that survives its connections. Every
 * message of a joined room is handed over once and in order; every post becomes one message. How
 * stands in pchat-protocol(7), "ORDER, REPEATS AND GAPS".
 */
struct client;

struct client_post; /* see client_post.c */

enum client_room_state {
	ROOM_WANTED,  /* to be joined as soon as there is a connection */
	ROOM_JOINING, /* asked for */
	ROOM_JOINED,
	ROOM_LEFT, /* by us, or the server refused it */
};

/* Owned by the client, until client_free. Users of the client only read it. */
struct client_room {
	struct client_room *next;
	struct client *client; /* borrowed */
	char *uri, *name;      /* owned; name is the URI until the first join */
	enum client_room_state state;
	bool again;	   /* it was joined before, since client_join */
	unsigned history;  /* messages wanted with the first join */
	uint64_t retry_at; /* ROOM_WANTED: not before */
	unsigned failures; /* in a row, of joining or fetching */

	struct client_merge merge;
	bool fetching;	    /* a page of history is on its way */
	uint64_t fetch_at;  /* not before */
	uint64_t fetch_end; /* what the page covers when there is nothing behind it */

	struct client_post *first, **last; /* owned; what is not yet answered, in order */
	bool posting;			   /* the first one is on its way */
	uint64_t post_at;		   /* not before */
	unsigned post_failures;

	void *tag; /* the user's */
};

/* Any of them may be NULL. None of them may free the client. */
struct client_handlers {
	void (*ready)(void *ctx); /* signed in, for the first time or again */
	void (*lost)(void *ctx, const char *why, uint64_t wait);
	/* answer is the room's object of pchat-protocol(7); again: not the first since client_join.
	 */
	void (*joined)(void *ctx, struct client_room *room, const json_t *answer, bool again);
	/* The room could not be joined, or not be joined again. */
	void (*refused)(void *ctx, struct client_room *room, int code, const char *text);
	void (*message)(void *ctx, struct client_room *room, const json_t *message);
	void (*presence)(void *ctx, struct client_room *room, const json_t *user, bool came);
	/* What "removed" and "purged" of pchat-protocol(7) say. */
	void (*removal)(void *ctx, struct client_room *room, const json_t *removal);
	/* What "file" and "file_removed" of pchat-protocol(7) say. */
	void (*file)(void *ctx, struct client_room *room, const json_t *file, bool removed);
	/* A post is done: its number; or code says why it was refused. */
	void (*posted)(void *ctx, struct client_room *room, uint64_t seq, const char *time);
	void (*rejected)(void *ctx, struct client_room *room, int code, const char *text);
};

/* handlers is borrowed. The caller frees with client_free. */
struct client *client_new(const struct client_options *options,
			  const struct client_handlers *handlers, void *ctx, struct err *err);
void client_free(struct client **client);

/* The session below: for calls of one's own, signing out, and why it ended. Borrowed. */
struct client_session *client_session(const struct client *client);

/* As client_session_poll and client_session_turn. */
int client_poll(const struct client *client, struct pollfd *wait_r);
void client_turn(struct client *client);

/*
 * Joins a room, now or when there is a connection. since: the last number that is known, or NULL;
 * then the newest `history` messages come first. A room that was left and is joined again goes on
 * behind what was seen. NULL and err only where memory is short.
 */
struct client_room *client_join(struct client *client, const char *uri, const uint64_t *since,
				unsigned history, struct err *err);
void client_leave(struct client_room *room);
struct client_room *client_rooms(const struct client *client); /* the first; follow `next` */

/* Posts to a joined room; 0 or -1. The text is copied. Posts of a room are made one by one. */
int client_post(struct client_room *room, const char *text, bool alert, struct err *err)
	__attribute__((warn_unused_result));

/* Posts of all rooms that are not answered yet. */
unsigned client_posts_open(const struct client *client);

#endif
