#include "shm/object.h"

#include <string.h>

#include "shm/find.h"
#include "shm/person.h"
#include "shm/recent.h"
#include "shm/role.h"
#include "shm/scoped.h"

int err_full(struct err *err, const char *setting)
{
	return err_set(err, "cache { %s } is too small", setting);
}

static bool text_fits(const struct cache *cache, struct text a, struct text b)
{
	return table_free_rows(cache, TABLE_TEXT) >=
	       blob_blocks(TABLE_TEXT, a.length) + blob_blocks(TABLE_TEXT, b.length);
}

uint32_t object_text_blocks(const struct cache *cache, struct blob old, struct text text)
{
	return blob_equals(cache, TABLE_TEXT, old, text) ? 0
							 : blob_blocks(TABLE_TEXT, text.length);
}

/* The same of texts that take the place of others. */
static bool change_fits(const struct cache *cache, struct blob old_a, struct text a,
			struct blob old_b, struct text b)
{
	return table_free_rows(cache, TABLE_TEXT) >= object_text_blocks(cache, old_a, a) +
							     object_text_blocks(cache, old_b, b);
}

static void replace_text(struct cache *cache, struct blob *blob, struct text text)
{
	struct blob new;

	if (blob_equals(cache, TABLE_TEXT, *blob, text))
		return;
	blob_drop(cache, TABLE_TEXT, *blob);
	new = blob_put(cache, TABLE_TEXT, text);
	table_set(cache, *blob, new);
}

/* A name that is a key too: out of its index, changed, into it again. */
static void rename_row(struct cache *cache, enum index index, enum table table, uint32_t row,
		       struct blob *blob, uint32_t *chain, struct text name)
{
	size_t chain_offset = (size_t)((uint8_t *)chain - (uint8_t *)table_row(cache, table, row));
	struct text old = {.length = blob->length};
	char bytes[EVENT_NAME_MAX];

	if (blob_equals(cache, TABLE_TEXT, *blob, name))
		return;
	blob_copy(cache, TABLE_TEXT, *blob, bytes, sizeof(bytes));
	old.data = bytes;
	index_remove(cache, index, table, hash_name(cache, old), row, chain_offset);
	replace_text(cache, blob, name);
	index_insert(cache, index, hash_name(cache, name), row, chain);
}

static void rights_begin(struct cache *cache)
{
	table_write_begin(cache, &cache->header->rights);
}

static void rights_end(struct cache *cache)
{
	table_write_end(&cache->header->rights);
}

/* --- Users and groups. --- */

static int principal_new(struct cache *cache, const struct event_principal *event, struct err *err)
{
	uint32_t row;
	struct principal_row *principal;

	if (!text_fits(cache, event->uri, event->name))
		return err_full(err, "text");
	row = table_take(cache, TABLE_PRINCIPAL);
	if (row == 0)
		return err_full(err, "principals");
	principal = table_row(cache, TABLE_PRINCIPAL, row);
	table_write_begin(cache, &principal->version);
	principal->id = event->id;
	principal->kind = event->kind;
	principal->state = event->state;
	principal->epoch = event->epoch;
	principal->first_group = principal->first_member = 0;
	principal->policy = (struct blob){0};
	principal->uri = blob_put(cache, TABLE_TEXT, event->uri);
	principal->name = blob_put(cache, TABLE_TEXT, event->name);
	table_write_end(&principal->version);
	index_insert(cache, INDEX_PRINCIPAL_ID, hash_id(cache, event->id), row,
		     &principal->by_id);
	index_insert(cache, INDEX_PRINCIPAL_URI, hash_uri(cache, event->uri), row,
		     &principal->by_uri);
	if (event->id > cache->header->last_principal)
		table_set(cache, cache->header->last_principal, event->id);
	return 0;
}

