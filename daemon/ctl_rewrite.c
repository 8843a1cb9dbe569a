#include "daemon/ctl_rewrite.h"

#include <stdlib.h>
#include <string.h>

#include "odbc/content_index.h"
#include "shm/layout.h"

enum { FIRST = 1024, TRIES = 100 };

struct rewrite {
	struct db *db;		   /* borrowed, in a transaction */
	const struct cache *cache; /* borrowed */
	struct content_cursor *cursor;
	struct err *err;
	void *list; /* owned: of roles, groups or what a user has */
	size_t size;
};

static enum db_result busy(struct rewrite *r)
{
	err_set(r->err, "could not read the cache: it is being changed");
	return DB_RETRY;
}

static struct db_bytes bytes(const char *data, size_t length)
{
	return (struct db_bytes){.data = data, .length = length};
}

static void raise(uint32_t *highest, uint32_t id)
{
	if (id > *highest)
		*highest = id;
}

/* Room for count items; NULL: no memory. */
static void *list_of(struct rewrite *r, uint32_t count, size_t item)
{
	if (count * item > r->size) {
		free(r->list);
		r->list = calloc(count, item);
		r->size = r->list ? count * item : 0;
	}
	return r->list;
}

/* --- Users and groups. --- */

static enum db_result put_groups(struct rewrite *r, uint32_t principal)
{
	uint32_t count = FIRST, size = 0, *list = NULL;
	enum db_result result = DB_OK;

	for (unsigned i = 0; count > size && i < TRIES; i++) {
		size = count > FIRST ? count + count / 8 : FIRST;
		list = list_of(r, size, sizeof(*list));
		if (!list || cache_groups(r->cache, principal, list, size, &count) != CODE_OK)
			count = size + 1;
	}
	if (count > size)
		return busy(r);
	for (uint32_t i = 0; i < count && result == DB_OK; i++)
		result = content_affiliation_put(
			r->db, &(struct content_affiliation){.member = principal, .group = list[i]},
			true, r->err);
	return result;
}

static enum db_result put_person(struct rewrite *r, unsigned type, const struct person_view *view)
{
	char name[EVENT_FEED_NAME_MAX], text[EVENT_WORDS_MAX];
	const enum content_person_kind kind = CONTENT_INVITATION + type - EVENT_INVITATION;
	uint32_t name_length = 0, text_length = 0;
	struct content_person row = {.principal = view->principal,
				     .item = view->item,
				     .who = view->who,
				     .room = view->room,
				     .flags = view->flags,
				     .number = view->number,
				     .time = view->time};
	struct person_view again;

	if (view->item == 0)
		return content_person_put(r->db, CONTENT_INVITED, &row, r->err);
	if (type == EVENT_FEED || type == EVENT_ACCESS_REQUEST) {
		if (cache_person_item(r->cache, type, view->principal, view->item, &again, name,
				      &name_length, text, &text_length) != CODE_OK)
			return busy(r);
		row.name = bytes(name, name_length);
		row.text = bytes(text, text_length);
	}
	return content_person_put(r->db, kind, &row, r->err);
}

static enum db_result put_people(struct rewrite *r, unsigned type, uint32_t principal)
{
	uint32_t count = FIRST, size = 0;
	struct person_view *list = NULL;
	enum db_result result = DB_OK;

	for (unsigned i = 0; count > size && i < TRIES; i++) {
		size = count > FIRST ? count + count / 8 : FIRST;
		list = list_of(r, size, sizeof(*list));
		if (!list || cache_person(r->cache, type, principal, list, size, &count) != CODE_OK)
			count = size + 1;
	}
	if (count > size)
		return busy(r);
	for (uint32_t i = 0; i < count && result == DB_OK; i++)
		result = put_person(r, type, &list[i]);
	return result;
}

static enum db_result put_grant(struct rewrite *r, uint32_t principal)
{
	char policy[EVENT_POLICY_MAX];
	uint32_t length = 0;

