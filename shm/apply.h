#ifndef PCHAT_SHM_APPLY_H
#define PCHAT_SHM_APPLY_H

#include "shm/cache.h"
#include "shm/command.h"
#include "shm/table.h"

/*
 * The sequencer's side of the cache: making, loading and changing it. There are two copies of it.
 * The shared one holds what is durable and is what everybody reads. The private one is the
 * sequencer's own; it is one batch ahead and is what decisions are made on. Both change by the same
 * code, from the same records, in the same order.
 *
 * Applying depends on nothing but the record and the cache. A record that does not fit the cache
 * (no row free, no such room) can only come from a journal that other settings or another program
 * wrote: it is an error and the cache must not be used any further.
 */

/* Maps the shared cache writable. Its memory is zero when the master has just made it. */
int apply_open_shared(struct cache *cache, int fd, struct err *err);

/* Makes a private copy with empty tables. */
int apply_open_private(struct cache *cache, const struct conf *conf, struct err *err);

/* Makes a cache empty (for a load) with tables as configured. */
int apply_reset(struct cache *cache, const struct conf *conf, const uint8_t hash_key[16],
		struct err *err);

/* Makes private equal to shared, as far as it has the tables. */
void apply_copy(struct cache *private, const struct cache *shared);

/* Rows from the database, while loading; no undo. -1 and err where it does not fit. */
int apply_load_object(struct cache *cache, unsigned type, const void *payload, uint32_t size,
		      struct err *err);
int apply_load_room(struct cache *cache, const struct event_room *room,
		    const struct command_load_room *more, struct err *err);

/* An event. */
int apply_record(struct cache *cache, const struct record *record, struct err *err);

/* A message from before what was loaded, for recent history and repeats only. */
int apply_recent(struct cache *cache, const struct record *record, struct err *err);

/* A message that a reader found in the database. Ignored unless it joins the oldest one there is. */
void apply_fill(struct cache *cache, uint32_t room, const struct command_fill *fill,
		const struct event_message *message);

enum { APPLY_ROOM_MESSAGES = 500 }; /* kept of one room at most */

#endif
