#include <string.h>

#include "conf/clock.h"
#include "daemon/engine_ask.h"
#include "shm/find.h"

/*
 * Rooms and roles: what administrators, creators and managers may do. Who may do what with messages
 * and by taking part stands in shm/role.c.
 */

enum { FIXED = 128, ROLES_MAX = 1500 };

/* Who asks. */
struct asker {
	bool admin; /* may do everything with rooms, and */
	bool full;  /* with all else, too */
	uint32_t principal;
	struct origin origin; /* of the events before the last */
};

static struct asker asker_of(const struct engine *engine, const struct ask_for *ask)
{
	const struct session_row *session = session_at(engine, ask->session);

	return (struct asker){.admin = admin_asks(engine, ask, DUTY_ROOM),
			      .full = admin_asks(engine, ask, DUTY_ALL),
			      .principal = session->principal,
			      .origin = origin_of_part(ask)};
}

static bool manages(struct engine *engine, struct asker who, uint32_t room)
{
	return who.admin || (circle_rights(&engine->cache, circle_of(engine, who.principal), room) &
			     RIGHT_MANAGE);
}

static bool sees(struct engine *engine, struct asker who, uint32_t room)
{
	return who.admin || circle_rights(&engine->cache, circle_of(engine, who.principal), room);
}

static bool creates(struct engine *engine, struct asker who, uint32_t category)
{
	const struct circle *circle;

	if (who.admin)
		return true;
	circle = circle_of(engine, who.principal);
	return circle_in_scope(&engine->cache, circle, category) &&
	       (circle_roles(&engine->cache, circle, NODE_CATEGORY, category) &
		ROLE_BIT(ROLE_CREATOR));
}

void engine_room_get(const struct engine *engine, uint32_t row, char *name, char *description,
		     struct event_room *event_r)
{
	const struct room_row *r = room_at(engine, row);
	const struct cache *cache = &engine->cache;

	blob_copy(cache, TABLE_TEXT, r->name, name, EVENT_NAME_MAX);
	blob_copy(cache, TABLE_TEXT, r->description, description, EVENT_DESCRIPTION_MAX);
	*event_r = (struct event_room){.id = r->id,
				       .disabled = r->disabled,
				       .category = category_at(engine, r->category)->id,
				       .addin = r->addin,
				       .privacy = r->privacy,
				       .behavior = r->behavior,
				       .invitations = r->invitations,
				       .created = r->created,
				       .revision = r->revision,
				       .name = {name, r->name.length},
				       .description = {description, r->description.length}};
	memcpy(event_r->uuid, r->uuid, sizeof(event_r->uuid));
}

/* --- Roles as events. --- */

static void emit_role(struct engine *engine, struct asker who, uint8_t kind, uint32_t node,
		      uint32_t room, uint32_t principal, enum role role, bool present)
{
	struct record head = {.type = EVENT_ROLE,
			      .room = room,
			      .actor = who.principal,
			      .origin = who.origin};
	struct event_role event = {.kind = kind,
				   .role = (uint8_t)role,
				   .present = present,
				   .node = node,
				   .principal = principal};
	uint8_t payload[FIXED];

	emit(engine, &head, payload, event_role_put(&event, payload, sizeof(payload)));
}

static void emit_room_role(struct engine *engine, struct asker who, uint32_t room,
			   uint32_t principal, enum role role, bool present)
{
	emit_role(engine, who, NODE_ROOM, room, room, principal, role, present);
	if (role == ROLE_MEMBER)
		member_changed(engine, who.principal, room, principal, present);
}

/* --- Making and changing rooms. --- */

/* row 0: a new one. */
static bool room_fits(struct engine *engine, uint32_t row, const struct event_room *event)
{
	static const struct room_row none;
	const struct room_row *r = row == 0 ? &none : room_at(engine, row);

	return text_changes_fit(engine, r->name, event->name, r->description, event->description);
}

/* What holds of every room, new or changed. CODE_OK or why not. */
static int check_room(struct engine *engine, uint32_t row, const struct event_room *event)
{
	const struct cache *cache = &engine->cache;
	uint32_t same_room, same_category;

	if (!is_name(event->name) || !is_text(event->description))
		return CODE_INVALID_ARGUMENT;
	if (event->addin != 0 && find_addin(cache, event->addin) == 0)
		return CODE_NO_SUCH_NODE;
	same_room = find_room_by_name(cache, event->name);
	same_category = find_category_by_name(cache, event->name);
	if ((same_room != 0 && same_room != row) || same_category != 0)
		return CODE_DUPLICATE_ROOM_NAME;
	return room_fits(engine, row, event) ? CODE_OK : CODE_LIMIT_EXCEEDED;
}