	if (cache_grant(r->cache, principal, policy, &length) != CODE_OK)
		return busy(r);
	return length == 0
		       ? DB_OK
		       : content_grant_put(r->db,
					   &(struct content_grant){.principal = principal,
								   .policy = bytes(policy, length)},
					   r->err);
}

static enum db_result put_principal(struct rewrite *r, const struct principal_view *view)
{
	enum db_result result = content_principal_put(
		r->db,
		&(struct content_principal){.id = view->id,
					    .kind = view->kind,
					    .state = view->state,
					    .epoch = view->epoch,
					    .uri = bytes(view->uri, view->uri_length),
					    .name = bytes(view->name, view->name_length)},
		r->err);

	raise(&r->cursor->last_principal, view->id);
	if (result == DB_OK)
		result = put_groups(r, view->id);
	if (result != DB_OK || view->kind != PRINCIPAL_USER)
		return result;
	for (unsigned type = EVENT_INVITATION; type <= EVENT_ACCESS_REQUEST && result == DB_OK;
	     type++)
		result = put_people(r, type, view->id);
	return result == DB_OK ? put_grant(r, view->id) : result;
}

static enum db_result put_principals(struct rewrite *r)
{
	struct principal_view view;
	enum db_result result = DB_OK;
	uint32_t position = 0;
	int code = CODE_OK;

	while (result == DB_OK &&
	       (code = cache_principals_next(r->cache, &position, &view)) == CODE_OK)
		result = put_principal(r, &view);
	return code == CODE_BUSY ? busy(r) : result;
}

/* --- Categories, add-ins and rooms. --- */

static enum db_result put_roles(struct rewrite *r, enum node_kind kind, uint32_t node)
{
	uint32_t count = FIRST, size = 0;
	struct role_view *list = NULL;
	enum db_result result = DB_OK;

	for (unsigned i = 0; count > size && i < TRIES; i++) {
		size = count > FIRST ? count + count / 8 : FIRST;
		list = list_of(r, size, sizeof(*list));
		if (!list || cache_roles(r->cache, kind, node, list, size, &count) != CODE_OK)
			count = size + 1;
	}
	if (count > size)
		return busy(r);
	for (uint32_t i = 0; i < count; i++)
		for (unsigned role = ROLE_ALLOWED; role <= ROLE_PRESENTER && result == DB_OK;
		     role++)
			if (list[i].roles & 1u << role)
				result = content_role_put(
					r->db,
					&(struct content_role){.kind = (uint8_t)kind,
							       .role = (uint8_t)role,
							       .node = node,
							       .principal = list[i].principal},
					true, r->err);
	return result;
}

static enum db_result put_category(struct rewrite *r, const struct category_view *view)
{
	struct content_category row = {.id = view->id,
				       .flags = view->flags,
				       .created = view->created,
				       .revision = view->revision,
				       .name = bytes(view->name, view->name_length),
				       .description =
					       bytes(view->description, view->description_length)};
	enum db_result result;

	memcpy(row.uuid, view->uuid, sizeof(row.uuid));
	raise(&r->cursor->last_category, view->id);
	result = content_category_put(r->db, &row, r->err);
	return result == DB_OK ? put_roles(r, NODE_CATEGORY, view->id) : result;
}

static enum db_result put_categories(struct rewrite *r)
{
	struct category_view view;
	enum db_result result = DB_OK;
	uint32_t position = 0;
	int code = CODE_OK;

	while (result == DB_OK &&
	       (code = cache_categories_next(r->cache, &position, &view)) == CODE_OK)
		result = put_category(r, &view);
	return code == CODE_BUSY ? busy(r) : result;
}

static enum db_result put_addin(struct rewrite *r, const struct addin_view *view)
{
	struct content_addin row = {.id = view->id,
				    .name = bytes(view->name, view->name_length),
				    .url = bytes(view->url, view->url_length)};

	memcpy(row.uuid, view->uuid, sizeof(row.uuid));
	raise(&r->cursor->last_addin, view->id);
	return content_addin_put(r->db, &row, r->err);
}

