#include <string.h>
#include <unistr.h>

#include "conf/clock.h"
#include "daemon/engine_ask.h"
#include "shm/find.h"

/* Payloads of events, with room for their fixed parts. */
enum { FIXED = 128, ADDIN_CHARACTERS = 50 };

/* --- What all these commands have in common. --- */

static bool is_admin(const struct engine *engine, const struct ask_for *ask)
{
	return admin_asks(engine, ask, DUTY_ALL);
}

static uint32_t actor_of(const struct engine *engine, const struct ask_for *ask)
{
	return session_at(engine, ask->session)->principal;
}

/* The last event of a command: the one that answers it. */
static struct record last_of(const struct engine *engine, const struct ask_for *ask,
			     enum event_type type)
{
	struct record head = head_of(ask, type);

	head.actor = actor_of(engine, ask);
	return head;
}

/* One that comes before the last. */
static struct record part_of(const struct engine *engine, const struct ask_for *ask,
			     enum event_type type)
{
	return (struct record){.type = (uint16_t)type,
			       .actor = actor_of(engine, ask),
			       .origin = origin_of_part(ask)};
}

/* Splits a payload into the change and the rest. */
static bool split(const struct ask_for *ask, struct command_change *change_r, const void **rest_r,
		  uint32_t *size_r)
{
	if (ask->command->payload < sizeof(*change_r))
		return false;
	memcpy(change_r, ask->payload, sizeof(*change_r));
	*rest_r = (const uint8_t *)ask->payload + sizeof(*change_r);
	*size_r = ask->command->payload - (uint32_t)sizeof(*change_r);
	return true;
}

static bool collides(const struct command_change *change, uint64_t revision)
{
	return change->if_revision != 0 && change->if_revision != revision;
}

static struct text get_text(const struct engine *engine, struct blob blob, char *out, uint32_t size)
{
	blob_copy(&engine->cache, TABLE_TEXT, blob, out, size);
	return (struct text){out, blob.length};
}

/* Rooms and categories share one space of names. */
static bool name_taken(const struct engine *engine, struct text name, uint32_t room,
		       uint32_t category)
{
	uint32_t same_room = find_room_by_name(&engine->cache, name);
	uint32_t same_category = find_category_by_name(&engine->cache, name);

	return (same_room != 0 && same_room != room) ||
	       (same_category != 0 && same_category != category);
}

/* --- Users and groups. --- */

static bool is_kind(unsigned kind)
{
	return kind == PRINCIPAL_USER || kind == PRINCIPAL_GROUP || kind == PRINCIPAL_FOLDER ||
	       kind == PRINCIPAL_DOMAIN;
}

static enum decision principal_new(struct engine *engine, const struct ask_for *ask,
				   struct event_principal *event)
{
	struct record head = last_of(engine, ask, EVENT_PRINCIPAL);
	uint8_t payload[FIXED + EVENT_URI_MAX + EVENT_NAME_MAX];
	struct cache *cache = &engine->cache;
	enum decision decision;

	if (event->uri.length == 0 || !is_text(event->uri) || !is_name(event->name) ||
	    !is_kind(event->kind))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (find_principal_by_uri(cache, event->uri) != 0)
		return refuse(ask, CODE_PRINCIPALS_ALREADY_DEFINED);
	if (!rows_fit(engine, TABLE_PRINCIPAL, 1) ||
	    !text_fits(engine, event->uri.length, event->name.length))
		return refuse(ask, CODE_LIMIT_EXCEEDED);
	if (no_room(engine, ask, sizeof(payload), 1, &decision))
		return decision;
	event->id = cache->header->last_principal + 1;
	event->epoch = 0;
	return become(engine, &head, payload, event_principal_put(event, payload, sizeof(payload)));
}

static const struct principal_row *principal_at(const struct engine *engine, uint32_t row)
{
	return table_row(&engine->cache, TABLE_PRINCIPAL, row);
}

struct principal_text {
	char uri[EVENT_URI_MAX], name[EVENT_NAME_MAX];
};

static void principal_get(const struct engine *engine, uint32_t row, struct principal_text *text,
			  struct event_principal *event_r)
{
	const struct principal_row *p = principal_at(engine, row);

	*event_r = (struct event_principal){
		.id = p->id,
		.kind = p->kind,
		.state = p->state,
		.epoch = p->epoch,
		.uri = get_text(engine, p->uri, text->uri, sizeof(text->uri)),
		.name = get_text(engine, p->name, text->name, sizeof(text->name))};
}