static int principal_put(struct cache *cache, const struct event_principal *event, struct err *err)
{
	uint32_t row = find_principal(cache, event->id);
	struct principal_row *principal;

	if (row == 0)
		return principal_new(cache, event, err);
	principal = table_row(cache, TABLE_PRINCIPAL, row);
	if (!change_fits(cache, principal->name, event->name, (struct blob){0}, (struct text){0}))
		return err_full(err, "text");
	rights_begin(cache);
	table_write_begin(cache, &principal->version);
	table_set(cache, principal->state, event->state);
	table_set(cache, principal->epoch, event->epoch);
	replace_text(cache, &principal->name, event->name);
	table_write_end(&principal->version);
	rights_end(cache);
	return 0;
}

static int affiliation_put(struct cache *cache, const struct event_affiliation *event,
			   struct err *err)
{
	uint32_t member = find_principal(cache, event->member);
	uint32_t group = find_principal(cache, event->group);
	bool fits;

	if (member == 0 || group == 0)
		return err_set(err, "no such user or group");
	rights_begin(cache);
	fits = affiliation_set(cache, member, group, event->present);
	rights_end(cache);
	return fits ? 0 : err_full(err, "affiliations");
}

/* --- Categories. --- */

static int category_new(struct cache *cache, const struct event_category *event, struct err *err)
{
	uint32_t row;
	struct category_row *category;

	if (!text_fits(cache, event->name, event->description))
		return err_full(err, "text");
	row = table_take(cache, TABLE_CATEGORY);
	if (row == 0)
		return err_full(err, "categories");
	category = table_row(cache, TABLE_CATEGORY, row);
	table_write_begin(cache, &category->version);
	category->id = event->id;
	category->flags = event->flags;
	memcpy(category->uuid, event->uuid, sizeof(category->uuid));
	category->first_role = category->rooms = 0;
	category->created = event->created;
	category->revision = event->revision;
	category->name = blob_put(cache, TABLE_TEXT, event->name);
	category->description = blob_put(cache, TABLE_TEXT, event->description);
	table_write_end(&category->version);
	index_insert(cache, INDEX_CATEGORY_ID, hash_id(cache, event->id), row, &category->by_id);
	index_insert(cache, INDEX_CATEGORY_UUID, hash_uuid(cache, event->uuid), row,
		     &category->by_uuid);
	index_insert(cache, INDEX_CATEGORY_NAME, hash_name(cache, event->name), row,
		     &category->by_name);
	if (event->id > cache->header->last_category)
		table_set(cache, cache->header->last_category, event->id);
	return 0;
}

static int category_put(struct cache *cache, const struct event_category *event, struct err *err)
{
	uint32_t row = find_category(cache, event->id);
	struct category_row *category;

	if (row == 0)
		return category_new(cache, event, err);
	category = table_row(cache, TABLE_CATEGORY, row);
	if (!change_fits(cache, category->name, event->name, category->description,
			 event->description))
		return err_full(err, "text");
	table_write_begin(cache, &category->version);
	table_set(cache, category->flags, event->flags);
	table_set(cache, category->revision, event->revision);
	rename_row(cache, INDEX_CATEGORY_NAME, TABLE_CATEGORY, row, &category->name,
		   &category->by_name, event->name);
	replace_text(cache, &category->description, event->description);
	table_write_end(&category->version);
	return 0;
}

static int category_remove(struct cache *cache, uint32_t row, struct err *err)
{
	struct category_row *category = table_row(cache, TABLE_CATEGORY, row);
	char name[EVENT_NAME_MAX];

	if (category->rooms > 0)
		return err_set(err, "the category has rooms");
	blob_copy(cache, TABLE_TEXT, category->name, name, sizeof(name));
	index_remove(cache, INDEX_CATEGORY_ID, TABLE_CATEGORY, hash_id(cache, category->id), row,
		     offsetof(struct category_row, by_id));
	index_remove(cache, INDEX_CATEGORY_UUID, TABLE_CATEGORY, hash_uuid(cache, category->uuid),
		     row, offsetof(struct category_row, by_uuid));
	index_remove(cache, INDEX_CATEGORY_NAME, TABLE_CATEGORY,
		     hash_name(cache, (struct text){name, category->name.length}), row,
		     offsetof(struct category_row, by_name));
	rights_begin(cache);
	role_clear(cache, &category->first_role);
	rights_end(cache);
	table_write_begin(cache, &category->version);
	blob_drop(cache, TABLE_TEXT, category->name);
	blob_drop(cache, TABLE_TEXT, category->description);
	table_set(cache, category->id, 0);
	table_write_end(&category->version);
	table_give(cache, TABLE_CATEGORY, row);
	return 0;
}

