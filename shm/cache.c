#include "shm/cache.h"

#include <stdlib.h>
#include <string.h>

#include "shm/attempt.h"
#include "shm/find.h"

uint64_t cache_size(const struct conf *conf, struct err *err)
{
	struct cache_header header = {0};

	return table_layout(&header, conf, false, err);
}

struct cache *cache_map(int fd, struct err *err)
{
	struct cache *cache = calloc(1, sizeof(*cache));

	if (cache == NULL) {
		err_errno(err, "could not map the cache");
		return NULL;
	}
	if (segment_map(&cache->map, fd, false, err) == 0) {
		cache->base = cache->map.base;
		cache->header = cache->map.base;
		if (cache->map.size >= sizeof(*cache->header) && cache_valid(cache))
			return cache;
		err_set(err, "the cache's memory makes no sense");
	}
	cache_free(&cache);
	return NULL;
}

void cache_free(struct cache **cache)
{
	if (*cache != NULL && (*cache)->map.base != NULL)
		segment_unmap(&(*cache)->map);
	free(*cache);
	*cache = NULL;
}

/* --- Rooms. --- */

static uint64_t oldest_seq(const struct cache *cache, const struct room_row *room)
{
	const struct message_row *oldest;

	if (!attempt_is_row(cache, TABLE_MESSAGE, room->oldest))
		return room->last_seq + 1;
	oldest = table_row(cache, TABLE_MESSAGE, room->oldest);
	return oldest->seq;
}

static uint32_t category_id(const struct cache *cache, uint32_t row)
{
	const struct category_row *category;

	if (!attempt_is_row(cache, TABLE_CATEGORY, row))
		return 0;
	category = table_row(cache, TABLE_CATEGORY, row);
	return category->id;
}

static int view_room(const struct cache *cache, uint32_t row, struct room_view *view)
{
	const struct room_row *room = table_row(cache, TABLE_ROOM, row);
	struct attempt a = attempt(&room->version);

	while (attempt_begin(&a)) {
		view->id = room->id;
		memcpy(view->uuid, room->uuid, sizeof(view->uuid));
		view->disabled = room->disabled != 0;
		view->privacy = room->privacy;
		view->behavior = room->behavior;
		view->invitations = room->invitations;
		view->category = category_id(cache, room->category);
		view->addin = room->addin;
		view->created = room->created;
		view->revision = room->revision;
		view->last_seq = room->last_seq;
		view->oldest_seq = oldest_seq(cache, room);
		view->removals = room->removals;
		view->removal = room->removal;
		view->participants = room->participants;
		view->name_length = attempt_text(cache, room->name, view->name, sizeof(view->name));
		view->description_length = attempt_text(cache, room->description, view->description,
						     sizeof(view->description));
		if (attempt_undisturbed(&a))
			return CODE_OK;
	}
	return CODE_BUSY;
}

static bool same_uuid(const struct cache *cache, uint32_t row, const void *key, uint32_t *next_r)
{
	const struct room_row *room = table_row(cache, TABLE_ROOM, row);

	*next_r = room->by_uuid;
	return memcmp(room->uuid, key, sizeof(room->uuid)) == 0;
}

int cache_room(const struct cache *cache, uint32_t id, struct room_view *room_r)
{
	uint32_t row;
	int code = attempt_room_row(cache, id, &row);

	if (code == CODE_OK)
		code = view_room(cache, row, room_r);
	return code == CODE_OK && room_r->id != id ? CODE_NO_SUCH_NODE : code;
}

static int room_row_by_uuid(const struct cache *cache, const uint8_t uuid[16], uint32_t *row_r)
{
	int code = attempt_look_up(cache, INDEX_ROOM_UUID, TABLE_ROOM, hash_uuid(cache, uuid),
				   same_uuid, uuid, row_r);

	return code == CODE_OK && *row_r == 0 ? CODE_NO_SUCH_NODE : code;
}