/* The URI stays what it is; a user who may not sign in any more is signed out first. */
static enum decision principal_change(struct engine *engine, const struct ask_for *ask,
				      const struct command_change *change,
				      const struct event_principal *wanted)
{
	uint8_t payload[FIXED + EVENT_URI_MAX + EVENT_NAME_MAX];
	uint32_t row = find_principal(&engine->cache, wanted->id);
	struct record head = last_of(engine, ask, EVENT_PRINCIPAL);
	struct event_principal event;
	struct principal_text text;
	enum decision decision;

	if (row == 0)
		return refuse(ask, CODE_NO_SUCH_PRINCIPAL);
	principal_get(engine, row, &text, &event);
	if (change->fields & FIELD_NAME)
		event.name = wanted->name;
	if (change->fields & FIELD_STATE)
		event.state = wanted->state;
	if (!is_name(event.name))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (!text_changes_fit(engine, principal_at(engine, row)->name, event.name, (struct blob){0},
			      (struct text){"", 0}))
		return refuse(ask, CODE_LIMIT_EXCEEDED);
	if (event.state != PRINCIPAL_ACTIVE && !end_sessions_of(engine, event.id))
		return LATER;
	if (event.state == PRINCIPAL_DELETED && !strip_principal(engine, &head, row))
		return LATER;
	if (no_room(engine, ask, sizeof(payload), 1, &decision))
		return decision;
	emit(engine, &head, payload, event_principal_put(&event, payload, sizeof(payload)));
	recheck(engine, 0);
	return DECIDED;
}

enum decision decide_principal(struct engine *engine, const struct ask_for *ask)
{
	struct command_change change;
	struct event_principal event;
	const void *rest;
	uint32_t size;

	if (!is_admin(engine, ask))
		return refuse(ask, CODE_ERROR_PERMISSION);
	if (!split(ask, &change, &rest, &size) || !event_principal_parse(rest, size, &event))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	return event.id == 0 ? principal_new(engine, ask, &event)
			     : principal_change(engine, ask, &change, &event);
}

enum decision decide_rekey(struct engine *engine, const struct ask_for *ask)
{
	uint8_t payload[FIXED + EVENT_URI_MAX + EVENT_NAME_MAX];
	struct record head = head_of(ask, EVENT_PRINCIPAL);
	struct event_principal event;
	struct principal_text text;
	struct command_rekey rekey;
	enum decision decision;
	uint32_t row;

	if (ask->command->payload != sizeof(rekey))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	memcpy(&rekey, ask->payload, sizeof(rekey));
	row = find_principal(&engine->cache, rekey.principal);
	if (row == 0)
		return refuse(ask, CODE_NO_SUCH_PRINCIPAL);
	if (no_room(engine, ask, sizeof(payload), 1, &decision))
		return decision;
	principal_get(engine, row, &text, &event);
	event.epoch++;
	return become(engine, &head, payload,
		      event_principal_put(&event, payload, sizeof(payload)));
}

/* --- Categories. --- */

struct node_text {
	char name[EVENT_NAME_MAX], description[EVENT_DESCRIPTION_MAX];
};

static void category_get(const struct engine *engine, uint32_t row, struct node_text *text,
			 struct event_category *event_r)
{
	const struct category_row *c = category_at(engine, row);

	*event_r = (struct event_category){
		.id = c->id,
		.flags = c->flags,
		.created = c->created,
		.revision = c->revision,
		.name = get_text(engine, c->name, text->name, sizeof(text->name)),
		.description = get_text(engine, c->description, text->description,
					sizeof(text->description))};
	memcpy(event_r->uuid, c->uuid, sizeof(event_r->uuid));
}

/* row 0: a new one. */
static bool category_fits(struct engine *engine, uint32_t row, const struct event_category *event)
{
	static const struct category_row none;
	const struct category_row *c = row == 0 ? &none : category_at(engine, row);

	return text_changes_fit(engine, c->name, event->name, c->description, event->description);
}

static enum decision category_put(struct engine *engine, const struct ask_for *ask, uint32_t row,
				  struct event_category *event)
{
	uint8_t payload[FIXED + EVENT_NAME_MAX + EVENT_DESCRIPTION_MAX];
	struct record head = last_of(engine, ask, EVENT_CATEGORY);
	enum decision decision;

