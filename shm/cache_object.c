#include <string.h>

#include "shm/attempt.h"
#include "shm/cache.h"
#include "shm/find.h"
#include "shm/role.h"

/* --- Categories. --- */

static int view_category(const struct cache *cache, uint32_t row, struct category_view *view)
{
	const struct category_row *category = table_row(cache, TABLE_CATEGORY, row);
	struct attempt a = attempt(&category->version);

	while (attempt_begin(&a)) {
		view->id = category->id;
		memcpy(view->uuid, category->uuid, sizeof(view->uuid));
		view->flags = category->flags;
		view->rooms = category->rooms;
		view->created = category->created;
		view->revision = category->revision;
		view->name_length =
			attempt_text(cache, category->name, view->name, sizeof(view->name));
		view->description_length = attempt_text(cache, category->description,
							view->description,
							sizeof(view->description));
		if (attempt_undisturbed(&a))
			return CODE_OK;
	}
	return CODE_BUSY;
}

static bool same_category(const struct cache *cache, uint32_t row, const void *key,
			  uint32_t *next_r)
{
	const struct category_row *category = table_row(cache, TABLE_CATEGORY, row);

	*next_r = category->by_id;
	return category->id == *(const uint32_t *)key;
}

static bool same_category_uuid(const struct cache *cache, uint32_t row, const void *key,
			       uint32_t *next_r)
{
	const struct category_row *category = table_row(cache, TABLE_CATEGORY, row);

	*next_r = category->by_uuid;
	return memcmp(category->uuid, key, sizeof(category->uuid)) == 0;
}

static bool same_category_name(const struct cache *cache, uint32_t row, const void *key,
			       uint32_t *next_r)
{
	const struct category_row *category = table_row(cache, TABLE_CATEGORY, row);

	*next_r = category->by_name;
	return find_same_name(cache, category->name, *(const struct text *)key);
}

static int found(int code, uint32_t row)
{
	return code == CODE_OK && row == 0 ? CODE_NO_SUCH_NODE : code;
}

static int category_by_id(const struct cache *cache, uint32_t id, uint32_t *row_r)
{
	int code = attempt_look_up(cache, INDEX_CATEGORY_ID, TABLE_CATEGORY, hash_id(cache, id),
				   same_category, &id, row_r);

	return found(code, *row_r);
}

int cache_category(const struct cache *cache, uint32_t id, struct category_view *category_r)
{
	uint32_t row = 0;
	int code = category_by_id(cache, id, &row);

	return code == CODE_OK ? view_category(cache, row, category_r) : code;
}

int cache_category_by_uuid(const struct cache *cache, const uint8_t uuid[16],
			   struct category_view *category_r)
{
	uint32_t row = 0;
	int code = attempt_look_up(cache, INDEX_CATEGORY_UUID, TABLE_CATEGORY,
				   hash_uuid(cache, uuid), same_category_uuid, uuid, &row);

	code = found(code, row);
	return code == CODE_OK ? view_category(cache, row, category_r) : code;
}

int cache_category_by_name(const struct cache *cache, const char *name, size_t length,
			   struct category_view *category_r)
{
	struct text key = {name, (uint32_t)length};
	uint32_t row = 0;
	int code;

	if (length > EVENT_NAME_MAX)
		return CODE_NO_SUCH_NODE;
	code = attempt_look_up(cache, INDEX_CATEGORY_NAME, TABLE_CATEGORY, hash_name(cache, key),
			       same_category_name, &key, &row);
	code = found(code, row);
	return code == CODE_OK ? view_category(cache, row, category_r) : code;
}

int cache_categories_next(const struct cache *cache, uint32_t *position,
			  struct category_view *category_r)
{
	while (*position < cache->header->table[TABLE_CATEGORY].fresh) {
		int code = view_category(cache, ++*position, category_r);

		if (code != CODE_OK || category_r->id != 0)
			return code;
	}
	return CODE_NO_SUCH_NODE;
}

/* --- Add-ins. --- */

