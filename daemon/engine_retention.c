#include <string.h>

#include "daemon/engine_ask.h"
#include "shm/find.h"
#include "shm/scoped.h"

/*
 * Retention. What is too old or too much is found by the store, which has all messages. It can
 * purge only where an administrator has set a limit.
 */

static const struct text global = {"global", 6};

static struct text scope_of(const struct engine *engine, uint32_t row, char out[EVENT_SCOPE_MAX])
{
	return scoped_category(engine->conf, category_at(engine, row)->uuid, out);
}

bool retention_scope_is_there(const struct engine *engine, struct text scope)
{
	char name[EVENT_SCOPE_MAX];
	uint8_t uuid[16];
	struct text known;
	uint32_t row;

	if (!scoped_category_parse(scope, uuid))
		return scope.length == global.length;
	row = find_category_by_uuid(&engine->cache, uuid);
	if (row == 0)
		return false;
	known = scope_of(engine, row, name);
	return known.length == scope.length && memcmp(known.data, scope.data, scope.length) == 0;
}

static bool has_limits(const struct engine *engine, uint32_t room)
{
	const uint32_t category = room_at(engine, room)->category;
	char name[EVENT_SCOPE_MAX];

	return scoped_any(&engine->cache, SCOPED_RETENTION, global) ||
	       scoped_any(&engine->cache, SCOPED_RETENTION, scope_of(engine, category, name));
}

enum decision decide_retain(struct engine *engine, const struct ask_for *ask)
{
	const uint32_t room = find_room(&engine->cache, ask->command->room);
	struct record head = head_of(ask, EVENT_PURGE);
	struct command_purge purge;
	enum decision decision;

	if (ask->command->payload != sizeof(purge))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	memcpy(&purge, ask->payload, sizeof(purge));
	if (room == 0)
		return refuse(ask, CODE_NO_SUCH_NODE);
	if (!has_limits(engine, room))
		return refuse(ask, CODE_ERROR_PERMISSION);
	if (purge.through == 0 || purge.through > room_at(engine, room)->last_seq)
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (no_room(engine, ask, 0, 1, &decision))
		return decision;
	head.origin = (struct origin){0};
	head.seq = purge.through;
	proc_count(engine->proc, COUNTER_PURGED_BY_RETENTION, 1);
	return become(engine, &head, NULL, 0);
}

void strip_retention(struct engine *engine, const struct record *as, uint32_t row)
{
	const struct record head = {.type = EVENT_SETTING, .actor = as->actor};
	char name[EVENT_SCOPE_MAX];
	struct event_setting event = {.kind = SCOPED_RETENTION,
				      .scope = scope_of(engine, row, name)};
	uint8_t payload[RETENTION_BYTES / RETENTION_SETTINGS];
	const struct scoped_key *key;

	for (unsigned i = 0; (key = scoped_key_at(SCOPED_RETENTION, i)) != NULL; i++) {
		event.name = (struct text){key->name, (uint32_t)strlen(key->name)};
		if (scoped_find(&engine->cache, SCOPED_RETENTION, event.scope, event.name) != 0)
			emit(engine, &head, payload,
			     event_setting_put(&event, payload, sizeof(payload)));
	}
}
