#include "config.h"

#include <string.h>

#include "shm/event_wire.h"

/* Users, rooms, and what else administrators and managers change. */

struct wire_principal {
	uint32_t id;
	uint16_t kind, state;
	uint32_t epoch;
	uint16_t uri, name; /* bytes */
};
static_assert(sizeof(struct wire_principal) == 16, "no holes");

bool event_principal_parse(const void *payload, uint32_t size, struct event_principal *event_r)
{
	struct wire_principal wire;
	struct wire_source source;

	if (!wire_open(&source, payload, size, &wire, sizeof(wire)) ||
	    wire.state > PRINCIPAL_DELETED)
		return false;
	*event_r = (struct event_principal){
		.id = wire.id,
		.kind = wire.kind,
		.state = wire.state,
		.epoch = wire.epoch,
	};
	return wire_text(&source, wire.uri, EVENT_URI_MAX, &event_r->uri) &&
	       wire_text(&source, wire.name, EVENT_NAME_MAX, &event_r->name) && source.left == 0;
}

bool event_principal_get(const struct record *record, struct event_principal *event_r)
{
	return event_principal_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_principal_put(const struct event_principal *event, void *out, uint32_t size)
{
	struct wire_principal wire = {
		.id = event->id,
		.kind = event->kind,
		.state = event->state,
		.epoch = event->epoch,
		.uri = (uint16_t)event->uri.length,
		.name = (uint16_t)event->name.length,
	};

	if (event->state > PRINCIPAL_DELETED || !wire_fits(&event->uri, EVENT_URI_MAX) ||
	    !wire_fits(&event->name, EVENT_NAME_MAX))
		return 0;
	return wire_put(&wire, sizeof(wire), &event->uri, &event->name, out, size);
}

struct wire_room {
	uint32_t id;
	uint16_t disabled;
	uint8_t privacy, behavior;
	uint32_t category, addin;
	uint64_t created, revision;
	uint16_t name, description; /* bytes */
	uint8_t invitations;
	uint8_t reserved[3];
	uint8_t uuid[16];
};
static_assert(sizeof(struct wire_room) == 56, "no holes");

static bool is_room(uint16_t disabled, uint8_t privacy, uint8_t behavior, uint8_t invitations)
{
	return disabled <= 1 && invitations <= 1 &&
	       (privacy == PRIVACY_SECRET || privacy == PRIVACY_CLOSED ||
		privacy == PRIVACY_OPEN) &&
	       (behavior == BEHAVIOR_NORMAL || behavior == BEHAVIOR_AUDITORIUM);
}

bool event_room_parse(const void *payload, uint32_t size, struct event_room *event_r)
{
	struct wire_room wire;
	struct wire_source source;

	if (!wire_open(&source, payload, size, &wire, sizeof(wire)) ||
	    !is_room(wire.disabled, wire.privacy, wire.behavior, wire.invitations))
		return false;
	*event_r = (struct event_room){
		.id = wire.id,
		.disabled = wire.disabled,
		.category = wire.category,
		.addin = wire.addin,
		.privacy = wire.privacy,
		.behavior = wire.behavior,
		.invitations = wire.invitations,
		.created = wire.created,
		.revision = wire.revision,
	};
	memcpy(event_r->uuid, wire.uuid, sizeof(event_r->uuid));
	return wire_text(&source, wire.name, EVENT_NAME_MAX, &event_r->name) &&
	       wire_text(&source, wire.description, EVENT_DESCRIPTION_MAX, &event_r->description) &&
	       source.left == 0;
}

bool event_room_get(const struct record *record, struct event_room *event_r)
{
	return event_room_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_room_put(const struct event_room *event, void *out, uint32_t size)
{
	struct wire_room wire = {
		.id = event->id,
		.disabled = event->disabled,
		.privacy = event->privacy,
		.behavior = event->behavior,
		.category = event->category,
		.addin = event->addin,
		.created = event->created,
		.revision = event->revision,
		.name = (uint16_t)event->name.length,
		.description = (uint16_t)event->description.length,
		.invitations = event->invitations,
	};

	if (!is_room(event->disabled, event->privacy, event->behavior, event->invitations) ||
	    !wire_fits(&event->name, EVENT_NAME_MAX) ||
	    !wire_fits(&event->description, EVENT_DESCRIPTION_MAX))
		return 0;
	memcpy(wire.uuid, event->uuid, sizeof(wire.uuid));
	return wire_put(&wire, sizeof(wire), &event->name, &event->description, out, size);
}

struct wire_category {
	uint32_t id, flags;
	uint64_t created, revision;
	uint16_t name, description; /* bytes */
	uint32_t reserved;
	uint8_t uuid[16];
};
static_assert(sizeof(struct wire_category) == 48, "no holes");

bool event_category_parse(const void *payload, uint32_t size, struct event_category *event_r)
{
	struct wire_category wire;
	struct wire_source source;

	if (!wire_open(&source, payload, size, &wire, sizeof(wire)) ||
	    (wire.flags & ~(uint32_t)CATEGORY_FLAGS) != 0)
		return false;
	*event_r = (struct event_category){
		.id = wire.id,
		.flags = wire.flags,
		.created = wire.created,
		.revision = wire.revision,
	};
	memcpy(event_r->uuid, wire.uuid, sizeof(event_r->uuid));
	return wire_text(&source, wire.name, EVENT_NAME_MAX, &event_r->name) &&
	       wire_text(&source, wire.description, EVENT_DESCRIPTION_MAX, &event_r->description) &&
	       source.left == 0;
}

bool event_category_get(const struct record *record, struct event_category *event_r)
{
	return event_category_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_category_put(const struct event_category *event, void *out, uint32_t size)
{
	struct wire_category wire = {
		.id = event->id,
		.flags = event->flags,
		.created = event->created,
		.revision = event->revision,
		.name = (uint16_t)event->name.length,
		.description = (uint16_t)event->description.length,
	};

	if ((event->flags & ~(uint32_t)CATEGORY_FLAGS) != 0 ||
	    !wire_fits(&event->name, EVENT_NAME_MAX) ||
	    !wire_fits(&event->description, EVENT_DESCRIPTION_MAX))
		return 0;
	memcpy(wire.uuid, event->uuid, sizeof(wire).uuid);
	return wire_put(&wire, sizeof(wire), &event->name, &event->description, out, size);
}

struct wire_addin {
	uint32_t id;
	uint16_t name, url; /* bytes */
	uint8_t uuid[16];
};
static_assert(sizeof(struct wire_addin) == 24, "no holes");

bool event_addin_parse(const void *payload, uint32_t size, struct event_addin *event_r)
{
	struct wire_addin wire;
	struct wire_source source;

	if (!wire_open(&source, payload, size, &wire, sizeof(wire)))
		return false;
	*event_r = (struct event_addin){.id = wire.id};
	memcpy(event_r->uuid, wire.uuid, sizeof(event_r->uuid));
	return wire_text(&source, wire.name, EVENT_ADDIN_NAME_MAX, &event_r->name) &&
	       wire_text(&source, wire.url, EVENT_ADDIN_URL_MAX, &event_r->url) && source.left == 0;
}

bool event_addin_get(const struct record *record, struct event_addin *event_r)
{
	return event_addin_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_addin_put(const struct event_addin *event, void *out, uint32_t size)
{
	struct wire_addin wire = {
		.id = event->id,
		.name = (uint16_t)event->name.length,
		.url = (uint16_t)event->url.length,
	};

	if (!wire_fits(&event->name, EVENT_ADDIN_NAME_MAX) ||
	    !wire_fits(&event->url, EVENT_ADDIN_URL_MAX))
		return 0;
	memcpy(wire.uuid, event->uuid, sizeof(wire).uuid);
	return wire_put(&wire, sizeof(wire), &event->name, &event->url, out, size);
}

struct wire_role {
	uint8_t kind, role, present, reserved;
	uint32_t node, principal;
};
static_assert(sizeof(struct wire_role) == 12, "no holes");

static bool is_role(uint8_t kind, uint8_t role, uint8_t present)
{
	return present <= 1 &&
	       ((kind == NODE_CATEGORY && role >= ROLE_ALLOWED && role <= ROLE_CREATOR) ||
		(kind == NODE_ROOM && role >= ROLE_MEMBER && role <= ROLE_PRESENTER));
}

bool event_role_parse(const void *payload, uint32_t size, struct event_role *event_r)
{
	struct wire_role wire;
	struct wire_source source;

	if (!wire_open(&source, payload, size, &wire, sizeof(wire)) || source.left > 0 ||
	    !is_role(wire.kind, wire.role, wire.present))
		return false;
	*event_r = (struct event_role){
		.kind = wire.kind,
		.role = wire.role,
		.present = wire.present,
		.node = wire.node,
		.principal = wire.principal,
	};
	return true;
}

bool event_role_get(const struct record *record, struct event_role *event_r)
{
	return event_role_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_role_put(const struct event_role *event, void *out, uint32_t size)
{
	struct wire_role wire = {
		.kind = event->kind,
		.role = event->role,
		.present = event->present,
		.node = event->node,
		.principal = event->principal,
	};
	struct text none = {0};

	if (!is_role(event->kind, event->role, event->present))
		return 0;
	return wire_put(&wire, sizeof(wire), &none, &none, out, size);
}

struct wire_affiliation {
	uint32_t member, group;
	uint8_t present;
	uint8_t reserved[3];
};
static_assert(sizeof(struct wire_affiliation) == 12, "no holes");

bool event_affiliation_parse(const void *payload, uint32_t size, struct event_affiliation *event_r)
{
	struct wire_affiliation wire;
	struct wire_source source;

	if (!wire_open(&source, payload, size, &wire, sizeof(wire)) || source.left > 0 ||
	    wire.present > 1)
		return false;
	*event_r = (struct event_affiliation){wire.member, wire.group, wire.present};
	return true;
}

bool event_affiliation_get(const struct record *record, struct event_affiliation *event_r)
{
	return event_affiliation_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_affiliation_put(const struct event_affiliation *event, void *out, uint32_t size)
{
	struct wire_affiliation wire = {
		.member = event->member,
		.group = event->group,
		.present = event->present,
	};
	struct text none = {0};

	return event->present > 1 ? 0 : wire_put(&wire, sizeof(wire), &none, &none, out, size);
}

struct wire_removed {
	uint8_t kind;
	uint8_t reserved[3];
	uint32_t id;
	uint8_t uuid[16];
};
static_assert(sizeof(struct wire_removed) == 24, "no holes");

bool event_removed_parse(const void *payload, uint32_t size, struct event_removed *event_r)
{
	struct wire_removed wire;
	struct wire_source source;

	if (!wire_open(&source, payload, size, &wire, sizeof(wire)) || source.left > 0 ||
	    wire.kind < NODE_CATEGORY || wire.kind > NODE_ADDIN)
		return false;
	*event_r = (struct event_removed){.kind = wire.kind, .id = wire.id};
	memcpy(event_r->uuid, wire.uuid, sizeof(wire.uuid));
	return true;
}

bool event_removed_get(const struct record *record, struct event_removed *event_r)
{
	return event_removed_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_removed_put(const struct event_removed *event, void *out, uint32_t size)
{
	struct wire_removed wire = {.kind = event->kind, .id = event->id};
	struct text none = {0};

	if (event->kind < NODE_CATEGORY || event->kind > NODE_ADDIN)
		return 0;
	memcpy(wire.uuid, event->uuid, sizeof(wire.uuid));
	return wire_put(&wire, sizeof(wire), &none, &none, out, size);
}
