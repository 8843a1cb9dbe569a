#include <string.h>

#include "conf/clock.h"
#include "daemon/engine_ask.h"
#include "shm/find.h"

/*
 * What archives bring in. Only administrators do that, and it only adds: whatever is there already,
 * by its URI, its uuid or its name, stays as it is. Ids are given anew; times, revisions and
 * numbers of messages are the archive's.
 */

enum { FIXED = 128 };

enum decision import_checked(const struct ask_for *ask)
{
	ask->answer->seq = 1;
	return refuse(ask, CODE_OK);
}

enum decision import_become(struct engine *engine, const struct ask_for *ask,
			    const struct import *import, uint32_t room, const void *payload,
			    uint32_t size)
{
	struct record head = head_of(ask, import->head.type);
	enum decision decision;

	if (size == 0)
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (import->head.check)
		return import_checked(ask);
	if (no_room(engine, ask, size, 1, &decision))
		return decision;
	head.actor = session_at(engine, ask->session)->principal;
	head.room = room;
	return become(engine, &head, payload, size);
}

/* --- Users and groups. --- */

static bool is_kind(unsigned kind)
{
	return kind == PRINCIPAL_USER || kind == PRINCIPAL_GROUP || kind == PRINCIPAL_FOLDER ||
	       kind == PRINCIPAL_DOMAIN;
}

/* Who was removed here comes back, as by being added again. */
static enum decision import_principal(struct engine *engine, const struct ask_for *ask,
				      const struct import *import)
{
	uint8_t payload[FIXED + EVENT_URI_MAX + EVENT_NAME_MAX];
	const struct principal_row *known;
	struct event_principal event;
	enum decision decision;
	uint32_t row;

	if (!event_principal_parse(import->payload, import->size, &event) ||
	    event.uri.length == 0 || !is_text(event.uri) || !is_name(event.name) ||
	    !is_kind(event.kind))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	row = find_principal_by_uri(&engine->cache, event.uri);
	known = table_row(&engine->cache, TABLE_PRINCIPAL, row);
	if (row != 0 && known->kind != event.kind)
		return refuse(ask, CODE_PRINCIPALS_ALREADY_DEFINED);
	if (row != 0 && (known->state != PRINCIPAL_DELETED || event.state == PRINCIPAL_DELETED))
		return refuse(ask, CODE_OK);
	if ((row == 0 && !rows_fit(engine, TABLE_PRINCIPAL, 1)) ||
	    !text_fits(engine, event.uri.length, event.name.length))
		return refuse(ask, CODE_LIMIT_EXCEEDED);
	event.id = row == 0 ? engine->cache.header->last_principal + 1 : known->id;
	if (row != 0 && known->epoch > event.epoch)
		event.epoch = known->epoch;
	decision = import_become(engine, ask, import, 0, payload,
				 event_principal_put(&event, payload, sizeof(payload)));
	if (decision == DECIDED)
		recheck(engine, 0);
	return decision;
}

static enum decision import_affiliation(struct engine *engine, const struct ask_for *ask,
					const struct import *import)
{
	struct event_affiliation event;

	if (!event_affiliation_parse(import->payload, import->size, &event) || !event.present)
		return refuse(ask, CODE_INVALID_ARGUMENT);
	return change_affiliation(engine, ask, &event, import->head.check);
}

/* --- Categories and add-ins. --- */

/* The one that every database begins with gives way to another of that name, if nobody has used it.
 */
static bool is_untouched(const struct category_row *category)
{
	return category->id == CATEGORY_FIRST && category->revision == 1 && category->rooms == 0;
}

static void remove_first(struct engine *engine, const struct ask_for *ask)
{
	const struct event_removed event = {.kind = NODE_CATEGORY, .id = CATEGORY_FIRST};
	const struct record head = {.type = EVENT_REMOVED,
				    .actor = session_at(engine, ask->session)->principal,
				    .origin = origin_of_part(ask)};
	uint8_t payload[FIXED];

	emit(engine, &head, payload, event_removed_put(&event, payload, sizeof(payload)));
}

