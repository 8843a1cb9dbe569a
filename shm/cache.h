#ifndef PCHAT_SHM_CACHE_H
#define PCHAT_SHM_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/code.h"
#include "conf/conf.h"
#include "conf/err.h"
#include "shm/event.h"
#include "shm/segment.h"

/*
 * The cache: rooms, users, sessions, who is in which room, recent history. This header is what
 * everybody reads it by; how the sequencer changes it stands in shm/apply.h.
 *
 * A reader gets copies. Each call tries a bounded number of times to get a consistent one and then
 * returns CODE_BUSY. Nothing in the cache is newer than what is durable.
 */
struct cache; /* a mapping of it, read-only or writable */

/* The bytes that the configuration asks for; 0 and err, which names the setting, if it is too much. */
uint64_t cache_size(const struct conf *conf, struct err *err);

/* Maps a cache for reading. The sizes in it are checked. */
struct cache *cache_map(int fd, struct err *err);
void cache_free(struct cache **cache);

struct room_view {
	uint32_t id;
	uint8_t uuid[16];
	bool disabled;
	uint64_t created;
	uint64_t last_seq;   /* 0: no message yet */
	uint64_t oldest_seq; /* of those in the cache; last_seq + 1 if there is none */
	uint32_t participants; /* sessions in it */
	uint16_t name_length, description_length;
	char name[EVENT_NAME_MAX], description[EVENT_DESCRIPTION_MAX];
};

struct principal_view {
	uint32_t id;
	uint16_t kind, state;
	uint32_t epoch;
	uint16_t uri_length, name_length;
	char uri[EVENT_URI_MAX], name[EVENT_NAME_MAX];
};

struct participant_view {
	uint32_t principal, session, generation;
	uint16_t slot;
	uint64_t lsn; /* of its EVENT_JOIN */
};

struct message_view {
	uint64_t seq, time, lsn; /* lsn 0: came from the database */
	uint32_t author;
	uint16_t flags; /* EVENT_ALERT */
	uint16_t id_length;
	uint32_t text_length;
	char id[EVENT_MESSAGE_ID_MAX];
	char *text; /* in the buffer given to cache_history */
};

/* CODE_OK, CODE_NO_SUCH_NODE or CODE_NO_SUCH_PRINCIPAL, or CODE_BUSY. */
int cache_room(const struct cache *cache, uint32_t id, struct room_view *room_r);
int cache_room_by_uuid(const struct cache *cache, const uint8_t uuid[16], struct room_view *room_r);
int cache_principal(const struct cache *cache, uint32_t id, struct principal_view *principal_r);
int cache_principal_by_uri(const struct cache *cache, const char *uri, size_t length,
			   struct principal_view *principal_r);

/* Walk all of a table: *position starts at 0 and is moved. CODE_OK with a row, CODE_BUSY for a row
 * that could not be read just now (the walk goes on), CODE_NO_SUCH_NODE or _PRINCIPAL at the end. */
int cache_rooms_next(const struct cache *cache, uint32_t *position, struct room_view *room_r);
int cache_principals_next(const struct cache *cache, uint32_t *position,
			  struct principal_view *principal_r);

/* The sessions in a room, at most max, with the LSN of their join below upto; *count_r how many. */
int cache_participants(const struct cache *cache, uint32_t room, uint64_t upto,
		       struct participant_view *list, uint32_t max, uint32_t *count_r);

/*
 * The newest messages of a room that the cache has with after < seq < before and an LSN below
 * upto, at most limit, oldest first; their texts go into buffer. What does not fit into buffer
 * (size bytes) is left out from the old end. They are contiguous.
 */
int cache_history(const struct cache *cache, uint32_t room, uint64_t after, uint64_t before,
		  uint64_t upto, struct message_view *list, unsigned limit, char *buffer, size_t size,
		  unsigned *count_r);

/* How full each table is, for status: rows in use and rows in all. */
struct cache_use {
	const char *name; /* "rooms" */
	uint64_t used, size;
};
void cache_use(const struct cache *cache, struct cache_use use_r[TABLE_COUNT]);

/* What was applied: every event below this LSN is in the cache. */
uint64_t cache_applied(const struct cache *cache);

#endif
