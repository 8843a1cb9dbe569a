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

extern const struct person_front json_person_front;

#endif
