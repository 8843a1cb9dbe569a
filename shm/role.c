#include "shm/role.h"

#include "shm/find.h"

/* --- Roles. --- */

static void unlink_role(struct cache *cache, uint32_t row, uint32_t *first_role)
{
	struct role_row *role = table_row(cache, TABLE_ROLE, row), *other;

	index_remove(cache, INDEX_ROLE, TABLE_ROLE,
		     hash_role(cache, role->kind, role->node, role->principal), row,
		     offsetof(struct role_row, by_key));
	if (role->node_previous != 0) {
		other = table_row(cache, TABLE_ROLE, role->node_previous);
		table_set(cache, other->node_next, role->node_next);
	} else {
		table_set(cache, *first_role, role->node_next);
	}
	if (role->node_next != 0) {
		other = table_row(cache, TABLE_ROLE, role->node_next);
		table_set(cache, other->node_previous, role->node_previous);
	}
	table_set(cache, role->node, 0);
	table_give(cache, TABLE_ROLE, row);
}

static uint32_t link_role(struct cache *cache, enum node_kind kind, uint32_t node,
			  uint32_t *first_role, uint32_t principal)
{
	uint32_t row = table_take(cache, TABLE_ROLE);
	struct role_row *role, *other;

	if (row == 0)
		return 0;
	role = table_row(cache, TABLE_ROLE, row);
	*role = (struct role_row){.node = node,
				  .principal = principal,
				  .kind = (uint8_t)kind,
				  .node_next = *first_role};
	if (role->node_next != 0) {
		other = table_row(cache, TABLE_ROLE, role->node_next);
		table_set(cache, other->node_previous, row);
	}
	table_set(cache, *first_role, row);
	index_insert(cache, INDEX_ROLE, hash_role(cache, kind, node, principal), row,
		     &role->by_key);
	return row;
}

bool role_set(struct cache *cache, enum node_kind kind, uint32_t node, uint32_t *first_role,
	      const struct event_role *event)
{
	uint32_t row = find_role(cache, kind, node, event->principal);
	uint8_t bit = (uint8_t)ROLE_BIT(event->role);
	struct role_row *role;

	if (row == 0 && event->present)
		row = link_role(cache, kind, node, first_role, event->principal);
	if (row == 0)
		return !event->present;
	role = table_row(cache, TABLE_ROLE, row);
	if (event->present) {
		table_set(cache, role->roles, role->roles | bit);
		return true;
	}
	table_set(cache, role->roles, role->roles & (uint8_t)~bit);
	if (role->roles == 0)
		unlink_role(cache, row, first_role);
	return true;
}

void role_clear(struct cache *cache, uint32_t *first_role)
{
	while (*first_role != 0)
		unlink_role(cache, *first_role, first_role);
}

unsigned role_get(const struct cache *cache, enum node_kind kind, uint32_t node,
		  uint32_t principal)
{
	uint32_t row = find_role(cache, kind, node, principal);
	const struct role_row *role;

	if (row == 0)
		return 0;
	role = table_row(cache, TABLE_ROLE, row);
	return role->roles;
}

/* --- Affiliations. --- */

static void unlink_affiliation(struct cache *cache, uint32_t row)
{
	struct affiliation_row *a = table_row(cache, TABLE_AFFILIATION, row), *other;
	struct principal_row *member = table_row(cache, TABLE_PRINCIPAL, a->member);
	struct principal_row *group = table_row(cache, TABLE_PRINCIPAL, a->group);

	index_remove(cache, INDEX_AFFILIATION, TABLE_AFFILIATION,
		     hash_affiliation(cache, a->member, a->group), row,
		     offsetof(struct affiliation_row, by_key));
	if (a->group_previous != 0) {
		other = table_row(cache, TABLE_AFFILIATION, a->group_previous);
		table_set(cache, other->group_next, a->group_next);
	} else {
		table_set(cache, member->first_group, a->group_next);
	}
	if (a->group_next != 0) {
		other = table_row(cache, TABLE_AFFILIATION, a->group_next);
		table_set(cache, other->group_previous, a->group_previous);
	}
	if (a->member_previous != 0) {
		other = table_row(cache, TABLE_AFFILIATION, a->member_previous);
		table_set(cache, other->member_next, a->member_next);
	} else {
		table_set(cache, group->first_member, a->member_next);
	}
	if (a->member_next != 0) {
		other = table_row(cache, TABLE_AFFILIATION, a->member_next);
		table_set(cache, other->member_previous, a->member_previous);
	}
	table_set(cache, a->member, 0);
	table_give(cache, TABLE_AFFILIATION, row);
}

static bool link_affiliation(struct cache *cache, uint32_t member_row, uint32_t group_row)
{
	struct principal_row *member = table_row(cache, TABLE_PRINCIPAL, member_row);
	struct principal_row *group = table_row(cache, TABLE_PRINCIPAL, group_row);
	uint32_t row = table_take(cache, TABLE_AFFILIATION);
	struct affiliation_row *a, *other;

	if (row == 0)
		return false;
	a = table_row(cache, TABLE_AFFILIATION, row);
	*a = (struct affiliation_row){.member = member_row,
				      .group = group_row,
				      .group_next = member->first_group,
				      .member_next = group->first_member};
	if (a->group_next != 0) {
		other = table_row(cache, TABLE_AFFILIATION, a->group_next);
		table_set(cache, other->group_previous, row);
	}
	if (a->member_next != 0) {
		other = table_row(cache, TABLE_AFFILIATION, a->member_next);
		table_set(cache, other->member_previous, row);
	}
	table_set(cache, member->first_group, row);
	table_set(cache, group->first_member, row);
	index_insert(cache, INDEX_AFFILIATION, hash_affiliation(cache, member_row, group_row), row,
		     &a->by_key);
	return true;
}