static void emit_room(struct engine *engine, const struct ask_for *ask,
		      const struct event_room *event)
{
	uint8_t payload[FIXED + EVENT_NAME_MAX + EVENT_DESCRIPTION_MAX];
	struct record head = head_of(ask, EVENT_ROOM);

	head.actor = asker_of(engine, ask).principal;
	head.room = event->id;
	emit(engine, &head, payload, event_room_put(event, payload, sizeof(payload)));
}

/* Whoever makes a room manages it, and takes part where only members do. */
static enum decision room_new(struct engine *engine, const struct ask_for *ask,
			      struct event_room *event)
{
	struct asker who = asker_of(engine, ask);
	uint32_t category = find_category(&engine->cache, event->category);
	enum decision decision;
	int code;

	if (category == 0)
		return refuse(ask, CODE_NO_SUCH_NODE);
	if (!creates(engine, who, category))
		return refuse(ask, CODE_ERROR_PERMISSION);
	code = check_room(engine, 0, event);
	if (code == CODE_OK && find_room_by_uuid(&engine->cache, event->uuid) != 0)
		code = CODE_DUPLICATE_ROOM_NAME;
	if (code == CODE_OK && (!rows_fit(engine, TABLE_ROOM, 1) ||
				!rows_fit(engine, TABLE_ROLE, 1)))
		code = CODE_LIMIT_EXCEEDED;
	if (code != CODE_OK)
		return refuse(ask, code);
	if (no_room(engine, ask, 4096, 3, &decision))
		return decision;
	event->id = engine->cache.header->last_room + 1;
	event->created = clock_utc();
	event->revision = 1;
	event->disabled = event->disabled != 0;
	emit_room(engine, ask, event);
	if (!who.admin) {
		emit_room_role(engine, who, event->id, who.principal, ROLE_MANAGER, true);
		if (event->privacy != PRIVACY_OPEN)
			emit_room_role(engine, who, event->id, who.principal, ROLE_MEMBER, true);
	}
	return DECIDED;
}

static void overlay(struct event_room *event, const struct command_change *change,
		    const struct event_room *wanted)
{
	if (change->fields & FIELD_NAME)
		event->name = wanted->name;
	if (change->fields & FIELD_DESCRIPTION)
		event->description = wanted->description;
	if (change->fields & FIELD_STATE)
		event->disabled = wanted->disabled;
	if (change->fields & FIELD_CATEGORY)
		event->category = wanted->category;
	if (change->fields & FIELD_PRIVACY)
		event->privacy = wanted->privacy;
	if (change->fields & FIELD_BEHAVIOR)
		event->behavior = wanted->behavior;
	if (change->fields & FIELD_INVITATIONS)
		event->invitations = wanted->invitations;
	if (change->fields & FIELD_ADDIN)
		event->addin = wanted->addin;
}

/* Beyond managing: only administrators enable a room again, and only who may make rooms in a
 * category moves one there. */
static int may_change(struct engine *engine, struct asker who, uint32_t row,
		      const struct event_room *event)
{
	const struct room_row *room = room_at(engine, row);
	uint32_t category = find_category(&engine->cache, event->category);

	if (!manages(engine, who, row))
		return sees(engine, who, row) ? CODE_ERROR_PERMISSION : CODE_NO_SUCH_NODE;
	if (room->disabled && !event->disabled && !who.admin)
		return CODE_ERROR_PERMISSION;
	if (category == 0)
		return CODE_NO_SUCH_NODE;
	if (category != room->category && !creates(engine, who, category))
		return CODE_ERROR_PERMISSION;
	return CODE_OK;
}

/*
 * Roles that the room cannot have any more go before it changes: those of principals outside the
 * new category's scope, and presenters of a room that becomes a normal one. False: there is no
 * room for all of it now.
 */
static bool purge_roles(struct engine *engine, struct asker who, uint32_t row,
			const struct event_room *event)
{
	uint32_t category = find_category(&engine->cache, event->category), next;
	const struct room_row *room = room_at(engine, row);
	bool moves = category != room->category;

	for (uint32_t at = room->first_role; at != 0 && !engine->broken; at = next) {
		const struct role_row *role = table_row(&engine->cache, TABLE_ROLE, at);
		uint32_t principal = role->principal;
		unsigned drop = 0;

		next = role->node_next;
		if (event->behavior == BEHAVIOR_NORMAL)
			drop = role->roles & ROLE_BIT(ROLE_PRESENTER);
		if (moves && !circle_in_scope(&engine->cache, circle_of(engine, principal), category))
			drop = role->roles;
		if (drop != 0 && room_for(engine, 4 * FIXED, 5, true) != FITS)
			return false;
		for (enum role r = ROLE_MEMBER; r <= ROLE_PRESENTER; r++)
			if (drop & ROLE_BIT(r))
				emit_room_role(engine, who, room->id, principal, r, false);
	}
	return true;
}

