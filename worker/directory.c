#include <stdlib.h>
#include <string.h>
#include <unicase.h>

#include "worker/core.h"

/* Lists of rooms and users, taken from the cache. */

enum { TRIES = 32 }; /* to read a row that is being changed */

struct match {
	uint32_t id;
	uint16_t length;
	char name[]; /* folded */
};

struct matches {
	struct match **list; /* owned */
	size_t count, size;
	bool failed;
};

/* Text made fit for comparison without regard to case; *length_r bytes at out, cut off at size. */
static void fold(struct text text, char *out, size_t size, size_t *length_r)
{
	uint8_t *folded;

	*length_r = size;
	folded = u8_casefold((const uint8_t *)text.data, text.length, NULL, NULL, (uint8_t *)out,
			     length_r);
	if (folded == NULL)
		*length_r = 0;
	if (folded == NULL || folded == (uint8_t *)out)
		return;
	if (*length_r > size)
		*length_r = size;
	memcpy(out, folded, *length_r);
	free(folded);
}

static void add(struct matches *all, uint32_t id, const char *name, size_t length)
{
	struct match *match;

	if (all->count == all->size) {
		size_t size = all->size == 0 ? 64 : all->size * 2;
		struct match **larger = reallocarray(all->list, size, sizeof(*larger));

		if (larger == NULL) {
			all->failed = true;
			return;
		}
		all->list = larger;
		all->size = size;
	}
	match = malloc(sizeof(*match) + length);
	if (match == NULL) {
		all->failed = true;
		return;
	}
	match->id = id;
	match->length = (uint16_t)length;
	memcpy(match->name, name, length);
	all->list[all->count++] = match;
}

static void matches_fini(struct matches *all)
{
	for (size_t i = 0; i < all->count; i++)
		free(all->list[i]);
	free(all->list);
}

static int by_name(const void *a, const void *b)
{
	const struct match *x = *(const struct match *const *)a;
	const struct match *y = *(const struct match *const *)b;
	int order = memcmp(x->name, y->name, x->length < y->length ? x->length : y->length);

	if (order != 0)
		return order;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void match_room(const struct room_view *room, const char *wanted, size_t length,
		       struct matches *all)
{
	char name[2 * EVENT_NAME_MAX], description[2 * EVENT_DESCRIPTION_MAX];
	size_t name_length, description_length;

	fold((struct text){room->name, room->name_length}, name, sizeof(name), &name_length);
	if (length > 0 && memmem(name, name_length, wanted, length) == NULL) {
		fold((struct text){room->description, room->description_length}, description,
		     sizeof(description), &description_length);
		if (memmem(description, description_length, wanted, length) == NULL)
			return;
	}
	add(all, room->id, name, name_length);
}

/* A page of the matches, in the order of their names. A room that vanished is left out. */
static int write_rooms(struct session *session, struct matches *all, uint32_t limit,
		       uint32_t offset, struct buf *list)
{
	if (all->count > 0)
		qsort(all->list, all->count, sizeof(all->list[0]), by_name);
	for (size_t i = offset; i < all->count && i - offset < limit; i++) {
		struct room_view room;
		int code = cache_room(session->chat->cache, all->list[i]->id, &room);

		if (code == CODE_BUSY)
			return code;
		if (code == CODE_OK)
			session->front->room(session->chat, list, &room);
	}
	return CODE_OK;
}

/* A room that is being changed is looked at again: the list is to be whole, or there is none. */
static int next_room(const struct cache *cache, uint32_t *position, struct room_view *room_r)
{
	uint32_t place = *position;
	int code = CODE_BUSY;

	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++) {
		*position = place;
		code = cache_rooms_next(cache, position, room_r);
	}
	return code;
}

void chat_rooms(struct session *session, const struct chat_id *id, struct text text, uint32_t limit,
		uint32_t offset)
{
	char wanted[2 * EVENT_NAME_MAX];
	struct matches all = {0};
	struct room_view room;
	uint32_t position = 0;
	struct buf list;
	size_t length;
	int code;

	fold(text, wanted, sizeof(wanted), &length);
	while ((code = next_room(session->chat->cache, &position, &room)) == CODE_OK)
		match_room(&room, wanted, length, &all);
	buf_init(&list);
	code = all.failed || code == CODE_BUSY ? CODE_BUSY
					       : write_rooms(session, &all, limit, offset, &list);
	if (code == CODE_OK)
		session->front->rooms(session, id, &list, all.count > (uint64_t)offset + limit);
	else
		session_refuse(session, id, code);
	buf_fini(&list);
	matches_fini(&all);
}

void chat_users(struct session *session, const struct chat_id *id, uint32_t limit, uint32_t offset)
{
	struct principal_view user;
	uint32_t position = 0;
	uint64_t found = 0;
	struct buf list;
	int code;

	buf_init(&list);
	while (found <= (uint64_t)offset + limit) {
		code = cache_principals_next(session->chat->cache, &position, &user);
		if (code == CODE_BUSY)
			continue;
		if (code != CODE_OK)
			break;
		if (found >= offset && found < (uint64_t)offset + limit)
			session->front->account(&list, &user);
		found++;
	}
	session->front->accounts(session, id, &list, found > (uint64_t)offset + limit);
	buf_fini(&list);
}