int cache_room_id(const struct cache *cache, const uint8_t uuid[16], uint32_t *id_r)
{
	const struct room_row *room;
	struct attempt a;
	uint32_t row;
	int code = room_row_by_uuid(cache, uuid, &row);

	if (code != CODE_OK)
		return code;
	room = table_row(cache, TABLE_ROOM, row);
	a = attempt(&room->version);
	while (attempt_begin(&a)) {
		const bool same = memcmp(room->uuid, uuid, sizeof(room->uuid)) == 0;

		*id_r = room->id;
		if (attempt_undisturbed(&a))
			return same ? CODE_OK : CODE_NO_SUCH_NODE;
	}
	return CODE_BUSY;
}

int cache_room_by_uuid(const struct cache *cache, const uint8_t uuid[16], struct room_view *room_r)
{
	uint32_t row;
	int code = room_row_by_uuid(cache, uuid, &row);

	if (code == CODE_OK)
		code = view_room(cache, row, room_r);
	if (code == CODE_OK && memcmp(room_r->uuid, uuid, 16) != 0)
		return CODE_NO_SUCH_NODE;
	return code;
}

static bool same_name(const struct cache *cache, uint32_t row, const void *key, uint32_t *next_r)
{
	const struct room_row *room = table_row(cache, TABLE_ROOM, row);

	*next_r = room->by_name;
	return find_same_name(cache, room->name, *(const struct text *)key);
}

int cache_room_by_name(const struct cache *cache, const char *name, size_t length,
		       struct room_view *room_r)
{
	struct text key = {name, (uint32_t)length};
	uint32_t row = 0;
	int code;

	if (length > EVENT_NAME_MAX)
		return CODE_NO_SUCH_NODE;
	code = attempt_look_up(cache, INDEX_ROOM_NAME, TABLE_ROOM, hash_name(cache, key), same_name,
			       &key, &row);
	if (code == CODE_OK)
		code = row == 0 ? CODE_NO_SUCH_NODE : view_room(cache, row, room_r);
	return code;
}

int cache_rooms_next(const struct cache *cache, uint32_t *position, struct room_view *room_r)
{
	while (*position < cache->header->table[TABLE_ROOM].fresh) {
		int code = view_room(cache, ++*position, room_r);

		if (code != CODE_OK || room_r->id != 0)
			return code;
	}
	return CODE_NO_SUCH_NODE;
}

/* --- Users. --- */

static int view_principal(const struct cache *cache, uint32_t row, struct principal_view *view)
{
	const struct principal_row *principal = table_row(cache, TABLE_PRINCIPAL, row);
	struct attempt a = attempt(&principal->version);

	while (attempt_begin(&a)) {
		view->id = principal->id;
		view->kind = principal->kind;
		view->state = principal->state;
		view->epoch = principal->epoch;
		view->uri_length = attempt_text(cache, principal->uri, view->uri, sizeof(view->uri));
		view->name_length =
			attempt_text(cache, principal->name, view->name, sizeof(view->name));
		if (attempt_undisturbed(&a))
			return CODE_OK;
	}
	return CODE_BUSY;
}

static bool same_uri(const struct cache *cache, uint32_t row, const void *key, uint32_t *next_r)
{
	const struct principal_row *principal = table_row(cache, TABLE_PRINCIPAL, row);

	*next_r = principal->by_uri;
	return blob_equals(cache, TABLE_TEXT, principal->uri, *(const struct text *)key);
}

int cache_principal(const struct cache *cache, uint32_t id, struct principal_view *principal_r)
{
	uint32_t row = 0;
	int code = attempt_principal_row(cache, id, &row);

	return code == CODE_OK ? view_principal(cache, row, principal_r) : code;
}

int cache_principal_by_uri(const struct cache *cache, const char *uri, size_t length,
			   struct principal_view *principal_r)
{
	struct text key = {.data = uri, .length = (uint32_t)length};
	uint32_t row;
	int code;

