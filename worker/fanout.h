#ifndef PCHAT_WORKER_FANOUT_H
#define PCHAT_WORKER_FANOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

struct session;

/*
 * Which of this worker's sessions are in which room. The two sides of a membership, the place in
 * the room's list and the place in the session's, name each other, so that either can be taken
 * out without a search.
 */
struct fanout_place {
	struct session *session; /* borrowed */
	uint32_t back;		 /* index in session->member */
};

struct fanout_room {
	uint32_t id;
	uint8_t uuid[16];
	uint32_t count, size;
	struct fanout_place *place; /* owned */
	UT_hash_handle hh;
};

struct membership {
	struct fanout_room *room; /* borrowed */
	uint32_t back;		  /* index in room->place */
};

struct fanout {
	struct fanout_room *rooms;
	struct fanout_room *last; /* borrowed: which was found last; NULL: none, or it is gone */
};

/* The room, or NULL if no session is in it. */
struct fanout_room *fanout_find(struct fanout *fanout, uint32_t room);

/* True if the session is in the room. */
bool fanout_has(const struct session *session, uint32_t room);

/* The room with this uuid, if the session is in it; else 0. */
uint32_t fanout_find_uuid(const struct session *session, const uint8_t uuid[16]);

/* 0, also if it is in the room already; -1: no memory. */
int fanout_join(struct fanout *fanout, struct session *session, uint32_t room,
		const uint8_t uuid[16]);

/* It is about to join so many rooms: memory for all of them at once, if there is any. */
void fanout_expect(struct session *session, uint32_t rooms);

void fanout_leave(struct fanout *fanout, struct session *session, uint32_t room);
void fanout_leave_all(struct fanout *fanout, struct session *session);

#endif