/* --- Rooms. --- */

static void count_room(struct cache *cache, uint32_t category_row, bool more)
{
	struct category_row *category = table_row(cache, TABLE_CATEGORY, category_row);

	table_set(cache, category->rooms, more ? category->rooms + 1 : category->rooms - 1);
}

static int room_new(struct cache *cache, const struct event_room *event, uint32_t category,
		    struct err *err)
{
	uint32_t row;
	struct room_row *room;

	if (!text_fits(cache, event->name, event->description))
		return err_full(err, "text");
	row = table_take(cache, TABLE_ROOM);
	if (row == 0)
		return err_full(err, "rooms");
	room = table_row(cache, TABLE_ROOM, row);
	table_write_begin(cache, &room->version);
	room->id = event->id;
	memcpy(room->uuid, event->uuid, sizeof(room->uuid));
	room->disabled = event->disabled != 0;
	room->privacy = event->privacy;
	room->behavior = event->behavior;
	room->invitations = event->invitations;
	room->category = category;
	room->addin = event->addin;
	room->created = event->created;
	room->revision = event->revision;
	room->last_seq = room->removals = room->removal = 0;
	room->name = blob_put(cache, TABLE_TEXT, event->name);
	room->description = blob_put(cache, TABLE_TEXT, event->description);
	room->first_role = 0;
	room->first_participant = room->participants = room->users = 0;
	room->oldest = room->newest = room->messages = 0;
	table_write_end(&room->version);
	index_insert(cache, INDEX_ROOM_ID, hash_id(cache, event->id), row, &room->by_id);
	index_insert(cache, INDEX_ROOM_UUID, hash_uuid(cache, event->uuid), row, &room->by_uuid);
	index_insert(cache, INDEX_ROOM_NAME, hash_name(cache, event->name), row, &room->by_name);
	count_room(cache, category, true);
	if (event->id > cache->header->last_room)
		table_set(cache, cache->header->last_room, event->id);
	return 0;
}

/* What decides on rights changes under header.rights, too. */
static void room_set(struct cache *cache, struct room_row *room, const struct event_room *event,
		     uint32_t category)
{
	rights_begin(cache);
	table_set(cache, room->disabled, event->disabled != 0);
	table_set(cache, room->privacy, event->privacy);
	table_set(cache, room->behavior, event->behavior);
	if (room->category != category) {
		count_room(cache, room->category, false);
		count_room(cache, category, true);
		table_set(cache, room->category, category);
	}
	rights_end(cache);
	table_set(cache, room->invitations, event->invitations);
	table_set(cache, room->addin, event->addin);
	table_set(cache, room->revision, event->revision);
}

static int room_put(struct cache *cache, const struct event_room *event, struct err *err)
{
	uint32_t row = find_room(cache, event->id);
	uint32_t category = find_category(cache, event->category);
	struct room_row *room;

	if (category == 0)
		return err_set(err, "no such category");
	if (row == 0)
		return room_new(cache, event, category, err);
	room = table_row(cache, TABLE_ROOM, row);
	if (!change_fits(cache, room->name, event->name, room->description, event->description))
		return err_full(err, "text");
	table_write_begin(cache, &room->version);
	room_set(cache, room, event, category);
	rename_row(cache, INDEX_ROOM_NAME, TABLE_ROOM, row, &room->name, &room->by_name,
		   event->name);
	replace_text(cache, &room->description, event->description);
	table_write_end(&room->version);
	return 0;
}

