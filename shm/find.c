#include "shm/find.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>

#include "conf/bug.h"
#include "shm/hash.h"

static uint64_t hash_key(const struct cache *cache, const void *key, size_t size)
{
	return hash_bytes(cache->header->hash_key, key, size);
}

uint64_t hash_id(const struct cache *cache, uint32_t id)
{
	return hash_key(cache, &id, sizeof(id));
}

uint64_t hash_uuid(const struct cache *cache, const uint8_t uuid[16])
{
	return hash_key(cache, uuid, 16);
}

/* A name by which two that differ only in case are the same: Unicode case folding and NFC. Folding
 * makes a name three times as long at most. */
struct folded {
	uint8_t bytes[3 * EVENT_NAME_MAX];
	size_t length;
};

static void fold(struct text name, struct folded *folded)
{
	uint8_t *result;

	bug_on(name.length > EVENT_NAME_MAX);
	folded->length = sizeof(folded->bytes);
	result = u8_casefold((const uint8_t *)name.data, name.length, "", UNINORM_NFC,
			     folded->bytes, &folded->length);
	if (result == folded->bytes)
		return;
	/* Longer than any folding there is, or no UTF-8, which does not get here. */
	free(result);
	memcpy(folded->bytes, name.data, name.length);
	folded->length = name.length;
}

