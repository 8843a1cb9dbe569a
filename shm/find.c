#include "shm/find.h"

#include <string.h>

#include "conf/bug.h"
#include "shm/hash.h"

static uint64_t hash_key(const struct cache *cache, const void *key, size_t size)
{
	return hash_bytes(cache->header->hash_key, key, size);
}

uint64_t hash_room(const struct cache *cache, uint32_t id)
{
	return hash_key(cache, &id, sizeof(id));
}

uint64_t hash_uuid(const struct cache *cache, const uint8_t uuid[16])
{
	return hash_key(cache, uuid, 16);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

uint64_t hash_name(const struct cache *cache, struct text name)
{
	char folded[EVENT_NAME_MAX];

	bug_on(name.length > sizeof(folded));
	for (uint32_t i = 0; i < name.length; i++)
		folded[i] = lower(name.data[i]);
	return hash_key(cache, folded, name.length);
}

uint64_t hash_principal(const struct cache *cache, uint32_t id)
{
	return hash_key(cache, &id, sizeof(id));
}

uint64_t hash_uri(const struct cache *cache, struct text uri)
{
	return hash_key(cache, uri.data, uri.length);
}

uint64_t hash_session(const struct cache *cache, unsigned slot, uint32_t generation,
		      uint32_t session)
{
	uint32_t key[3] = {slot, generation, session};

	return hash_key(cache, key, sizeof(key));
}

uint64_t hash_participant(const struct cache *cache, uint32_t room, uint32_t principal)
{
	uint32_t key[2] = {room, principal};

	return hash_key(cache, key, sizeof(key));
}

uint64_t hash_post(const struct cache *cache, uint32_t room, uint32_t author, struct text id)
{
	uint8_t key[8 + EVENT_MESSAGE_ID_MAX];

	bug_on(id.length > EVENT_MESSAGE_ID_MAX);
	memcpy(key, &room, 4);
	memcpy(key + 4, &author, 4);
	memcpy(key + 8, id.data, id.length);
	return hash_key(cache, key, 8 + id.length);
}

uint32_t find_room(const struct cache *cache, uint32_t id)
{
	uint32_t row = index_first(cache, INDEX_ROOM_ID, hash_room(cache, id));

	while (row != 0) {
		const struct room_row *room = table_row(cache, TABLE_ROOM, row);

		if (room->id == id)
			break;
		row = room->by_id;
	}
	return row;
}

uint32_t find_room_by_uuid(const struct cache *cache, const uint8_t uuid[16])
{
	uint32_t row = index_first(cache, INDEX_ROOM_UUID, hash_uuid(cache, uuid));

	while (row != 0) {
		const struct room_row *room = table_row(cache, TABLE_ROOM, row);

		if (memcmp(room->uuid, uuid, 16) == 0)
			break;
		row = room->by_uuid;
	}
	return row;
}

static bool same_name(const struct cache *cache, struct blob blob, struct text name)
{
	char have[EVENT_NAME_MAX];

	if (blob.length != name.length)
		return false;
	blob_copy(cache, TABLE_TEXT, blob, have, sizeof(have));
	for (uint32_t i = 0; i < name.length; i++)
		if (lower(have[i]) != lower(name.data[i]))
			return false;
	return true;
}

uint32_t find_room_by_name(const struct cache *cache, struct text name)
{
	uint32_t row = index_first(cache, INDEX_ROOM_NAME, hash_name(cache, name));

	while (row != 0) {
		const struct room_row *room = table_row(cache, TABLE_ROOM, row);

		if (same_name(cache, room->name, name))
			break;
		row = room->by_name;
	}
	return row;
}

uint32_t find_principal(const struct cache *cache, uint32_t id)
{
	uint32_t row = index_first(cache, INDEX_PRINCIPAL_ID, hash_principal(cache, id));

	while (row != 0) {
		const struct principal_row *principal = table_row(cache, TABLE_PRINCIPAL, row);

		if (principal->id == id)
			break;
		row = principal->by_id;
	}
	return row;
}

uint32_t find_principal_by_uri(const struct cache *cache, struct text uri)
{
	uint32_t row = index_first(cache, INDEX_PRINCIPAL_URI, hash_uri(cache, uri));

	while (row != 0) {
		const struct principal_row *principal = table_row(cache, TABLE_PRINCIPAL, row);

		if (blob_equals(cache, TABLE_TEXT, principal->uri, uri))
			break;
		row = principal->by_uri;
	}
	return row;
}

uint32_t find_session(const struct cache *cache, unsigned slot, uint32_t generation,
		      uint32_t session)
{
	uint64_t hash = hash_session(cache, slot, generation, session);
	uint32_t row = index_first(cache, INDEX_SESSION, hash);

	while (row != 0) {
		const struct session_row *s = table_row(cache, TABLE_SESSION, row);

		if (s->slot == slot && s->generation == generation && s->session == session)
			break;
		row = s->by_key;
	}
	return row;
}

uint32_t find_participant(const struct cache *cache, uint32_t room, uint32_t principal,
			  uint32_t session, unsigned *others_r)
{
	uint64_t hash = hash_participant(cache, room, principal);
	uint32_t row = index_first(cache, INDEX_PARTICIPANT, hash), found = 0;
	unsigned others = 0;

	while (row != 0 && (found == 0 || others_r != NULL)) {
		const struct participant_row *p = table_row(cache, TABLE_PARTICIPANT, row);

		if (p->room == room && p->principal == principal) {
			if (p->session == session)
				found = row;
			else
				others++;
		}
		row = p->by_key;
	}
	if (others_r != NULL)
		*others_r = others;
	return found;
}

uint32_t find_post(const struct cache *cache, uint32_t room, uint32_t author, struct text id)
{
	uint32_t row = index_first(cache, INDEX_POST, hash_post(cache, room, author, id));

	while (row != 0) {
		const struct post_row *post = table_row(cache, TABLE_POST, row);

		if (post->room == room && post->author == author && post->id_length == id.length &&
		    memcmp(post->id, id.data, id.length) == 0)
			break;
		row = post->by_key;
	}
	return row;
}