int object_load_room(struct cache *cache, const struct event_room *room, struct err *err)
{
	return room_put(cache, room, err);
}

static int room_remove(struct cache *cache, uint32_t row, struct err *err)
{
	struct room_row *room = table_row(cache, TABLE_ROOM, row);
	char name[EVENT_NAME_MAX];

	if (room->participants > 0)
		return err_set(err, "somebody is in the room");
	blob_copy(cache, TABLE_TEXT, room->name, name, sizeof(name));
	index_remove(cache, INDEX_ROOM_ID, TABLE_ROOM, hash_id(cache, room->id), row,
		     offsetof(struct room_row, by_id));
	index_remove(cache, INDEX_ROOM_UUID, TABLE_ROOM, hash_uuid(cache, room->uuid), row,
		     offsetof(struct room_row, by_uuid));
	index_remove(cache, INDEX_ROOM_NAME, TABLE_ROOM,
		     hash_name(cache, (struct text){name, room->name.length}), row,
		     offsetof(struct room_row, by_name));
	rights_begin(cache);
	role_clear(cache, &room->first_role);
	count_room(cache, room->category, false);
	rights_end(cache);
	table_write_begin(cache, &room->version);
	recent_clear(cache, row);
	blob_drop(cache, TABLE_TEXT, room->name);
	blob_drop(cache, TABLE_TEXT, room->description);
	table_set(cache, room->id, 0);
	table_write_end(&room->version);
	table_give(cache, TABLE_ROOM, row);
	return 0;
}

/* --- Add-ins. --- */

static int addin_new(struct cache *cache, const struct event_addin *event, struct err *err)
{
	uint32_t row;
	struct addin_row *addin;

	if (!text_fits(cache, event->name, event->url))
		return err_full(err, "text");
	row = table_take(cache, TABLE_ADDIN);
	if (row == 0)
		return err_full(err, "addins");
	addin = table_row(cache, TABLE_ADDIN, row);
	table_write_begin(cache, &addin->version);
	addin->id = event->id;
	memcpy(addin->uuid, event->uuid, sizeof(addin->uuid));
	addin->name = blob_put(cache, TABLE_TEXT, event->name);
	addin->url = blob_put(cache, TABLE_TEXT, event->url);
	table_write_end(&addin->version);
	index_insert(cache, INDEX_ADDIN_ID, hash_id(cache, event->id), row, &addin->by_id);
	index_insert(cache, INDEX_ADDIN_NAME, hash_name(cache, event->name), row, &addin->by_name);
	if (event->id > cache->header->last_addin)
		table_set(cache, cache->header->last_addin, event->id);
	return 0;
}

static int addin_put(struct cache *cache, const struct event_addin *event, struct err *err)
{
	uint32_t row = find_addin(cache, event->id);
	struct addin_row *addin;

	if (row == 0)
		return addin_new(cache, event, err);
	addin = table_row(cache, TABLE_ADDIN, row);
	if (!change_fits(cache, addin->name, event->name, addin->url, event->url))
		return err_full(err, "text");
	table_write_begin(cache, &addin->version);
	rename_row(cache, INDEX_ADDIN_NAME, TABLE_ADDIN, row, &addin->name, &addin->by_name,
		   event->name);
	replace_text(cache, &addin->url, event->url);
	table_write_end(&addin->version);
	return 0;
}

static int addin_remove(struct cache *cache, uint32_t row)
{
	struct addin_row *addin = table_row(cache, TABLE_ADDIN, row);
	char name[EVENT_NAME_MAX];

	blob_copy(cache, TABLE_TEXT, addin->name, name, sizeof(name));
	index_remove(cache, INDEX_ADDIN_ID, TABLE_ADDIN, hash_id(cache, addin->id), row,
		     offsetof(struct addin_row, by_id));
	index_remove(cache, INDEX_ADDIN_NAME, TABLE_ADDIN,
		     hash_name(cache, (struct text){name, addin->name.length}), row,
		     offsetof(struct addin_row, by_name));
	table_write_begin(cache, &addin->version);
	blob_drop(cache, TABLE_TEXT, addin->name);
	blob_drop(cache, TABLE_TEXT, addin->url);
	table_set(cache, addin->id, 0);
	table_write_end(&addin->version);
	table_give(cache, TABLE_ADDIN, row);
	return 0;
}

