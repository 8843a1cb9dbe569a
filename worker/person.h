#ifndef PCHAT_WORKER_PERSON_H
#define PCHAT_WORKER_PERSON_H

#include "worker/feed.h"
#include "worker/object.h"

/*
 * The part of the waist (chat.h) that is about what belongs to one user: invitations, read markers,
 * requests to become a member of a room, and leaving a room's list of members.
 */
struct person_invitation {
	uint64_t id, time;
	const struct room_view *room;
	struct text from, name; /* who invited; empty: an administrator */
	bool is_new;
};

struct person_request {
	uint8_t room[16];
	struct text user, name, text;
	uint64_t time;
	uint8_t what; /* enum person_what */
};

struct person_feed {
	uint32_t number;	       /* 0: a new one */
	uint8_t flags;		       /* enum feed_flag */
	struct text name, words, from; /* from empty: whoever */
	const struct object_key *room; /* NULL: wherever; only where a front end asks */
};

/* What a front end does with the answers and news; struct front_end has a pointer to one. */
struct person_front {
	/* Items of lists. */
	void (*invitation)(const struct chat *chat, struct buf *list,
			   const struct person_invitation *invitation);
	void (*room)(const struct chat *chat, struct buf *list, const struct room_view *room,
		     unsigned roles, uint64_t marker);
	void (*request)(const struct chat *chat, struct buf *list,
			const struct person_request *request);

	/* room NULL: of all */
	void (*feed)(const struct chat *chat, struct buf *list, const struct person_feed *feed,
		     const uint8_t room[16]);

	/* Answers. last, read: numbers of the newest invitation, and of the newest that is no news.
	 */
	void (*invitations)(struct session *session, const struct chat_id *id,
			    const struct buf *list, uint64_t last, uint64_t read, bool more);
	void (*marked)(struct session *session, const struct chat_id *id, uint64_t seq,
		       uint64_t unread);
	void (*requests)(struct session *session, const struct chat_id *id, const struct buf *list,
			 bool more);

	void (*feeds)(struct session *session, const struct chat_id *id, const struct buf *list);
	void (*feed_made)(struct session *session, const struct chat_id *id, uint32_t number);

	/* Events. list: the feeds that match the message, at least one. */
	void (*fed)(struct session *session, const struct feed_match *list, unsigned count,
		    const struct chat_message *message);
	void (*invited)(struct session *session, const struct person_invitation *invitation);
	void (*marker)(struct session *session, const uint8_t room[16], uint64_t seq,
		       uint64_t unread);
	void (*access)(struct session *session, const struct person_request *request);
};

/* How many messages of a room are new to one who has read up to the marker. */
static inline uint64_t person_unread(uint64_t last_seq, uint64_t marker)
{
	return last_seq > marker ? last_seq - marker : 0;
}

/* The user's marker in a room, 0: none. CODE_OK or CODE_BUSY. */
int person_marker_get(const struct session *session, uint32_t room, uint64_t *marker_r);

/* --- What a front end asks for; answered once, as in chat.h. --- */

/* The newest that have a number above since. */
void person_invitations(struct session *session, const struct chat_id *id, uint64_t since,
			uint32_t limit);
void person_invitation_read(struct session *session, const struct chat_id *id, uint64_t number);

void person_marker(struct session *session, const struct chat_id *id, const struct object_key *room,
		   uint64_t seq);

void person_quit(struct session *session, const struct chat_id *id, const struct object_key *room);

/* what: PERSON_PUT (asks), PERSON_GONE (withdraws), PERSON_GRANTED or PERSON_DENIED, of user. */
void person_access(struct session *session, const struct chat_id *id, const struct object_key *room,
		   enum person_what what, struct text user, struct text text);

/* room NULL: one's own. */
void person_requests(struct session *session, const struct chat_id *id,
		     const struct object_key *room, uint32_t limit, uint32_t offset);

void person_feeds(struct session *session, const struct chat_id *id);
void person_feed_put(struct session *session, const struct chat_id *id,
		     const struct person_feed *feed);
void person_feed_remove(struct session *session, const struct chat_id *id, uint32_t number);

/* --- Feeds of those who are signed in here (chat->feeds). --- */

/* CODE_OK or CODE_BUSY. */
int person_feeds_load(struct chat *chat, uint32_t principal);
void person_feeds_forget(struct session *session); /* that is over */

/* False: it is to be tried again. */
bool person_feed_changed(struct chat *chat, const struct event_person *event);

/* Tells of a message whom it concerns; only while feeds_any. */
void person_feed_message(struct chat *chat, const struct record *record,
			 const struct event_message *event);

/* --- For the tail: tells whom it concerns of an event. False: the cache could not be read. --- */
bool person_tell(struct chat *chat, const struct record *record);

#endif