static int check_category(struct engine *engine, const struct event_category *event)
{
	if (!is_name(event->name) || !is_text(event->description))
		return CODE_INVALID_ARGUMENT;
	if (find_room_by_name(&engine->cache, event->name) != 0)
		return CODE_DUPLICATE_ROOM_NAME;
	return !rows_fit(engine, TABLE_CATEGORY, 1) ||
			       !text_fits(engine, event->name.length, event->description.length)
		       ? CODE_LIMIT_EXCEEDED
		       : CODE_OK;
}

static enum decision import_category(struct engine *engine, const struct ask_for *ask,
				     const struct import *import)
{
	uint8_t payload[FIXED + EVENT_NAME_MAX + EVENT_DESCRIPTION_MAX];
	struct event_category event;
	enum decision decision;
	uint32_t same;
	int code;

	if (!event_category_parse(import->payload, import->size, &event) ||
	    !is_countable(event.created) || !is_countable(event.revision))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (find_category_by_uuid(&engine->cache, event.uuid) != 0)
		return refuse(ask, CODE_OK);
	code = check_category(engine, &event);
	if (code != CODE_OK)
		return refuse(ask, code);
	same = find_category_by_name(&engine->cache, event.name);
	if (same != 0 && !is_untouched(category_at(engine, same)))
		return refuse(ask, CODE_OK);
	if (no_room(engine, ask, sizeof(payload) + FIXED, 2, &decision))
		return decision;
	if (same != 0 && !import->head.check)
		remove_first(engine, ask);
	event.id = engine->cache.header->last_category + 1;
	decision = import_become(engine, ask, import, 0, payload,
				 event_category_put(&event, payload, sizeof(payload)));
	if (decision == DECIDED)
		recheck(engine, 0);
	return decision;
}

static enum decision import_addin(struct engine *engine, const struct ask_for *ask,
				  const struct import *import)
{
	uint8_t payload[FIXED + EVENT_ADDIN_NAME_MAX + EVENT_ADDIN_URL_MAX];
	struct event_addin event;

	if (!event_addin_parse(import->payload, import->size, &event) || !is_addin(&event))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (find_addin_by_name(&engine->cache, event.name) != 0)
		return refuse(ask, CODE_OK);
	if (!rows_fit(engine, TABLE_ADDIN, 1) ||
	    !text_fits(engine, event.name.length, event.url.length))
		return refuse(ask, CODE_LIMIT_EXCEEDED);
	event.id = engine->cache.header->last_addin + 1;
	return import_become(engine, ask, import, 0, payload,
			     event_addin_put(&event, payload, sizeof(payload)));
}

/* --- Rooms and roles. --- */

/* check: what it refers to may be in the archive. */
static int check_room(struct engine *engine, const struct event_room *event, bool check)
{
	const struct cache *cache = &engine->cache;

	if (!is_name(event->name) || !is_text(event->description) ||
	    (event->revision == 0 && !event->disabled))
		return CODE_INVALID_ARGUMENT;
	if (find_room_by_name(cache, event->name) != 0 ||
	    (!check && find_category_by_name(cache, event->name) != 0))
		return CODE_DUPLICATE_ROOM_NAME;
	if (!check && (find_category(cache, event->category) == 0 ||
		       (event->addin != 0 && find_addin(cache, event->addin) == 0)))
		return CODE_NO_SUCH_NODE;
	return !rows_fit(engine, TABLE_ROOM, 1) ||
			       !text_fits(engine, event->name.length, event->description.length)
		       ? CODE_LIMIT_EXCEEDED
		       : CODE_OK;
}

