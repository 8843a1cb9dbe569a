#ifndef PCHAT_WORKER_CHAT_H
#define PCHAT_WORKER_CHAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/ask.h"
#include "shm/cache.h"
#include "shm/event.h"
#include "worker/frame.h"

/*
 * The waist of a worker. Above it: front ends, which turn bytes into the calls of this header and
 * the answers and events of struct front_end into bytes; they know nothing of each other. Below it:
 * rooms, sessions, the journal, the cache and the questions to other processes; nothing there
 * knows of JSON or WebSocket.
 */
struct pool_view;
struct chat;
struct session;

enum {
	CHAT_ID_MAX = 64,      /* bytes of a request's id */
	CHAT_JOIN_MAX = 128,   /* rooms of one join */
	CHAT_PAGE_MAX = 500,   /* messages of one page of history */
	CHAT_PAGE = 50,	       /* when no number is given */
	CHAT_SEARCH_MAX = 100, /* rooms or users of one page */
	CHAT_SEARCH = 50,
	CHAT_NAME_MAX = 256, /* characters of a name */
};

/* What a client calls its request; only its front end understands it. */
struct chat_id {
	uint8_t kind, length;
	char data[CHAT_ID_MAX];
};

struct chat_message {
	uint8_t room[16];
	uint64_t seq, time;
	struct text from, name, title, text, rich_type, rich, id; /* borrowed; may be empty: title,
								     rich_type and rich */
	bool alert, replaced;
};

/* A message that is gone, or has another text; or all up to seq are gone. */
struct chat_removal {
	uint8_t room[16];
	bool purge, replaced;
	uint64_t seq;
	uint64_t removals; /* of the room, at least with this one */
	struct text text;  /* if replaced */
};

struct chat_presence {
	uint8_t room[16];
	bool joined; /* else left */
	struct text uri, name;
	bool no_access; /* left, because he may not be there any more */
	bool counted;
	uint32_t count; /* if counted: users in the room now */
};

struct object_key;
struct object_room;
struct object_front;
struct person_front;
struct scoped_front;
struct file_front;
struct file_news;

enum chat_drop {
	CHAT_SLOW,
	CHAT_STOPPING,
	CHAT_RESTART,
	CHAT_IDLE,
	CHAT_SIGNED_OUT,
	CHAT_JOURNAL,
};

struct chat_signed_in {
	struct text uri, name, token;
	const void *data; /* the mechanism's last word; size 0: none */
	size_t size;
	uint64_t expires;
};

/* The numbers that a page of messages is about: between them there is no other message. more: there
 * are others within the bounds that were asked for. */
struct chat_span {
	uint64_t first, last; /* last < first: none */
	bool more;
};

/* A room that was joined, or the reason why not. Lists are as the front end wrote them. */
struct chat_joined {
	int code; /* CODE_OK, else only uuid counts */
	uint8_t uuid[16];
	const struct room_view *room;
	uint64_t last_seq;
	uint64_t marker; /* the last message that the user has read */
	const struct text *users; /* NULL: too many */
	uint32_t user_count;
	const struct buf *messages;
	struct chat_span span;
};

/*
 * A front end. A function that returns a frame gives its one reference to the caller; NULL means
 * that memory ran out, and costs the session that was to get it its connection.
 */
struct front_end {
	unsigned number; /* below FRONT_ENDS */

	/* Events. */
	struct frame *(*message)(const struct chat *chat, const struct chat_message *message);
	struct frame *(*presence)(const struct chat *chat, const struct chat_presence *presence);
	struct frame *(*changed)(const struct chat *chat, const struct object_room *room);
	struct frame *(*removal)(const struct chat *chat, const struct chat_removal *removal);
	struct frame *(*news)(const struct chat *chat, const struct file_news *news);

	const struct object_front *object; /* see object.h */
	const struct person_front *person; /* see person.h */
	const struct scoped_front *scoped; /* see scoped.h */
	const struct file_front *file;	   /* see file.h */

	/* Items of lists; a list is a buf that they add to. made: a message that a reader wrote, in
	   two parts with its sender between them, as sender writes him; none: nobody knows him. */
	void (*user)(struct buf *list, struct text uri, struct text name);
	void (*account)(struct buf *list, const struct principal_view *principal);
	void (*room)(const struct chat *chat, struct buf *list, const struct room_view *room);
	void (*row)(struct buf *list, const struct chat_message *message);
	void (*sender)(struct buf *text, struct text uri, struct text name);
	void (*made)(struct buf *list, struct text head, struct text sender, struct text rest);
	void (*joined)(const struct chat *chat, struct buf *list, const struct chat_joined *joined);
	void (*separate)(struct buf *list); /* between two things written apart */

	/* Answers. */
	void (*refuse)(struct session *session, const struct chat_id *id, int code);
	void (*done)(struct session *session, const struct chat_id *id);
	void (*challenge)(struct session *session, const struct chat_id *id, const void *data,
			  size_t size);
	void (*signed_in)(struct session *session, const struct chat_id *id,
			  const struct chat_signed_in *result);
	void (*posted)(struct session *session, const struct chat_id *id, uint64_t seq,
		       uint64_t time, bool repeated);
	/* An answer that grows, room by room; signed_in: NULL, or what it begins with. */
	void (*joins_begin)(struct buf *answer, const struct chat_id *id,
			    const struct chat_signed_in *signed_in);
	void (*joins)(struct session *session, struct buf *answer);
	void (*messages)(struct session *session, const struct chat_id *id, const struct buf *list,
			 const struct chat_span *span);
	void (*found)(struct session *session, const struct chat_id *id, const void *json,
		      size_t size);
	void (*users)(struct session *session, const struct chat_id *id, const struct buf *list);
	void (*accounts)(struct session *session, const struct chat_id *id, const struct buf *list,
			 bool more);
	void (*rooms)(struct session *session, const struct chat_id *id, const struct buf *list,
		      bool more);
	void (*account_added)(struct session *session, const struct chat_id *id, struct text uri,
			      uint32_t principal);
	void (*room_added)(struct session *session, const struct chat_id *id,
			   const uint8_t uuid[16]);