static enum decision room_change(struct engine *engine, const struct ask_for *ask,
				 const struct command_change *change,
				 const struct event_room *wanted)
{
	char name[EVENT_NAME_MAX], description[EVENT_DESCRIPTION_MAX];
	uint32_t row = find_room(&engine->cache, wanted->id);
	struct asker who = asker_of(engine, ask);
	struct event_room event;
	enum decision decision;
	int code;

	if (row == 0)
		return refuse(ask, CODE_NO_SUCH_NODE);
	engine_room_get(engine, row, name, description, &event);
	overlay(&event, change, wanted);
	code = may_change(engine, who, row, &event);
	if (code == CODE_OK && change->if_revision != 0 && change->if_revision != event.revision)
		code = CODE_DATA_COLLISION;
	if (code == CODE_OK)
		code = check_room(engine, row, &event);
	if (code != CODE_OK)
		return refuse(ask, code);
	if (no_room(engine, ask, 4096, 1, &decision))
		return decision;
	if (!purge_roles(engine, who, row, &event) || (event.disabled && !empty_room(engine, row)))
		return LATER;
	if (no_room(engine, ask, 4096, 1, &decision))
		return decision;
	event.revision++;
	emit_room(engine, ask, &event);
	recheck(engine, row);
	return DECIDED;
}

enum decision decide_room(struct engine *engine, const struct ask_for *ask)
{
	struct command_change change;
	struct event_room event;
	const uint8_t *rest = ask->payload;

	if (ask->command->payload < sizeof(change))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	memcpy(&change, rest, sizeof(change));
	if (!event_room_parse(rest + sizeof(change),
			      ask->command->payload - (uint32_t)sizeof(change), &event))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	return event.id == 0 ? room_new(engine, ask, &event)
			     : room_change(engine, ask, &change, &event);
}

/* --- Changing roles. --- */

/* A COMMAND_ROLES that has been checked for its lengths. */
struct role_change {
	struct command_change change;
	struct command_roles head;
	struct command_role list[ROLES_MAX];
	uint32_t row;	   /* of the node */
	uint32_t category; /* whose scope counts */
};

static bool parse_roles(const struct ask_for *ask, struct role_change *rc)
{
	const uint8_t *at = ask->payload;
	const size_t fixed = sizeof(rc->change) + sizeof(rc->head);
	enum role least, most;

	if (ask->command->payload < fixed)
		return false;
	memcpy(&rc->change, at, sizeof(rc->change));
	memcpy(&rc->head, at + sizeof(rc->change), sizeof(rc->head));
	if (rc->head.count > ROLES_MAX ||
	    ask->command->payload != fixed + rc->head.count * sizeof(rc->list[0]))
		return false;
	memcpy(rc->list, at + fixed, rc->head.count * sizeof(rc->list[0]));
	least = rc->head.kind == NODE_ROOM ? ROLE_MEMBER : ROLE_ALLOWED;
	most = rc->head.kind == NODE_ROOM ? ROLE_PRESENTER : ROLE_CREATOR;
	for (unsigned i = 0; i < rc->head.count; i++)
		if (rc->list[i].role < least || rc->list[i].role > most || rc->list[i].present > 1)
			return false;
	return rc->head.kind == NODE_ROOM || rc->head.kind == NODE_CATEGORY;
}

/* The roles that a principal will have in the node when the command is done. */
static unsigned roles_after(const struct engine *engine, const struct role_change *rc,
			    uint32_t principal)
{
	unsigned roles = role_get(&engine->cache, rc->head.kind, rc->row, principal);

	roles &= ~(unsigned)rc->head.replace;
	for (unsigned i = 0; i < rc->head.count; i++) {
		const struct command_role *r = &rc->list[i];

		if (r->principal == principal && r->present)
			roles |= ROLE_BIT(r->role);
		else if (r->principal == principal)
			roles &= ~ROLE_BIT(r->role);
	}
	return roles;
}

static unsigned circle_after(struct engine *engine, const struct role_change *rc,
			     uint32_t principal)
{
	const struct circle *circle = circle_of(engine, principal);
	unsigned roles = 0;

	for (unsigned i = 0; i < circle->count; i++)
		roles |= roles_after(engine, rc, circle->id[i]);
	return roles;
}