bool affiliation_set(struct cache *cache, uint32_t member, uint32_t group, bool present)
{
	uint32_t row = find_affiliation(cache, member, group);

	if (present)
		return row != 0 || link_affiliation(cache, member, group);
	if (row != 0)
		unlink_affiliation(cache, row);
	return true;
}

/* --- Rights. --- */

static bool is_row(const struct cache *cache, enum table table, uint32_t row)
{
	return row != 0 && row <= cache->header->table[table].rows;
}

static bool in_circle(const struct circle *circle, uint32_t id)
{
	for (unsigned i = 0; i < circle->count; i++)
		if (circle->id[i] == id)
			return true;
	return false;
}

static void circle_add(struct circle *circle, uint32_t id)
{
	if (id == 0 || in_circle(circle, id))
		return;
	if (circle->count == CIRCLE_MAX)
		circle->cut = true;
	else
		circle->id[circle->count++] = id;
}

/* The groups of one principal. Steps are bounded: a worker may read while the sequencer writes. */
static void add_groups(const struct cache *cache, const struct principal_row *principal,
		       struct circle *circle)
{
	uint32_t row = principal->first_group;

	for (unsigned steps = 0; is_row(cache, TABLE_AFFILIATION, row) && steps < CIRCLE_MAX;
	     steps++) {
		const struct affiliation_row *a = table_row(cache, TABLE_AFFILIATION, row);
		const struct principal_row *group;

		if (is_row(cache, TABLE_PRINCIPAL, a->group)) {
			group = table_row(cache, TABLE_PRINCIPAL, a->group);
			if (group->state == PRINCIPAL_ACTIVE)
				circle_add(circle, group->id);
		}
		row = a->group_next;
	}
	circle->cut |= is_row(cache, TABLE_AFFILIATION, row);
}

void circle_find(const struct cache *cache, uint32_t principal, struct circle *circle)
{
	circle->count = 0;
	circle->cut = false;
	circle_add(circle, principal);
	circle_add(circle, PRINCIPAL_ANY_USER);
	for (unsigned i = 0; i < circle->count; i++) {
		uint32_t row = find_principal(cache, circle->id[i]);
		const struct principal_row *p;

		if (!is_row(cache, TABLE_PRINCIPAL, row))
			continue;
		p = table_row(cache, TABLE_PRINCIPAL, row);
		add_groups(cache, p, circle);
	}
}

static uint32_t first_role(const struct cache *cache, enum node_kind kind, uint32_t node)
{
	const struct category_row *category;
	const struct room_row *room;

	if (kind == NODE_ROOM) {
		room = table_row(cache, TABLE_ROOM, node);
		return room->first_role;
	}
	category = table_row(cache, TABLE_CATEGORY, node);
	return category->first_role;
}

unsigned circle_roles(const struct cache *cache, const struct circle *circle, enum node_kind kind,
		      uint32_t node)
{
	unsigned roles = 0;

	/* As in most open rooms: then there is nothing to be looked up. */
	if (first_role(cache, kind, node) == 0)
		return 0;
	for (unsigned i = 0; i < circle->count; i++)
		roles |= role_get(cache, kind, node, circle->id[i]);
	return roles;
}

static bool denies_somebody(const struct cache *cache, uint32_t category)
{
	const struct category_row *c = table_row(cache, TABLE_CATEGORY, category);
	uint32_t row = c->first_role;

	for (unsigned steps = 0; is_row(cache, TABLE_ROLE, row); steps++) {
		const struct role_row *role = table_row(cache, TABLE_ROLE, row);

		if (role->roles & ROLE_BIT(ROLE_DENIED) || steps == CIRCLE_MAX)
			return true;
		row = role->node_next;
	}
	return false;
}

bool circle_in_scope(const struct cache *cache, const struct circle *circle, uint32_t category)
{
	unsigned roles = circle_roles(cache, circle, NODE_CATEGORY, category);

	/* A group that was not looked at may be the one that is denied. */
	if (circle->cut && denies_somebody(cache, category))
		return false;
	return (roles & ROLE_BIT(ROLE_ALLOWED)) && !(roles & ROLE_BIT(ROLE_DENIED));
}

/*
 * The matrix: what those may do who are in the category's scope. Whoever is not may do nothing.
 * An open room is everybody's; in the others only members take part. A manager manages without
 * taking part. In an auditorium only presenters speak; a presenter of a closed room has to be a
 * member, too.
 */
static unsigned rights_of(enum privacy privacy, enum behavior behavior, unsigned roles)
{
	bool member = roles & ROLE_BIT(ROLE_MEMBER) || privacy == PRIVACY_OPEN;
	bool speaks = behavior == BEHAVIOR_NORMAL || roles & ROLE_BIT(ROLE_PRESENTER);
	unsigned rights = 0;

	if (member || privacy == PRIVACY_CLOSED)
		rights |= RIGHT_SEE;
	if (member)
		rights |= RIGHT_JOIN;
	if (member && speaks)
		rights |= RIGHT_POST;
	if (roles & ROLE_BIT(ROLE_MANAGER))
		rights |= RIGHT_MANAGE;
	return rights;
}

unsigned circle_rights(const struct cache *cache, const struct circle *circle, uint32_t room)
{
	const struct room_row *r = table_row(cache, TABLE_ROOM, room);

	if (!is_row(cache, TABLE_CATEGORY, r->category) ||
	    !circle_in_scope(cache, circle, r->category))
		return 0;
	return rights_of(r->privacy, r->behavior, circle_roles(cache, circle, NODE_ROOM, room));
}
