#ifndef PCHAT_WORKER_JSON_OBJECT_H
#define PCHAT_WORKER_JSON_OBJECT_H

#include "worker/json_peer.h"
#include "worker/object.h"

/* Categories, rooms, add-ins and groups as JSON. */

extern const struct object_front json_object_front;

/* ,"privacy":..,"type":.. */
void json_put_kind(struct buf *buf, const struct room_view *room);

/* The members of a room, without braces and without lists. */
void json_put_object_room(struct buf *buf, const struct chat *chat, const struct object_room *room);

/* A room as an item of a list, without its last brace. */
void json_put_room_item(const struct chat *chat, struct buf *list, const struct room_view *room);

/* The members of a message, without braces. */
void json_put_message(struct buf *buf, const struct chat_message *message);

extern const struct person_front json_person_front;
extern const struct scoped_front json_scoped_front;

/* Which workers there are (json_pool.c). */
struct pool_view;
void json_answer_pool(struct session *session, const struct chat_id *id,
		      const struct pool_view *view);

/* The functions of struct person_front that are about feeds (json_feed.c). */
struct person_feed;
struct feed_match;
void json_feed_item(const struct chat *chat, struct buf *list, const struct person_feed *feed,
		    const uint8_t room[16]);
void json_feed_list(struct session *session, const struct chat_id *id, const struct buf *list);
void json_feed_made(struct session *session, const struct chat_id *id, uint32_t number);
void json_feed_fed(struct session *session, const struct feed_match *list, unsigned count,
		   const struct chat_message *message);

#endif