	if (!is_name(event->name) || !is_text(event->description) ||
	    (event->flags & ~(uint32_t)CATEGORY_FLAGS) != 0)
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (name_taken(engine, event->name, 0, row))
		return refuse(ask, CODE_DUPLICATE_ROOM_NAME);
	if (!category_fits(engine, row, event))
		return refuse(ask, CODE_LIMIT_EXCEEDED);
	if (no_room(engine, ask, sizeof(payload), 1, &decision))
		return decision;
	event->revision++;
	return become(engine, &head, payload, event_category_put(event, payload, sizeof(payload)));
}

enum decision decide_category(struct engine *engine, const struct ask_for *ask)
{
	struct event_category wanted, event;
	struct command_change change;
	struct node_text text;
	const void *rest;
	uint32_t size, row;

	if (!is_admin(engine, ask))
		return refuse(ask, CODE_ERROR_PERMISSION);
	if (!split(ask, &change, &rest, &size) || !event_category_parse(rest, size, &wanted))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (wanted.id == 0) {
		if (find_category_by_uuid(&engine->cache, wanted.uuid) != 0)
			return refuse(ask, CODE_DUPLICATE_ROOM_NAME);
		if (!rows_fit(engine, TABLE_CATEGORY, 1))
			return refuse(ask, CODE_LIMIT_EXCEEDED);
		wanted.id = engine->cache.header->last_category + 1;
		wanted.created = clock_utc();
		wanted.revision = 0;
		return category_put(engine, ask, 0, &wanted);
	}
	row = find_category(&engine->cache, wanted.id);
	if (row == 0)
		return refuse(ask, CODE_NO_SUCH_NODE);
	category_get(engine, row, &text, &event);
	if (collides(&change, event.revision))
		return refuse(ask, CODE_DATA_COLLISION);
	if (change.fields & FIELD_NAME)
		event.name = wanted.name;
	if (change.fields & FIELD_DESCRIPTION)
		event.description = wanted.description;
	if (change.fields & FIELD_FLAGS)
		event.flags = (event.flags & ~change.mask) | (wanted.flags & change.mask);
	return category_put(engine, ask, row, &event);
}

/* --- Add-ins. --- */

static bool is_url(struct text url)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (unsigned i = 0; i < 2; i++) {
		size_t length = strlen(schemes[i]);

		if (url.length > length && memcmp(url.data, schemes[i], length) == 0)
			return is_text(url);
	}
	return false;
}

static bool is_addin_name(struct text name)
{
	return is_name(name) &&
	       u8_mbsnlen((const uint8_t *)name.data, name.length) <= ADDIN_CHARACTERS;
}

bool is_addin(const struct event_addin *event)
{
	return is_addin_name(event->name) && is_url(event->url);
}

/* row 0: a new one. */
static bool addin_fits(struct engine *engine, uint32_t row, const struct event_addin *event)
{
	static const struct addin_row none;
	const struct addin_row *a =
		row == 0 ? &none : table_row(&engine->cache, TABLE_ADDIN, row);

	return text_changes_fit(engine, a->name, event->name, a->url, event->url);
}

static enum decision addin_put(struct engine *engine, const struct ask_for *ask, uint32_t row,
			       const struct event_addin *event)
{
	uint8_t payload[FIXED + EVENT_ADDIN_NAME_MAX + EVENT_ADDIN_URL_MAX];
	uint32_t same = find_addin_by_name(&engine->cache, event->name);
	struct record head = last_of(engine, ask, EVENT_ADDIN);
	enum decision decision;

	if (!is_addin(event))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (same != 0 && same != row)
		return refuse(ask, CODE_DUPLICATE_ADDIN_NAME);
	if (!addin_fits(engine, row, event))
		return refuse(ask, CODE_LIMIT_EXCEEDED);
	if (no_room(engine, ask, sizeof(payload), 1, &decision))
		return decision;
	return become(engine, &head, payload, event_addin_put(event, payload, sizeof(payload)));
}

enum decision decide_addin(struct engine *engine, const struct ask_for *ask)
{
	char name[EVENT_ADDIN_NAME_MAX], url[EVENT_ADDIN_URL_MAX];
	struct event_addin wanted, event;
	const struct addin_row *addin;
	struct command_change change;
	const void *rest;
	uint32_t size, row;