static int view_addin(const struct cache *cache, uint32_t row, struct addin_view *view)
{
	const struct addin_row *addin = table_row(cache, TABLE_ADDIN, row);
	struct attempt a = attempt(&addin->version);

	while (attempt_begin(&a)) {
		view->id = addin->id;
		memcpy(view->uuid, addin->uuid, sizeof(view->uuid));
		view->name_length =
			attempt_text(cache, addin->name, view->name, sizeof(view->name));
		view->url_length = attempt_text(cache, addin->url, view->url, sizeof(view->url));
		if (attempt_undisturbed(&a))
			return CODE_OK;
	}
	return CODE_BUSY;
}

static bool same_addin(const struct cache *cache, uint32_t row, const void *key, uint32_t *next_r)
{
	const struct addin_row *addin = table_row(cache, TABLE_ADDIN, row);

	*next_r = addin->by_id;
	return addin->id == *(const uint32_t *)key;
}

static bool same_addin_name(const struct cache *cache, uint32_t row, const void *key,
			    uint32_t *next_r)
{
	const struct addin_row *addin = table_row(cache, TABLE_ADDIN, row);

	*next_r = addin->by_name;
	return find_same_name(cache, addin->name, *(const struct text *)key);
}

int cache_addin(const struct cache *cache, uint32_t id, struct addin_view *addin_r)
{
	uint32_t row = 0;
	int code = attempt_look_up(cache, INDEX_ADDIN_ID, TABLE_ADDIN, hash_id(cache, id),
				   same_addin, &id, &row);

	code = found(code, row);
	return code == CODE_OK ? view_addin(cache, row, addin_r) : code;
}

int cache_addin_by_name(const struct cache *cache, const char *name, size_t length,
			struct addin_view *addin_r)
{
	struct text key = {name, (uint32_t)length};
	uint32_t row = 0;
	int code;

	if (length > EVENT_ADDIN_NAME_MAX)
		return CODE_NO_SUCH_NODE;
	code = attempt_look_up(cache, INDEX_ADDIN_NAME, TABLE_ADDIN, hash_name(cache, key),
			       same_addin_name, &key, &row);
	code = found(code, row);
	return code == CODE_OK ? view_addin(cache, row, addin_r) : code;
}

int cache_addins_next(const struct cache *cache, uint32_t *position, struct addin_view *addin_r)
{
	while (*position < cache->header->table[TABLE_ADDIN].fresh) {
		int code = view_addin(cache, ++*position, addin_r);

		if (code != CODE_OK || addin_r->id != 0)
			return code;
	}
	return CODE_NO_SUCH_NODE;
}

/* --- Roles, groups and rights: all under one version. --- */

static uint32_t copy_roles(const struct cache *cache, uint32_t first, struct role_view *list,
			   uint32_t max)
{
	uint32_t steps = cache->header->table[TABLE_ROLE].rows, count = 0;

	for (uint32_t row = first; attempt_is_row(cache, TABLE_ROLE, row) && steps > 0; steps--) {
		const struct role_row *role = table_row(cache, TABLE_ROLE, row);

		if (count < max)
			list[count] = (struct role_view){role->principal, role->roles};
		count++;
		row = role->node_next;
	}
	return count;
}

static uint32_t first_role(const struct cache *cache, unsigned kind, uint32_t row)
{
	const struct room_row *room;
	const struct category_row *category;

	if (kind == NODE_ROOM) {
		room = table_row(cache, TABLE_ROOM, row);
		return room->first_role;
	}
	category = table_row(cache, TABLE_CATEGORY, row);
	return category->first_role;
}

int cache_roles(const struct cache *cache, unsigned kind, uint32_t id, struct role_view *list,
		uint32_t max, uint32_t *count_r)
{
	struct attempt a = attempt(&cache->header->rights);
	uint32_t row = 0;
	int code = kind == NODE_ROOM ? attempt_room_row(cache, id, &row)
				     : category_by_id(cache, id, &row);

	if (code != CODE_OK)
		return code;
	while (attempt_begin(&a)) {
		*count_r = copy_roles(cache, first_role(cache, kind, row), list, max);
		if (attempt_undisturbed(&a))
			return CODE_OK;
	}
	return CODE_BUSY;
}