static enum db_result put_addins(struct rewrite *r)
{
	struct addin_view view;
	enum db_result result = DB_OK;
	uint32_t position = 0;
	int code = CODE_OK;

	while (result == DB_OK && (code = cache_addins_next(r->cache, &position, &view)) == CODE_OK)
		result = put_addin(r, &view);
	return code == CODE_BUSY ? busy(r) : result;
}

static enum db_result put_room(struct rewrite *r, const struct room_view *view)
{
	struct content_room row = {.id = view->id,
				   .disabled = view->disabled,
				   .category = view->category,
				   .addin = view->addin,
				   .privacy = view->privacy,
				   .behavior = view->behavior,
				   .invitations = view->invitations,
				   .created = view->created,
				   .revision = view->revision,
				   .name = bytes(view->name, view->name_length),
				   .description =
					   bytes(view->description, view->description_length)};
	enum db_result result;

	memcpy(row.uuid, view->uuid, sizeof(row.uuid));
	raise(&r->cursor->last_room, view->id);
	result = content_room_put(r->db, &row, r->err);
	return result == DB_OK ? put_roles(r, NODE_ROOM, view->id) : result;
}

static enum db_result put_rooms(struct rewrite *r)
{
	struct room_view view;
	enum db_result result = DB_OK;
	uint32_t position = 0;
	int code = CODE_OK;

	while (result == DB_OK && (code = cache_rooms_next(r->cache, &position, &view)) == CODE_OK)
		result = put_room(r, &view);
	return code == CODE_BUSY ? busy(r) : result;
}

static enum db_result put_setting(struct rewrite *r, const struct setting_view *view)
{
	const struct content_setting row = {.kind = view->kind,
					    .scope = bytes(view->scope, view->scope_length),
					    .name = bytes(view->name, view->name_length),
					    .value = bytes(view->value, view->value_length)};

	return content_setting_put(r->db, &row, true, r->err);
}

static enum db_result put_settings(struct rewrite *r)
{
	struct setting_view view;
	enum db_result result = DB_OK;
	uint32_t position = 0;
	int code = CODE_OK;

	while (result == DB_OK &&
	       (code = cache_settings_next(r->cache, &position, &view)) == CODE_OK)
		result = put_setting(r, &view);
	return code == CODE_BUSY ? busy(r) : result;
}

/* --- What is there no more. --- */

/* A page of ids above *above; *count_r 0: there are no more. */
static enum db_result read_ids(struct rewrite *r, enum node_kind kind, uint32_t *above,
			       uint32_t ids[CONTENT_LOAD_PAGE], unsigned *count_r)
{
	union {
		struct content_category category;
		struct content_room room;
		struct content_addin addin;
	} row;
	enum db_result result = kind == NODE_CATEGORY ? content_categories(r->db, *above, r->err)
				: kind == NODE_ROOM   ? content_rooms(r->db, *above, r->err)
						      : content_addins(r->db, *above, r->err);

	*count_r = 0;
	while (result == DB_OK || result == DB_BAD_DATA) {
		memset(&row, 0, sizeof(row));
		result = kind == NODE_CATEGORY
				 ? content_categories_next(r->db, &row.category, r->err)
			 : kind == NODE_ROOM ? content_rooms_next(r->db, &row.room, r->err)
					     : content_addins_next(r->db, &row.addin, r->err);
		if (result != DB_OK && result != DB_BAD_DATA)
			break;
		ids[*count_r] = kind == NODE_CATEGORY ? row.category.id
				: kind == NODE_ROOM   ? row.room.id
						      : row.addin.id;
		*above = ids[(*count_r)++];
	}
	return result == DB_END ? DB_OK : result;
}

static bool is_gone(const struct rewrite *r, enum node_kind kind, uint32_t id)
{
	union {
		struct category_view category;
		struct room_view room;
		struct addin_view addin;
	} view;

	switch (kind) {
	case NODE_CATEGORY:
		return cache_category(r->cache, id, &view.category) == CODE_NO_SUCH_NODE;
	case NODE_ROOM:
		return cache_room(r->cache, id, &view.room) == CODE_NO_SUCH_NODE;
	default:
		return cache_addin(r->cache, id, &view.addin) == CODE_NO_SUCH_NODE;
	}
}