	if (length > EVENT_URI_MAX)
		return CODE_NO_SUCH_PRINCIPAL;
	code = attempt_look_up(cache, INDEX_PRINCIPAL_URI, TABLE_PRINCIPAL, hash_uri(cache, key), same_uri,
		       &key, &row);
	if (code == CODE_OK)
		code = row == 0 ? CODE_NO_SUCH_PRINCIPAL : view_principal(cache, row, principal_r);
	return code;
}

int cache_principals_next(const struct cache *cache, uint32_t *position,
			  struct principal_view *principal_r)
{
	while (*position < cache->header->table[TABLE_PRINCIPAL].fresh) {
		int code = view_principal(cache, ++*position, principal_r);

		if (code != CODE_OK || principal_r->id != 0)
			return code;
	}
	return CODE_NO_SUCH_PRINCIPAL;
}

/* --- Who is in a room. --- */

static uint32_t copy_roster(const struct cache *cache, const struct room_row *room, uint32_t *list,
			    uint32_t max)
{
	uint32_t row = room->first_participant, steps = room->participants, count = 0;

	for (; attempt_is_row(cache, TABLE_PARTICIPANT, row) && steps > 0 && count < max; steps--) {
		const struct participant_row *p = table_row(cache, TABLE_PARTICIPANT, row);

		row = p->room_next;
		list[count++] = p->principal;
	}
	return count;
}

int cache_participants(const struct cache *cache, uint32_t room, uint32_t *list, uint32_t max,
		       uint32_t *count_r)
{
	const struct room_row *r;
	struct attempt a;
	uint32_t row;
	int code = attempt_room_row(cache, room, &row);

	if (code != CODE_OK)
		return code;
	r = table_row(cache, TABLE_ROOM, row);
	a = attempt(&r->roster);
	while (attempt_begin(&a)) {
		*count_r = copy_roster(cache, r, list, max);
		if (attempt_undisturbed(&a))
			return CODE_OK;
	}
	return CODE_BUSY;
}

int cache_crowd(const struct cache *cache, uint32_t room, uint32_t *sessions_r, uint32_t *users_r)
{
	const struct room_row *r;
	struct attempt a;
	uint32_t row;
	int code = attempt_room_row(cache, room, &row);

	if (code != CODE_OK)
		return code;
	r = table_row(cache, TABLE_ROOM, row);
	a = attempt(&r->roster);
	while (attempt_begin(&a)) {
		*sessions_r = r->participants;
		*users_r = r->users;
		if (attempt_undisturbed(&a))
			return CODE_OK;
	}
	return CODE_BUSY;
}

/* --- Recent history. --- */

struct wanted {
	uint64_t after, before, upto;
	struct message_view *list;
	unsigned limit;
	char *buffer;
	size_t size;
};

/* Cuts the next part off a body. A row that is being changed may claim more than there is. */
static struct text cut(struct text *body, uint32_t length)
{
	struct text part = *body;

	if (length < part.length)
		part.length = length;
	body->data += part.length;
	body->length -= part.length;
	return part;
}

/* The body of a message; buffer has room for it. */
static void copy_body(const struct cache *cache, const struct message_row *m, struct blob body,
		      char *buffer, struct message_view *view)
{
	struct text rest = {.data = buffer, .length = body.length};

	blob_copy(cache, TABLE_BODY, body, buffer, body.length);
	view->title = cut(&rest, m->title_length);
	view->text = cut(&rest, m->text_length);
	view->rich_type = cut(&rest, m->rich_type_length);
	view->rich = rest;
}