static bool known(const struct engine *engine, uint32_t principal)
{
	uint32_t row = find_principal(&engine->cache, principal);
	const struct principal_row *p;

	if (principal == PRINCIPAL_ANY_USER)
		return true;
	if (row == 0)
		return false;
	p = table_row(&engine->cache, TABLE_PRINCIPAL, row);
	return p->state != PRINCIPAL_DELETED;
}

/* Whether one principal may be given one role. */
static int check_role(struct engine *engine, const struct role_change *rc,
		      const struct command_role *r)
{
	const struct room_row *room = room_at(engine, rc->row);
	unsigned after;

	if (!known(engine, r->principal))
		return CODE_NO_SUCH_PRINCIPAL;
	after = circle_after(engine, rc, r->principal);
	if (rc->head.kind == NODE_CATEGORY)
		return r->role != ROLE_CREATOR || ((after & ROLE_BIT(ROLE_ALLOWED)) &&
						   !(after & ROLE_BIT(ROLE_DENIED)))
			       ? CODE_OK
			       : CODE_PRINCIPALS_NOT_IN_SCOPE;
	if (!circle_in_scope(&engine->cache, circle_of(engine, r->principal), rc->category))
		return CODE_PRINCIPALS_NOT_IN_SCOPE;
	if (r->role != ROLE_PRESENTER)
		return CODE_OK;
	if (room->behavior != BEHAVIOR_AUDITORIUM)
		return CODE_INVALID_ARGUMENT;
	return room->privacy == PRIVACY_OPEN || (after & ROLE_BIT(ROLE_MEMBER))
		       ? CODE_OK
		       : CODE_PRESENTER_NOT_IN_MEM_LIST;
}

static int check_roles(struct engine *engine, const struct role_change *rc)
{
	for (unsigned i = 0; i < rc->head.count; i++) {
		int code = rc->list[i].present ? check_role(engine, rc, &rc->list[i]) : CODE_OK;

		if (code != CODE_OK)
			return code;
	}
	return CODE_OK;
}

/* Brings one principal to the roles that it will have. A presenter who is no member any more is
 * none. */
static void emit_roles(struct engine *engine, struct asker who, const struct role_change *rc,
		       uint32_t principal)
{
	unsigned now = role_get(&engine->cache, rc->head.kind, rc->row, principal);
	unsigned after = roles_after(engine, rc, principal);
	uint32_t room = rc->head.kind == NODE_ROOM ? rc->head.node : 0;

	if ((now & ROLE_BIT(ROLE_MEMBER)) && !(after & ROLE_BIT(ROLE_MEMBER)))
		after &= ~ROLE_BIT(ROLE_PRESENTER);
	for (enum role r = ROLE_ALLOWED; r <= ROLE_PRESENTER; r++) {
		if (!((now ^ after) & ROLE_BIT(r)))
			continue;
		if (room != 0)
			emit_room_role(engine, who, room, principal, r, after & ROLE_BIT(r));
		else
			emit_role(engine, who, rc->head.kind, rc->head.node, 0, principal, r,
				  after & ROLE_BIT(r));
	}
}

static uint32_t first_role(const struct engine *engine, const struct role_change *rc)
{
	return rc->head.kind == NODE_ROOM ? room_at(engine, rc->row)->first_role
					  : category_at(engine, rc->row)->first_role;
}

/* Those who have roles that are replaced, and are not in the list. False: no room for it now. */
static bool replace_roles(struct engine *engine, struct asker who, const struct role_change *rc)
{
	uint32_t next;

	for (uint32_t at = first_role(engine, rc); at != 0 && !engine->broken; at = next) {
		const struct role_row *role = table_row(&engine->cache, TABLE_ROLE, at);

		next = role->node_next;
		if ((role->roles & rc->head.replace) == 0)
			continue;
		if (room_for(engine, 5 * FIXED, 6, true) != FITS)
			return false;
		emit_roles(engine, who, rc, role->principal);
	}
	return true;
}

