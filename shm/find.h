#ifndef PCHAT_SHM_FIND_H
#define PCHAT_SHM_FIND_H

#include "shm/table.h"

/*
 * Look-ups in the cache by key, for who changes it and decides by it; nobody else changes the
 * tables meanwhile. All return row numbers, 0 for none. The hashes belong to the same keys.
 */
uint32_t find_room(const struct cache *cache, uint32_t id);
uint32_t find_room_by_uuid(const struct cache *cache, const uint8_t uuid[16]);
uint32_t find_room_by_name(const struct cache *cache, struct text name);
uint32_t find_principal(const struct cache *cache, uint32_t id);
uint32_t find_principal_by_uri(const struct cache *cache, struct text uri);
uint32_t find_session(const struct cache *cache, unsigned slot, uint32_t generation,
		      uint32_t session);
uint32_t find_post(const struct cache *cache, uint32_t room, uint32_t author, struct text id);

uint32_t find_category(const struct cache *cache, uint32_t id);
uint32_t find_category_by_uuid(const struct cache *cache, const uint8_t uuid[16]);
uint32_t find_category_by_name(const struct cache *cache, struct text name);
uint32_t find_addin(const struct cache *cache, uint32_t id);
uint32_t find_addin_by_name(const struct cache *cache, struct text name);

/* node: the row of a category or room; principal: an id. */
uint32_t find_role(const struct cache *cache, unsigned kind, uint32_t node, uint32_t principal);

/* Both are rows of principals. */
uint32_t find_affiliation(const struct cache *cache, uint32_t member, uint32_t group);

/* What a user has: kind is an event's type from EVENT_INVITATION to EVENT_ACCESS_REQUEST. */
uint32_t find_person(const struct cache *cache, unsigned kind, uint32_t principal, uint32_t item);

uint64_t hash_setting(const struct cache *cache, unsigned kind, struct text scope, struct text name);

/* The participant row of a session in a room, all rows but the principal's id. others_r, if not
 * NULL: how many other sessions of the same principal are in the room. */
uint32_t find_participant(const struct cache *cache, uint32_t room, uint32_t principal,
			  uint32_t session, unsigned *others_r);

/* The place of a principal in a room (a row) with a session that is lost. */
uint32_t find_lost_participant(const struct cache *cache, uint32_t room, uint32_t principal);

/*
 * A session's place in the room with this id, if it is one of two rows, else 0. Places that are next
 * to each other in the session's list are mostly asked for one after the other, in its order or
 * against it: then no index need be asked, and only rows are read that are needed anyway.
 */
struct find_near {
	uint32_t row[2]; /* 0: none */
};

struct find_near find_neighbours(const struct participant_row *p);
uint32_t find_place(const struct cache *cache, uint32_t session, uint32_t room_id,
		    const struct find_near *near);

uint64_t hash_uuid(const struct cache *cache, const uint8_t uuid[16]);
uint64_t hash_name(const struct cache *cache, struct text name); /* without regard to case */
bool find_same_name(const struct cache *cache, struct blob blob, struct text name);
uint64_t hash_id(const struct cache *cache, uint32_t id);
uint64_t hash_role(const struct cache *cache, unsigned kind, uint32_t node, uint32_t principal);
uint64_t hash_affiliation(const struct cache *cache, uint32_t member, uint32_t group);
uint64_t hash_person(const struct cache *cache, uint32_t principal, uint32_t item);
uint64_t hash_uri(const struct cache *cache, struct text uri);
uint64_t hash_session(const struct cache *cache, unsigned slot, uint32_t generation,
		      uint32_t session);
uint64_t hash_participant(const struct cache *cache, uint32_t room, uint32_t principal);
uint64_t hash_post(const struct cache *cache, uint32_t room, uint32_t author, struct text id);

#endif
