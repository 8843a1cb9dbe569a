#include "daemon/engine_ask.h"
#include "shm/find.h"

/* What a user or a group that is removed leaves behind: whoever gets the same URI one day is somebody
 * else. */

enum { PAYLOAD = 64 };

static void strip_role(struct engine *engine, const struct record *as, const struct role_row *role)
{
	const bool in_room = role->kind == NODE_ROOM;
	const uint32_t node = in_room ? room_at(engine, role->node)->id
				      : category_at(engine, role->node)->id;
	struct record head = {.type = EVENT_ROLE, .actor = as->actor,
			      .room = in_room ? node : 0,
			      .origin = part_origin(as)};
	struct event_role event = {.kind = role->kind, .node = node, .principal = role->principal};
	const unsigned roles = role->roles; /* the row is gone with the last of them */
	uint8_t payload[PAYLOAD];

	for (unsigned r = ROLE_ALLOWED; r <= ROLE_PRESENTER; r++) {
		if (!(roles & ROLE_BIT(r)))
			continue;
		event.role = (uint8_t)r;
		emit(engine, &head, payload, event_role_put(&event, payload, sizeof(payload)));
	}
}

static void strip_affiliation(struct engine *engine, const struct record *as, uint32_t row)
{
	const struct affiliation_row *affiliation =
		table_row(&engine->cache, TABLE_AFFILIATION, row);
	const struct principal_row *member =
		table_row(&engine->cache, TABLE_PRINCIPAL, affiliation->member);
	const struct principal_row *group =
		table_row(&engine->cache, TABLE_PRINCIPAL, affiliation->group);
	const struct record head = {.type = EVENT_AFFILIATION,
				    .actor = as->actor,
				    .origin = part_origin(as)};
	const struct event_affiliation event = {.member = member->id, .group = group->id};
	uint8_t payload[PAYLOAD];

	emit(engine, &head, payload, event_affiliation_put(&event, payload, sizeof(payload)));
}

static bool strip_roles(struct engine *engine, const struct record *as, uint32_t id)
{
	const struct cache_table *table = &engine->cache.header->table[TABLE_ROLE];

	for (uint32_t row = 1; row <= table->fresh; row++) {
		const struct role_row *role = table_row(&engine->cache, TABLE_ROLE, row);

		if (role->node == 0 || role->principal != id)
			continue;
		if (room_for(engine, ROLE_PRESENTER * PAYLOAD, ROLE_PRESENTER, false) != FITS)
			return false;
		strip_role(engine, as, role);
	}
	return true;
}

bool strip_principal(struct engine *engine, const struct record *as, uint32_t row)
{
	const struct principal_row *p = table_row(&engine->cache, TABLE_PRINCIPAL, row);

	if (!strip_roles(engine, as, p->id) || !strip_person(engine, as, p->id) ||
	    !strip_grant(engine, as, row))
		return false;
	while ((p->first_group != 0 || p->first_member != 0) && !engine->broken) {
		if (room_for(engine, PAYLOAD, 1, false) != FITS)
			return false;
		strip_affiliation(engine, as, p->first_group ? p->first_group : p->first_member);
	}
	return true;
}
