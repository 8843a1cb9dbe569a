#ifndef PCHAT_WORKER_SESSION_H
#define PCHAT_WORKER_SESSION_H

#include <bsd/sys/queue.h>
#include <uthash.h>

#include "shm/admin_role.h"
#include "worker/chat.h"
#include "worker/conn.h"

struct pending;
struct membership;
struct person;

/*
 * What one connection is to the server: first nobody, then a user. Embedded in the front end's
 * own struct. Joining and leaving happen by events of the journal only, so that every session sees
 * a room's events from exactly the place of its join.
 */
enum session_state {
	SESSION_NEW,	    /* nobody, and nothing under way */
	SESSION_ASKING,	    /* pchat-auth has a question of it */
	SESSION_CHALLENGED, /* the client has one of pchat-auth's */
	SESSION_OPENING,    /* pchat-auth agrees; the event is not yet there, or came first */
	SESSION_OPEN,
	SESSION_OVER,
};

struct session {
	struct chat *chat;	       /* borrowed */
	const struct front_end *front; /* borrowed */
	struct conn *conn;	       /* borrowed: the one that it lives on */
	struct membership *member;     /* owned: the rooms it is in (fanout.h) */
	uint32_t rooms, rooms_size;    /* places in member used, and there */
	uint32_t number;	       /* unique within the worker's generation; 0: none yet */
	uint32_t principal;
	uint16_t requests; /* under way */
	uint8_t state;	   /* enum session_state */
	bool admin;
	uint8_t role; /* enum admin_role, of an administrator */
	bool closed;		      /* at the sequencer, by the sequencer */
	struct pending *sign_in;      /* borrowed: the sign-in under way */
	LIST_HEAD(, pending) pending; /* what waits for an answer; freed with the session */
	struct person *person;	      /* borrowed: the user, while it is open (people.h) */
	LIST_ENTRY(session) of_person;
	uint64_t marker_due;	      /* clock_mono(): when its last read marker may go out */
	char *name;		      /* owned: an administrator's, for the log; or NULL */
	UT_hash_handle hh;	      /* in sessions, by number */
};

struct closing {
	uint32_t number;
	bool lost;
};

/* All sessions that have a number, and those of which the sequencer is still to be told. */
struct sessions {
	struct session *table;
	uint32_t last;	   /* number */
	struct closing *closing; /* owned; sessions to be closed at the sequencer */
	uint32_t closing_count, closing_size;
};

void session_init(struct session *session, struct chat *chat, const struct front_end *front,
		  struct conn *conn);

/* Ends it: leaves the rooms, forgets what is under way, has the sequencer told. The connection is
 * not touched. May be called more than once. */
void session_end(struct session *session);

/* The same of one whose client did not want that: the sequencer keeps its places for a while. */
void session_lose(struct session *session);

/* Gives it a number, unless it has one. */
void session_enter(struct session *session);

/* Takes its number away: what was begun under it is not wanted any more. */
void session_renumber(struct session *session);

/* A request is under way, or is not any more. While a session has as many under way as it may have
 * its connection is not read. */
enum { SESSION_REQUESTS_MAX = 64 };
void session_request_begun(struct session *session);
void session_request_ended(struct session *session);

struct session *session_find(struct chat *chat, uint32_t number);

/* Remembers that the sequencer is to be told that this session is over, or lost. */
void session_close_later(struct chat *chat, uint32_t number, bool lost);

/* Tells it of as many as its mailbox takes. */
void session_close_flush(struct chat *chat);

/* Loses it, or ends it where it may not be resumed, and says why to the client. */
void session_drop(struct session *session, enum chat_drop reason);

/* Ends all sessions that are open or opening. */
void session_drop_all(struct chat *chat, enum chat_drop reason);

/* It is an administrator's now: takes role and name from the event. */
void session_admin(struct session *session, const struct record *record);

/* Whether an administrator may do this; if not, log and compliance record say who wanted what. */
bool session_admin_may(struct session *session, enum admin_duty duty, const char *what);

/* Answers that something is refused, and counts it. */
void session_refuse(struct session *session, const struct chat_id *id, int code);

/* The same to so many sessions of users; those that are open longest go first. */
void session_drop_some(struct chat *chat, enum chat_drop reason, uint32_t count);

void sessions_fini(struct sessions *sessions);

#endif