/* --- Roles and removals. --- */

static int role_put(struct cache *cache, const struct event_role *event, struct err *err)
{
	uint32_t row = event->kind == NODE_ROOM ? find_room(cache, event->node)
						: find_category(cache, event->node);
	uint32_t *first_role;
	bool fits;

	if (row == 0)
		return err_set(err, "no such room or category");
	if (event->kind == NODE_ROOM)
		first_role = &((struct room_row *)table_row(cache, TABLE_ROOM, row))->first_role;
	else
		first_role = &((struct category_row *)table_row(cache, TABLE_CATEGORY, row))->first_role;
	rights_begin(cache);
	fits = role_set(cache, event->kind, row, first_role, event);
	rights_end(cache);
	return fits ? 0 : err_full(err, "roles");
}

static int remove_object(struct cache *cache, const struct event_removed *event, struct err *err)
{
	uint32_t row;

	switch (event->kind) {
	case NODE_CATEGORY:
		row = find_category(cache, event->id);
		return row == 0 ? err_set(err, "no such category")
				: category_remove(cache, row, err);
	case NODE_ROOM:
		row = find_room(cache, event->id);
		return row == 0 ? err_set(err, "no such room") : room_remove(cache, row, err);
	default:
		row = find_addin(cache, event->id);
		return row == 0 ? err_set(err, "no such add-in") : addin_remove(cache, row);
	}
}

/* --- By type. --- */

union object {
	struct event_principal principal;
	struct event_room room;
	struct event_category category;
	struct event_addin addin;
	struct event_role role;
	struct event_affiliation affiliation;
	struct event_removed removed;
	struct event_person person;
	struct event_setting setting;
	struct event_grant grant;
};

int object_apply(struct cache *cache, unsigned type, const void *payload, uint32_t size,
		 struct err *err)
{
	union object o;

	switch (type) {
	case EVENT_PRINCIPAL:
		if (event_principal_parse(payload, size, &o.principal))
			return principal_put(cache, &o.principal, err);
		break;
	case EVENT_ROOM:
		if (event_room_parse(payload, size, &o.room))
			return room_put(cache, &o.room, err);
		break;
	case EVENT_CATEGORY:
		if (event_category_parse(payload, size, &o.category))
			return category_put(cache, &o.category, err);
		break;
	case EVENT_ADDIN:
		if (event_addin_parse(payload, size, &o.addin))
			return addin_put(cache, &o.addin, err);
		break;
	case EVENT_ROLE:
		if (event_role_parse(payload, size, &o.role))
			return role_put(cache, &o.role, err);
		break;
	case EVENT_AFFILIATION:
		if (event_affiliation_parse(payload, size, &o.affiliation))
			return affiliation_put(cache, &o.affiliation, err);
		break;
	case EVENT_REMOVED:
		if (event_removed_parse(payload, size, &o.removed))
			return remove_object(cache, &o.removed, err);
		break;
	case EVENT_INVITATION:
	case EVENT_MARKER:
	case EVENT_FEED:
	case EVENT_ACCESS_REQUEST:
		if (event_person_parse(payload, size, &o.person))
			return person_apply(cache, type, &o.person, err);
		break;
	case EVENT_SETTING:
		if (event_setting_parse(payload, size, &o.setting))
			return scoped_apply(cache, &o.setting, err);
		break;
	case EVENT_GRANT:
		if (event_grant_parse(payload, size, &o.grant))
			return scoped_apply_grant(cache, &o.grant, err);
		break;
	default:
		return err_set(err, "this program does not know its type");
	}
	return err_set(err, "its content is malformed");
}
