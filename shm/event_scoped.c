#include "config.h"

#include <string.h>

#include "shm/event_wire.h"

/* Settings and policies, and what users keep for themselves. */

struct wire_setting {
	uint8_t kind, present;
	uint16_t scope, name, value; /* bytes */
};
static_assert(sizeof(struct wire_setting) == 8, "no holes");

static bool is_setting(uint8_t kind, uint8_t present)
{
	return kind >= SCOPED_CONFIG && kind <= SCOPED_RETENTION && present <= 1;
}

bool event_setting_parse(const void *payload, uint32_t size, struct event_setting *event_r)
{
	struct wire_setting wire;
	struct wire_source source;

	if (!wire_open(&source, payload, size, &wire, sizeof(wire)) ||
	    !is_setting(wire.kind, wire.present))
		return false;
	*event_r = (struct event_setting){.kind = wire.kind, .present = wire.present};
	return wire_text(&source, wire.scope, EVENT_SCOPE_MAX, &event_r->scope) &&
	       wire_text(&source, wire.name, EVENT_SETTING_MAX, &event_r->name) &&
	       wire_text(&source, wire.value, EVENT_VALUE_MAX, &event_r->value) && source.left == 0;
}

bool event_setting_get(const struct record *record, struct event_setting *event_r)
{
	return event_setting_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_setting_put(const struct event_setting *event, void *out, uint32_t size)
{
	const struct text *const texts[] = {&event->scope, &event->name, &event->value};
	const struct wire_setting wire = {
		.kind = event->kind,
		.present = event->present,
		.scope = (uint16_t)event->scope.length,
		.name = (uint16_t)event->name.length,
		.value = (uint16_t)event->value.length,
	};

	if (!is_setting(event->kind, event->present) ||
	    !wire_fits(&event->scope, EVENT_SCOPE_MAX) ||
	    !wire_fits(&event->name, EVENT_SETTING_MAX) ||
	    !wire_fits(&event->value, EVENT_VALUE_MAX))
		return 0;
	return wire_put_texts(&wire, sizeof(wire), texts, 3, out, size);
}

struct wire_grant {
	uint32_t principal;
	uint16_t policy; /* bytes */
	uint16_t reserved;
};
static_assert(sizeof(struct wire_grant) == 8, "no holes");

bool event_grant_parse(const void *payload, uint32_t size, struct event_grant *event_r)
{
	struct wire_grant wire;
	struct wire_source source;

	if (!wire_open(&source, payload, size, &wire, sizeof(wire)) || wire.principal == 0)
		return false;
	*event_r = (struct event_grant){.principal = wire.principal};
	return wire_text(&source, wire.policy, EVENT_POLICY_MAX, &event_r->policy) &&
	       source.left == 0;
}

bool event_grant_get(const struct record *record, struct event_grant *event_r)
{
	return event_grant_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_grant_put(const struct event_grant *event, void *out, uint32_t size)
{
	const struct wire_grant wire = {.principal = event->principal,
					.policy = (uint16_t)event->policy.length};
	const struct text none = {0};

	if (event->principal == 0 || !wire_fits(&event->policy, EVENT_POLICY_MAX))
		return 0;
	return wire_put(&wire, sizeof(wire), &event->policy, &none, out, size);
}

struct wire_person {
	uint32_t principal, item, who, room;
	uint64_t number, time;
	uint16_t name, text; /* bytes */
	uint8_t what, flags;
	uint16_t reserved;
};
static_assert(sizeof(struct wire_person) == 40, "no holes");

static bool is_person(uint32_t principal, uint8_t what, uint8_t flags)
{
	return principal != 0 && what >= PERSON_PUT && what <= PERSON_DENIED &&
	       flags <= (FEED_ANY | FEED_PHRASE | FEED_EGO);
}

bool event_person_parse(const void *payload, uint32_t size, struct event_person *event_r)
{
	struct wire_person wire;
	struct wire_source source;

	if (!wire_open(&source, payload, size, &wire, sizeof(wire)) ||
	    !is_person(wire.principal, wire.what, wire.flags))
		return false;
	*event_r = (struct event_person){
		.principal = wire.principal,
		.item = wire.item,
		.who = wire.who,
		.room = wire.room,
		.number = wire.number,
		.time = wire.time,
		.what = wire.what,
		.flags = wire.flags,
	};
	return wire_text(&source, wire.name, EVENT_FEED_NAME_MAX, &event_r->name) &&
	       wire_text(&source, wire.text, EVENT_WORDS_MAX, &event_r->text) && source.left == 0;
}

bool event_person_get(const struct record *record, struct event_person *event_r)
{
	return event_person_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_person_put(const struct event_person *event, void *out, uint32_t size)
{
	struct wire_person wire = {
		.principal = event->principal,
		.item = event->item,
		.who = event->who,
		.room = event->room,
		.number = event->number,
		.time = event->time,
		.name = (uint16_t)event->name.length,
		.text = (uint16_t)event->text.length,
		.what = event->what,
		.flags = event->flags,
	};

	if (!is_person(event->principal, event->what, event->flags) ||
	    !wire_fits(&event->name, EVENT_FEED_NAME_MAX) ||
	    !wire_fits(&event->text, EVENT_WORDS_MAX))
		return 0;
	return wire_put(&wire, sizeof(wire), &event->name, &event->text, out, size);
}