/* members: of a group; else the groups of a member. */
static uint32_t copy_affiliations(const struct cache *cache, uint32_t principal, bool members,
				  uint32_t *list, uint32_t max)
{
	const struct principal_row *p = table_row(cache, TABLE_PRINCIPAL, principal);
	uint32_t steps = cache->header->table[TABLE_AFFILIATION].rows, count = 0;
	uint32_t row = members ? p->first_member : p->first_group;

	for (; attempt_is_row(cache, TABLE_AFFILIATION, row) && steps > 0; steps--) {
		const struct affiliation_row *a = table_row(cache, TABLE_AFFILIATION, row);
		uint32_t other = members ? a->member : a->group;

		if (attempt_is_row(cache, TABLE_PRINCIPAL, other) && count < max) {
			const struct principal_row *o = table_row(cache, TABLE_PRINCIPAL, other);

			list[count] = o->id;
		}
		count++;
		row = members ? a->member_next : a->group_next;
	}
	return count;
}

static int affiliations(const struct cache *cache, uint32_t principal, bool members,
			uint32_t *list, uint32_t max, uint32_t *count_r)
{
	struct attempt a = attempt(&cache->header->rights);
	uint32_t row = 0;
	int code = attempt_principal_row(cache, principal, &row);

	if (code != CODE_OK)
		return code;
	while (attempt_begin(&a)) {
		*count_r = copy_affiliations(cache, row, members, list, max);
		if (attempt_undisturbed(&a))
			return CODE_OK;
	}
	return CODE_BUSY;
}

int cache_groups(const struct cache *cache, uint32_t principal, uint32_t *list, uint32_t max,
		 uint32_t *count_r)
{
	return affiliations(cache, principal, false, list, max, count_r);
}

int cache_members(const struct cache *cache, uint32_t group, uint32_t *list, uint32_t max,
		  uint32_t *count_r)
{
	return affiliations(cache, group, true, list, max, count_r);
}

int cache_rights(const struct cache *cache, uint32_t principal, uint32_t room, unsigned *rights_r)
{
	struct attempt a = attempt(&cache->header->rights);
	struct circle circle;
	uint32_t row = 0;
	int code = attempt_room_row(cache, room, &row);

	if (code != CODE_OK)
		return code;
	while (attempt_begin(&a)) {
		circle_find(cache, principal, &circle);
		*rights_r = circle_rights(cache, &circle, row);
		if (attempt_undisturbed(&a))
			return CODE_OK;
	}
	return CODE_BUSY;
}

int cache_own_roles(const struct cache *cache, uint32_t principal, uint32_t room, unsigned *roles_r)
{
	struct attempt a = attempt(&cache->header->rights);
	struct circle circle;
	uint32_t row = 0;
	int code = attempt_room_row(cache, room, &row);

	if (code != CODE_OK)
		return code;
	while (attempt_begin(&a)) {
		circle_find(cache, principal, &circle);
		*roles_r = circle_roles(cache, &circle, NODE_ROOM, row);
		if (attempt_undisturbed(&a))
			return CODE_OK;
	}
	return CODE_BUSY;
}

int cache_in_scope(const struct cache *cache, uint32_t principal, uint32_t category, bool *is_r)
{
	struct attempt a = attempt(&cache->header->rights);
	struct circle circle;
	uint32_t row = 0;
	int code = category_by_id(cache, category, &row);

	if (code != CODE_OK)
		return code;
	while (attempt_begin(&a)) {
		circle_find(cache, principal, &circle);
		*is_r = circle_in_scope(cache, &circle, row);
		if (attempt_undisturbed(&a))
			return CODE_OK;
	}
	return CODE_BUSY;
}

int cache_may_create(const struct cache *cache, uint32_t principal, uint32_t category, bool *may_r)
{
	struct attempt a = attempt(&cache->header->rights);
	struct circle circle;
	uint32_t row = 0;
	int code = category_by_id(cache, category, &row);

	if (code != CODE_OK)
		return code;
	while (attempt_begin(&a)) {
		circle_find(cache, principal, &circle);
		*may_r = circle_in_scope(cache, &circle, row) &&
			 (circle_roles(cache, &circle, NODE_CATEGORY, row) &
			  ROLE_BIT(ROLE_CREATOR));
		if (attempt_undisturbed(&a))
			return CODE_OK;
	}
	return CODE_BUSY;
}
