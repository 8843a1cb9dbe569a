#ifndef PCHAT_SHM_RECENT_H
#define PCHAT_SHM_RECENT_H

#include "shm/command.h"
#include "shm/table.h"

/*
 * Recent history: for each room a list of its newest messages without gaps, the newest being the
 * room's last one. Where rows or blocks run out, another room's oldest message gives way. In a cache
 * without TABLE_MESSAGE (the private copy) these do nothing.
 */

/* The room's next message. The caller has opened the room's version. */
void recent_append(struct cache *cache, uint32_t room, const struct record *record,
		   const struct event_message *event);

/* A message older than the oldest one there is; ignored if it does not join it, or where there is no
 * free room for it. Opens the room's version. */
void recent_prepend(struct cache *cache, uint32_t room, const struct command_fill *fill,
		    const struct event_message *event);

/*
 * A message is gone, or (replaced) has another text: where it is in the list it keeps its place,
 * so that the list stays without gaps, but readers pass over it. purge: all up to seq go. The
 * caller has opened the room's version.
 */
void recent_remove(struct cache *cache, uint32_t room, uint64_t seq, bool replaced,
		   struct text text);
void recent_purge(struct cache *cache, uint32_t room, uint64_t seq);

/* Takes all messages of a room away. The caller has opened the room's version. */
void recent_clear(struct cache *cache, uint32_t room);

#endif