uint64_t hash_name(const struct cache *cache, struct text name)
{
	struct folded folded;

	fold(name, &folded);
	return hash_key(cache, folded.bytes, folded.length);
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

uint64_t hash_role(const struct cache *cache, unsigned kind, uint32_t node, uint32_t principal)
{
	uint32_t key[3] = {kind, node, principal};

	return hash_key(cache, key, sizeof(key));
}

uint64_t hash_affiliation(const struct cache *cache, uint32_t member, uint32_t group)
{
	uint32_t key[2] = {member, group};

	return hash_key(cache, key, sizeof(key));
}

uint64_t hash_person(const struct cache *cache, uint32_t principal, uint32_t item)
{
	uint32_t key[2] = {principal, item};

	return hash_key(cache, key, sizeof(key));
}

uint64_t hash_setting(const struct cache *cache, unsigned kind, struct text scope, struct text name)
{
	uint8_t key[1 + EVENT_SCOPE_MAX + EVENT_SETTING_MAX];

	bug_on(scope.length > EVENT_SCOPE_MAX || name.length > EVENT_SETTING_MAX);
	key[0] = (uint8_t)kind;
	memcpy(key + 1, scope.data, scope.length);
	memcpy(key + 1 + scope.length, name.data, name.length);
	return hash_key(cache, key, 1 + scope.length + name.length);
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
	uint32_t row = index_first(cache, INDEX_ROOM_ID, hash_id(cache, id));

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

bool find_same_name(const struct cache *cache, struct blob blob, struct text name)
{
	char have[EVENT_NAME_MAX];
	struct folded one, other;

	if (blob.length > sizeof(have)) /* torn: a reader's luck, who will try again */
		return false;
	blob_copy(cache, TABLE_TEXT, blob, have, sizeof(have));
	fold((struct text){have, blob.length}, &one);
	fold(name, &other);
	return one.length == other.length && memcmp(one.bytes, other.bytes, one.length) == 0;
}

uint32_t find_room_by_name(const struct cache *cache, struct text name)
{
	uint32_t row = index_first(cache, INDEX_ROOM_NAME, hash_name(cache, name));

	while (row != 0) {
		const struct room_row *room = table_row(cache, TABLE_ROOM, row);

		if (find_same_name(cache, room->name, name))
			break;
		row = room->by_name;
	}
	return row;
}

uint32_t find_principal(const struct cache *cache, uint32_t id)
{
	uint32_t row = index_first(cache, INDEX_PRINCIPAL_ID, hash_id(cache, id));

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

uint32_t find_category(const struct cache *cache, uint32_t id)
{
	uint32_t row = index_first(cache, INDEX_CATEGORY_ID, hash_id(cache, id));

	while (row != 0) {
		const struct category_row *category = table_row(cache, TABLE_CATEGORY, row);

		if (category->id == id)
			break;
		row = category->by_id;
	}
	return row;
}

uint32_t find_category_by_uuid(const struct cache *cache, const uint8_t uuid[16])
{
	uint32_t row = index_first(cache, INDEX_CATEGORY_UUID, hash_uuid(cache, uuid));

	while (row != 0) {
		const struct category_row *category = table_row(cache, TABLE_CATEGORY, row);

		if (memcmp(category->uuid, uuid, 16) == 0)
			break;
		row = category->by_uuid;
	}
	return row;
}

uint32_t find_category_by_name(const struct cache *cache, struct text name)
{
	uint32_t row = index_first(cache, INDEX_CATEGORY_NAME, hash_name(cache, name));

	while (row != 0) {
		const struct category_row *category = table_row(cache, TABLE_CATEGORY, row);

		if (find_same_name(cache, category->name, name))
			break;
		row = category->by_name;
	}
	return row;
}

uint32_t find_addin(const struct cache *cache, uint32_t id)
{
	uint32_t row = index_first(cache, INDEX_ADDIN_ID, hash_id(cache, id));

	while (row != 0) {
		const struct addin_row *addin = table_row(cache, TABLE_ADDIN, row);

		if (addin->id == id)
			break;
		row = addin->by_id;
	}
	return row;
}

uint32_t find_addin_by_name(const struct cache *cache, struct text name)
{
	uint32_t row = index_first(cache, INDEX_ADDIN_NAME, hash_name(cache, name));

	while (row != 0) {
		const struct addin_row *addin = table_row(cache, TABLE_ADDIN, row);

		if (find_same_name(cache, addin->name, name))
			break;
		row = addin->by_name;
	}
	return row;
}

uint32_t find_role(const struct cache *cache, unsigned kind, uint32_t node, uint32_t principal)
{
	uint64_t hash = hash_role(cache, kind, node, principal);
	uint32_t row = index_first(cache, INDEX_ROLE, hash);
	uint32_t steps = cache->header->table[TABLE_ROLE].rows;

	while (row != 0 && row <= cache->header->table[TABLE_ROLE].rows && steps-- > 0) {
		const struct role_row *role = table_row(cache, TABLE_ROLE, row);

		if (role->kind == kind && role->node == node && role->principal == principal)
			return row;
		row = role->by_key;
	}
	return 0;
}

uint32_t find_affiliation(const struct cache *cache, uint32_t member, uint32_t group)
{
	uint64_t hash = hash_affiliation(cache, member, group);
	uint32_t row = index_first(cache, INDEX_AFFILIATION, hash);

	while (row != 0) {
		const struct affiliation_row *a = table_row(cache, TABLE_AFFILIATION, row);

		if (a->member == member && a->group == group)
			break;
		row = a->by_key;
	}
	return row;
}

uint32_t find_person(const struct cache *cache, unsigned kind, uint32_t principal, uint32_t item)
{
	const enum table table = TABLE_INVITATION + kind - EVENT_INVITATION;
	uint32_t row = index_first(cache, INDEX_INVITATION + kind - EVENT_INVITATION,
				   hash_person(cache, principal, item));

	while (row != 0) {
		const struct person_row *p = table_row(cache, table, row);

		if (p->principal == principal && p->item == item)
			break;
		row = p->by_key;
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

uint32_t find_lost_participant(const struct cache *cache, uint32_t room, uint32_t principal)
{
	uint64_t hash = hash_participant(cache, room, principal);
	uint32_t row = index_first(cache, INDEX_PARTICIPANT, hash);

	while (row != 0) {
		const struct participant_row *p = table_row(cache, TABLE_PARTICIPANT, row);
		const struct session_row *session = table_row(cache, TABLE_SESSION, p->session);

		if (p->room == room && p->principal == principal && session->lost != 0)
			break;
		row = p->by_key;
	}
	return row;
}

struct find_near find_neighbours(const struct participant_row *p)
{
	return (struct find_near){{p->session_next, p->session_previous}};
}

uint32_t find_place(const struct cache *cache, uint32_t session, uint32_t room_id,
		    const struct find_near *near)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct participant_row *p;
		const struct room_row *room;

		if (near->row[i] == 0)
			continue;
		p = table_row(cache, TABLE_PARTICIPANT, near->row[i]);
		if (p->room == 0 || p->session != session)
			continue;
		room = table_row(cache, TABLE_ROOM, p->room);
		if (room->id == room_id)
			return near->row[i];
	}
	return 0;
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