/* The node itself, with its next revision: the event that answers the command. */
static void emit_revision(struct engine *engine, const struct ask_for *ask,
			  const struct role_change *rc)
{
	char name[EVENT_NAME_MAX], description[EVENT_DESCRIPTION_MAX];
	uint8_t payload[FIXED + sizeof(name) + sizeof(description)];
	struct record head = head_of(ask, EVENT_CATEGORY);
	const struct category_row *c;
	struct event_category category;
	struct event_room room;

	if (rc->head.kind == NODE_ROOM) {
		engine_room_get(engine, rc->row, name, description, &room);
		room.revision++;
		emit_room(engine, ask, &room);
		return;
	}
	c = category_at(engine, rc->row);
	blob_copy(&engine->cache, TABLE_TEXT, c->name, name, sizeof(name));
	blob_copy(&engine->cache, TABLE_TEXT, c->description, description, sizeof(description));
	category = (struct event_category){.id = c->id,
					   .flags = c->flags,
					   .created = c->created,
					   .revision = c->revision + 1,
					   .name = {name, c->name.length},
					   .description = {description, c->description.length}};
	memcpy(category.uuid, c->uuid, sizeof(category.uuid));
	emit(engine, &head, payload, event_category_put(&category, payload, sizeof(payload)));
}

/* Finds the node and whether the asker may change its roles. */
static int open_node(struct engine *engine, struct asker who, struct role_change *rc)
{
	uint64_t revision;

	if (rc->head.kind == NODE_CATEGORY) {
		rc->row = rc->category = find_category(&engine->cache, rc->head.node);
		if (!who.full)
			return CODE_ERROR_PERMISSION;
		if (rc->row == 0)
			return CODE_NO_SUCH_NODE;
		revision = category_at(engine, rc->row)->revision;
	} else {
		rc->row = find_room(&engine->cache, rc->head.node);
		if (rc->row == 0 || !sees(engine, who, rc->row))
			return CODE_NO_SUCH_NODE;
		if (!manages(engine, who, rc->row))
			return CODE_ERROR_PERMISSION;
		rc->category = room_at(engine, rc->row)->category;
		revision = room_at(engine, rc->row)->revision;
	}
	if (rc->change.if_revision != 0 && rc->change.if_revision != revision)
		return CODE_DATA_COLLISION;
	return CODE_OK;
}

/* Whether whoever becomes a member can be invited. */
static int check_invitations(struct engine *engine, const struct role_change *rc)
{
	uint32_t members = 0;

	if (rc->head.kind != NODE_ROOM || !invites(engine, rc->row))
		return CODE_OK;
	for (unsigned i = 0; i < rc->head.count; i++)
		members += rc->list[i].present && rc->list[i].role == ROLE_MEMBER;
	return members == 0 ? CODE_OK : invitations_fit(engine, members);
}

enum decision decide_roles(struct engine *engine, const struct ask_for *ask)
{
	struct asker who = asker_of(engine, ask);
	struct role_change rc;
	enum decision decision;
	int code;

	if (!parse_roles(ask, &rc))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	code = open_node(engine, who, &rc);
	if (code == CODE_OK)
		code = check_roles(engine, &rc);
	if (code == CODE_OK && !rows_fit(engine, TABLE_ROLE, rc.head.count))
		code = CODE_LIMIT_EXCEEDED;
	if (code == CODE_OK)
		code = check_invitations(engine, &rc);
	if (code != CODE_OK)
		return refuse(ask, code);
	if (no_room(engine, ask, 4096 + 3 * FIXED * (uint64_t)rc.head.count,
		    1 + 4 * rc.head.count, &decision))
		return decision;
	if (rc.head.replace != 0 && !replace_roles(engine, who, &rc))
		return LATER;
	if (no_room(engine, ask, 4096 + 3 * FIXED * (uint64_t)rc.head.count,
		    1 + 4 * rc.head.count, &decision))
		return decision;
	for (unsigned i = 0; i < rc.head.count; i++)
		emit_roles(engine, who, &rc, rc.list[i].principal);
	emit_revision(engine, ask, &rc);
	recheck(engine, rc.head.kind == NODE_ROOM ? rc.row : 0);
	return DECIDED;
}

/* --- One member. --- */

int may_become_member(struct engine *engine, uint32_t row, uint32_t principal)
{
	if (!circle_in_scope(&engine->cache, circle_of(engine, principal),
			     room_at(engine, row)->category))
		return CODE_PRINCIPALS_NOT_IN_SCOPE;
	return !rows_fit(engine, TABLE_ROLE, 1) ? CODE_LIMIT_EXCEEDED : CODE_OK;
}

void change_member(struct engine *engine, const struct ask_for *ask, uint32_t row,
		   uint32_t principal, bool present)
{
	struct role_change rc = {.head = {.kind = NODE_ROOM, .count = 1}, .row = row};

	rc.head.node = room_at(engine, row)->id;
	rc.list[0] = (struct command_role){
		.principal = principal, .role = ROLE_MEMBER, .present = present};
	emit_roles(engine, asker_of(engine, ask), &rc, principal);
	emit_revision(engine, ask, &rc);
	recheck(engine, row);
}