	if (!is_admin(engine, ask))
		return refuse(ask, CODE_ERROR_PERMISSION);
	if (!split(ask, &change, &rest, &size) || !event_addin_parse(rest, size, &wanted))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (wanted.id == 0) {
		if (!rows_fit(engine, TABLE_ADDIN, 1))
			return refuse(ask, CODE_LIMIT_EXCEEDED);
		wanted.id = engine->cache.header->last_addin + 1;
		return addin_put(engine, ask, 0, &wanted);
	}
	row = find_addin(&engine->cache, wanted.id);
	if (row == 0)
		return refuse(ask, CODE_NO_SUCH_NODE);
	addin = table_row(&engine->cache, TABLE_ADDIN, row);
	event = (struct event_addin){.id = addin->id,
				     .name = get_text(engine, addin->name, name, sizeof(name)),
				     .url = get_text(engine, addin->url, url, sizeof(url))};
	memcpy(event.uuid, addin->uuid, sizeof(event.uuid));
	if (change.fields & FIELD_NAME)
		event.name = wanted.name;
	if (change.fields & FIELD_URL)
		event.url = wanted.url;
	return addin_put(engine, ask, row, &event);
}

/* --- Removing. --- */

/* Rooms lose an add-in before it goes. False: there is no room for all of it now. */
static bool drop_addin(struct engine *engine, const struct ask_for *ask, uint32_t addin)
{
	const struct cache_table *table = &engine->cache.header->table[TABLE_ROOM];
	uint8_t payload[FIXED + EVENT_NAME_MAX + EVENT_DESCRIPTION_MAX];
	struct record head = part_of(engine, ask, EVENT_ROOM);
	struct event_room event;
	struct node_text text;

	for (uint32_t row = 1; row <= table->fresh; row++) {
		if (room_at(engine, row)->id == 0 || room_at(engine, row)->addin != addin)
			continue;
		if (room_for(engine, sizeof(payload), 1, true) != FITS)
			return false;
		engine_room_get(engine, row, text.name, text.description, &event);
		event.addin = 0;
		event.revision++;
		head.room = event.id;
		emit(engine, &head, payload, event_room_put(&event, payload, sizeof(payload)));
	}
	return true;
}

static enum decision may_remove(struct engine *engine, const struct ask_for *ask,
				struct event_removed *event, struct record *head)
{
	uint32_t row;

	switch (event->kind) {
	case NODE_CATEGORY:
		row = find_category(&engine->cache, event->id);
		if (row == 0)
			return refuse(ask, CODE_NO_SUCH_NODE);
		if (category_at(engine, row)->rooms > 0)
			return refuse(ask, CODE_INVALID_FLOW_OF_OPERATIONS);
		return DECIDED;
	case NODE_ROOM:
		row = find_room(&engine->cache, event->id);
		if (row == 0)
			return refuse(ask, CODE_NO_SUCH_NODE);
		head->room = event->id;
		memcpy(event->uuid, room_at(engine, row)->uuid, sizeof(event->uuid));
		return empty_room(engine, row) ? DECIDED : LATER;
	default:
		row = find_addin(&engine->cache, event->id);
		if (row == 0)
			return refuse(ask, CODE_NO_SUCH_NODE);
		return drop_addin(engine, ask, event->id) ? DECIDED : LATER;
	}
}

enum decision decide_remove(struct engine *engine, const struct ask_for *ask)
{
	struct record head = last_of(engine, ask, EVENT_REMOVED);
	struct command_change change;
	struct event_removed event;
	uint8_t payload[FIXED];
	enum decision decision;
	const void *rest;
	uint32_t size;

	if (!admin_asks(engine, ask, DUTY_ROOM))
		return refuse(ask, CODE_ERROR_PERMISSION);
	if (!split(ask, &change, &rest, &size) || !event_removed_parse(rest, size, &event))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (event.kind != NODE_ROOM && !is_admin(engine, ask))
		return refuse(ask, CODE_ERROR_PERMISSION);
	memset(event.uuid, 0, sizeof(event.uuid));
	decision = may_remove(engine, ask, &event, &head);
	if (decision != DECIDED || no_room(engine, ask, sizeof(payload) + RETENTION_BYTES,
					   1 + RETENTION_SETTINGS, &decision))
		return decision;
	if (event.kind == NODE_ROOM)
		sweep_rooms(engine);
	if (event.kind == NODE_CATEGORY)
		strip_retention(engine, &head, find_category(&engine->cache, event.id));
	return become(engine, &head, payload, event_removed_put(&event, payload, sizeof(payload)));
}