/* Newest first: the walk can be cut off anywhere and what was taken is still contiguous. */
static unsigned copy_messages(const struct cache *cache, const struct room_row *room,
			      const struct wanted *wanted)
{
	uint32_t row = room->newest, steps = room->messages;
	unsigned count = 0;
	size_t used = 0;

	if (wanted->before <= room->last_seq + 1 - steps)
		return 0; /* there are none so old */
	for (; attempt_is_row(cache, TABLE_MESSAGE, row) && steps > 0 && count < wanted->limit; steps--) {
		const struct message_row *m = table_row(cache, TABLE_MESSAGE, row);
		struct message_view *view = &wanted->list[count];
		const struct blob body = m->body;

		row = m->older;
		if (m->seq <= wanted->after)
			break;
		if (m->seq >= wanted->before || m->lsn >= wanted->upto)
			continue;
		if (body.length > wanted->size - used)
			break;
		*view = (struct message_view){.seq = m->seq,
					      .time = m->time,
					      .lsn = m->lsn,
					      .author = m->author,
					      .flags = m->flags};
		view->id_length = m->id_length <= sizeof(view->id) ? m->id_length : 0;
		memcpy(view->id, m->id, view->id_length);
		copy_body(cache, m, body, wanted->buffer + used, view);
		used += body.length;
		count++;
	}
	return count;
}

static void reverse(struct message_view *list, unsigned count)
{
	for (unsigned i = 0; i < count / 2; i++) {
		struct message_view swap = list[i];

		list[i] = list[count - 1 - i];
		list[count - 1 - i] = swap;
	}
}

int cache_history(const struct cache *cache, uint32_t room, uint64_t after, uint64_t before,
		  uint64_t upto, struct message_view *list, unsigned limit, char *buffer, size_t size,
		  unsigned *count_r)
{
	struct wanted wanted = {after, before, upto, list, limit, buffer, size};
	const struct room_row *r;
	struct attempt a;
	uint32_t row;
	int code = attempt_room_row(cache, room, &row);

	if (code != CODE_OK)
		return code;
	r = table_row(cache, TABLE_ROOM, row);
	a = attempt(&r->version);
	while (attempt_begin(&a)) {
		*count_r = copy_messages(cache, r, &wanted);
		if (attempt_undisturbed(&a)) {
			reverse(list, *count_r);
			return CODE_OK;
		}
	}
	return CODE_BUSY;
}

int cache_room_version(const struct cache *cache, uint32_t room, uint32_t *version_r)
{
	uint32_t row;
	int code = attempt_room_row(cache, room, &row);
	struct attempt a;

	if (code != CODE_OK)
		return code;
	a = attempt(&((const struct room_row *)table_row(cache, TABLE_ROOM, row))->version);
	if (!attempt_begin(&a))
		return CODE_BUSY;
	*version_r = a.seen;
	return CODE_OK;
}

uint32_t cache_author(const struct cache *cache, uint32_t room, uint64_t seq)
{
	const uint32_t row = find_room(cache, room);
	const struct room_row *r = row == 0 ? NULL : table_row(cache, TABLE_ROOM, row);

	for (uint32_t at = r ? r->newest : 0; at != 0;) {
		const struct message_row *message = table_row(cache, TABLE_MESSAGE, at);

		if (message->seq == seq)
			return message->flags & EVENT_GONE ? 0 : message->author;
		at = message->seq > seq ? message->older : 0;
	}
	return 0;
}

/* --- Status. --- */

const char *cache_table_name(unsigned table)
{
	static const char *const names[TABLE_COUNT] = {
		"rooms", "principals", "sessions", "participants",
		"messages", "posts", "categories", "addins", "roles", "affiliations",
		"invitations", "markers", "feeds", "requests", "settings", "text",
		"history",
	};

	return table < TABLE_COUNT ? names[table] : NULL;
}

void cache_use(const struct cache *cache, struct cache_use use_r[TABLE_COUNT])
{
	for (unsigned t = 0; t < TABLE_COUNT; t++) {
		const struct cache_table *table = &cache->header->table[t];

		use_r[t] = (struct cache_use){cache_table_name(t), table->used, table->rows};
	}
}

uint64_t cache_applied(const struct cache *cache)
{
	return atomic_load_explicit(&cache->header->applied, memory_order_acquire);
}

uint32_t cache_lost(const struct cache *cache)
{
	return cache->header->lost;
}