static enum decision import_room(struct engine *engine, const struct ask_for *ask,
				 const struct import *import)
{
	uint8_t payload[FIXED + EVENT_NAME_MAX + EVENT_DESCRIPTION_MAX];
	struct event_room event;
	int code;

	if (!event_room_parse(import->payload, import->size, &event) ||
	    !is_countable(event.created) || !is_countable(event.revision))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (find_room_by_uuid(&engine->cache, event.uuid) != 0)
		return refuse(ask, CODE_OK);
	code = check_room(engine, &event, import->head.check);
	if (code != CODE_OK)
		return refuse(ask, code);
	event.id = engine->cache.header->last_room + 1;
	return import_become(engine, ask, import, event.id, payload,
			     event_room_put(&event, payload, sizeof(payload)));
}

static bool has_principal(const struct engine *engine, uint32_t principal)
{
	const uint32_t row = find_principal(&engine->cache, principal);
	const struct principal_row *p = table_row(&engine->cache, TABLE_PRINCIPAL, row);

	return principal == PRINCIPAL_ANY_USER || (row != 0 && p->state != PRINCIPAL_DELETED);
}

/* Whether it stays within a category's scope is not asked: rights are looked up by it anyhow, and
 * it may become larger again. */
static enum decision import_role(struct engine *engine, const struct ask_for *ask,
				 const struct import *import)
{
	uint8_t payload[FIXED];
	struct event_role event;
	enum decision decision;
	bool in_room;
	uint32_t row;

	if (!event_role_parse(import->payload, import->size, &event) || !event.present)
		return refuse(ask, CODE_INVALID_ARGUMENT);
	in_room = event.kind == NODE_ROOM;
	row = in_room ? find_room(&engine->cache, event.node)
		      : find_category(&engine->cache, event.node);
	if (row == 0)
		return refuse(ask, CODE_NO_SUCH_NODE);
	if (!has_principal(engine, event.principal))
		return refuse(ask, CODE_NO_SUCH_PRINCIPAL);
	if (role_get(&engine->cache, event.kind, row, event.principal) & ROLE_BIT(event.role))
		return refuse(ask, CODE_OK);
	if (event.role == ROLE_PRESENTER && room_at(engine, row)->behavior != BEHAVIOR_AUDITORIUM)
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (!rows_fit(engine, TABLE_ROLE, 1))
		return refuse(ask, CODE_LIMIT_EXCEEDED);
	decision = import_become(engine, ask, import, in_room ? event.node : 0, payload,
				 event_role_put(&event, payload, sizeof(payload)));
	if (decision == DECIDED)
		recheck(engine, in_room ? row : 0);
	return decision;
}

/* --- By type. --- */

enum decision decide_import(struct engine *engine, const struct ask_for *ask)
{
	const uint32_t size = ask->command->payload;
	struct import import;

	if (!admin_asks(engine, ask, DUTY_ALL))
		return refuse(ask, CODE_ERROR_PERMISSION);
	if (size < sizeof(import.head))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	memcpy(&import.head, ask->payload, sizeof(import.head));
	import.payload = (const uint8_t *)ask->payload + sizeof(import.head);
	import.size = size - (uint32_t)sizeof(import.head);
	switch (import.head.type) {
	case EVENT_PRINCIPAL:
		return import_principal(engine, ask, &import);
	case EVENT_AFFILIATION:
		return import_affiliation(engine, ask, &import);
	case EVENT_CATEGORY:
		return import_category(engine, ask, &import);
	case EVENT_ADDIN:
		return import_addin(engine, ask, &import);
	case EVENT_ROOM:
		return import_room(engine, ask, &import);
	case EVENT_ROLE:
		return import_role(engine, ask, &import);
	case EVENT_INVITATION:
	case EVENT_MARKER:
	case EVENT_FEED:
	case EVENT_ACCESS_REQUEST:
		return import_person(engine, ask, &import);
	case EVENT_HISTORY:
		return import_history(engine, ask, &import);
	case EVENT_SETTING:
		return import_setting(engine, ask, &import);
	case EVENT_GRANT:
		return import_grant(engine, ask, &import);
	case EVENT_FILE:
		return import_file(engine, ask, &import);
	default:
		return refuse(ask, CODE_INVALID_ARGUMENT);
	}
}
