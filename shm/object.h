#ifndef PCHAT_SHM_OBJECT_H
#define PCHAT_SHM_OBJECT_H

#include "conf/err.h"
#include "shm/event.h"
#include "shm/table.h"

/*
 * Users and groups, categories, rooms and add-ins, and their roles, as they change in the cache: the
 * part of apply.h that is about what administrators do.
 */

/* Applies an event of one of these types, or the same row from the database. -1 and err where it
 * is malformed or does not fit the cache. */
int object_apply(struct cache *cache, unsigned type, const void *payload, uint32_t size,
		 struct err *err);

int object_load_room(struct cache *cache, const struct event_room *room, struct err *err);

/* Blocks that have to be free for a text to take the place of another: none for the same. */
uint32_t object_text_blocks(const struct cache *cache, struct blob old, struct text text);

/* "cache { setting } is too small", -1. */
int err_full(struct err *err, const char *setting);

#endif