	/* See pool.h. */
	void (*pool)(struct session *session, const struct chat_id *id,
		     const struct pool_view *view);

	/* It is on record, behind the event at lsn. */
	void (*noted)(struct session *session, const struct chat_id *id, uint64_t lsn);

	/* The server ends the session: say so, then close the connection. */
	void (*drop)(struct session *session, enum chat_drop reason);
};

enum { FRONT_ENDS = 2 };

/* --- What a front end asks for. Every call is answered once, perhaps before it returns. --- */

void chat_sign_in(struct session *session, const struct chat_id *id, const char *mechanism,
		  const void *data, size_t size);
void chat_sign_in_step(struct session *session, const struct chat_id *id, const void *data,
		       size_t size);
/* By the credentials of the connection's unix socket. */
void chat_sign_in_local(struct session *session, const struct chat_id *id);

struct chat_join {
	uint8_t room[16];
	bool has_since;
	uint64_t since;
	uint16_t history;
};
/* With rooms (count > 0) the sign-in is answered when they are settled, by joins. */
void chat_resume(struct session *session, const struct chat_id *id, struct text token,
		 const struct chat_join *joins, unsigned count);
void chat_join(struct session *session, const struct chat_id *id, const struct chat_join *joins,
	       unsigned count);
void chat_leave(struct session *session, const struct chat_id *id, const uint8_t room[16]);
void chat_participants(struct session *session, const struct chat_id *id, const uint8_t room[16]);
void chat_post(struct session *session, const struct chat_id *id, const uint8_t room[16],
	       const struct event_message *message, bool alert);

/* A search for messages in rooms: those that are named, or (count 0) those that the session is in. */
struct chat_find {
	struct ask_search ask; /* without rooms and author */
	struct text words, from; /* from: a user; empty: anybody */
	unsigned count;
	const struct object_key *rooms;
};
void chat_find(struct session *session, const struct chat_id *id, const struct chat_find *find);

/* Removes messages, or (text not empty) replaces them. */
void chat_remove(struct session *session, const struct chat_id *id, const struct object_key *room,
		 const uint64_t *numbers, unsigned count, struct text text);

/* Removes all messages up to a number, or (seq 0) up to a time, UTC us, inclusive. */
void chat_purge(struct session *session, const struct chat_id *id, const struct object_key *room,
		uint64_t seq, uint64_t time);

struct chat_range {
	uint64_t after, before; /* 0 and UINT64_MAX: no bound */
	uint64_t around;	/* 0, or the number in the middle: the others do not count */
	uint16_t limit;
	bool from_oldest;
};
void chat_history(struct session *session, const struct chat_id *id, const uint8_t room[16],
		  const struct chat_range *range);

/* A search for rooms. What is 0 or empty does not matter; nobody is shown what he may not see. */
struct chat_search {
	struct text text; /* in name or description */
	const struct object_key *category;
	struct text member, manager; /* as in lists of principals */
	struct text addin;
	uint8_t privacy, behavior; /* enum privacy, enum behavior */
	uint8_t invitations; /* 1: rooms that invite, 2: that do not */
	uint8_t own; /* bits 1 << role: rooms in which who asks has one, himself or by a group */
	enum { CHAT_EITHER, CHAT_ENABLED, CHAT_DISABLED } state;
	bool by_size;	/* only rooms whose messages have more bytes than these; */
	uint64_t bytes; /* for administrators */
	uint32_t limit, offset;
};
void chat_rooms(struct session *session, const struct chat_id *id,
		const struct chat_search *search);

/* Administration: sessions that were signed in by chat_sign_in_local. A user is given as a name
 * of the server's domain, a name with a domain, or a URI. */
void chat_user_add(struct session *session, const struct chat_id *id, struct text user,
		   struct text name, struct text password);
void chat_user_password(struct session *session, const struct chat_id *id, struct text user,
			struct text password);
void chat_users(struct session *session, const struct chat_id *id, struct text text, uint32_t limit,
		uint32_t offset);

/* Who changed what: rows of the audit, newest first. A filter is found wherever it stands; empty: it
 * does not matter. */
enum { CHAT_FILTER_MAX = 512 /* bytes */ };
struct chat_audit {
	struct ask_audit ask; /* without the lengths */
	struct text actor, object, what;
};
void chat_audit(struct session *session, const struct chat_id *id, const struct chat_audit *wanted);

/* For front ends: the configuration. */
const struct conf *chat_conf(const struct chat *chat);

/* The table of the cache that has no place for what is being refused, as the setting that gives it its
 * size is called ("rooms"); NULL: it is not known, or there is none. */
const char *chat_full(const struct chat *chat);

/* Counts a refusal. */
void chat_count_refusal(struct chat *chat, int code);

#endif