static enum db_result remove_gone(struct rewrite *r, enum node_kind kind)
{
	uint32_t above = 0, ids[CONTENT_LOAD_PAGE];
	unsigned count = 1;
	enum db_result result = DB_OK;

	while (result == DB_OK && count > 0) {
		result = read_ids(r, kind, &above, ids, &count);
		for (unsigned i = 0; i < count && result == DB_OK; i++) {
			if (!is_gone(r, kind, ids[i]))
				continue;
			result = kind == NODE_CATEGORY
					 ? content_category_remove(r->db, ids[i], r->err)
				 : kind == NODE_ROOM ? content_room_remove(r->db, ids[i], r->err)
						     : content_addin_remove(r->db, ids[i], r->err);
		}
	}
	return result;
}

enum db_result ctl_rewrite(struct db *db, const struct cache *cache, struct content_cursor *cursor,
			   struct err *err)
{
	struct rewrite r = {.db = db, .cache = cache, .cursor = cursor, .err = err};
	enum db_result result = content_forget_links(db, err);

	if (result == DB_OK)
		result = content_index_void(db, err);
	for (enum node_kind kind = NODE_CATEGORY; kind <= NODE_ADDIN && result == DB_OK; kind++)
		result = remove_gone(&r, kind);
	if (result == DB_OK)
		result = put_principals(&r);
	if (result == DB_OK)
		result = put_categories(&r);
	if (result == DB_OK)
		result = put_addins(&r);
	if (result == DB_OK)
		result = put_rooms(&r);
	if (result == DB_OK)
		result = put_settings(&r);
	free(r.list);
	return result;
}

/* --- Messages, as far as the memory has them. --- */

enum { RECENT = 512, TEXTS = 32 << 20 };

static struct db_bytes text(struct text text)
{
	return bytes(text.data, text.length);
}

static enum db_result put_message(struct rewrite *r, uint32_t room, const struct message_view *view)
{
	const struct content_message row = {.room = room,
					    .seq = view->seq,
					    .time = view->time,
					    .author = view->author,
					    .flags = view->flags,
					    .id = bytes(view->id, view->id_length),
					    .text = text(view->text),
					    .title = text(view->title),
					    .rich_type = text(view->rich_type),
					    .rich = text(view->rich)};
	enum db_result result = DB_OK;

	if (view->flags & (EVENT_GONE | EVENT_REPLACED))
		result = content_message_forget(r->db, room, view->seq, r->err);
	if (result == DB_OK && !(view->flags & EVENT_GONE))
		result = content_messages_put(r->db, &row, 1, r->err);
	return result;
}

static enum db_result put_recent(struct rewrite *r, const struct room_view *room, char *texts)
{
	struct message_view *list = list_of(r, RECENT, sizeof(*list));
	enum db_result result;
	unsigned count = 0;

	if (!list || cache_history(r->cache, room->id, 0, UINT64_MAX, UINT64_MAX, list, RECENT,
				   texts, TEXTS, &count) != CODE_OK)
		return busy(r);
	result = content_room_restore(r->db, room->id, room->last_seq, room->removals, r->err);
	for (unsigned i = 0; i < count && result == DB_OK; i++)
		result = put_message(r, room->id, &list[i]);
	return result;
}

enum db_result ctl_rewrite_messages(struct db *db, const struct cache *cache, struct err *err)
{
	struct rewrite r = {.db = db, .cache = cache, .err = err};
	char *texts = malloc(TEXTS);
	enum db_result result = texts ? DB_OK : busy(&r);
	struct room_view view;
	uint32_t position = 0;
	int code = CODE_OK;

	while (result == DB_OK && code == CODE_OK) {
		code = cache_rooms_next(cache, &position, &view);
		if (code == CODE_OK)
			result = put_recent(&r, &view, texts);
	}
	free(texts);
	free(r.list);
	return code == CODE_BUSY ? busy(&r) : result;
}
