#include <string.h>

#include "conf/log.h"
#include "daemon/engine_ask.h"
#include "shm/find.h"
#include "shm/scoped.h"

/* Settings by scope, policies, and whom they let use the server: administrators only. */

enum {
	HEAD = 16,	    /* the fixed part of a payload, at most */
	POLICE_ROWS = 2000, /* sessions looked at in one turn */
};

static const struct text none = {"", 0};

/* --- One scope's settings. --- */

struct change {
	struct command_settings head;
	struct event_setting list[COMMAND_SETTINGS_MAX]; /* borrowed texts */
	unsigned kind;
	struct text scope;
	uint64_t bytes; /* of their payloads */
};

static bool same_text(struct text a, struct text b)
{
	return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

static bool parse(const struct ask_for *ask, struct change *change)
{
	const uint8_t *at = ask->payload;
	uint32_t left = ask->command->payload, size;

	if (left < sizeof(change->head))
		return false;
	memcpy(&change->head, at, sizeof(change->head));
	at += sizeof(change->head);
	left -= (uint32_t)sizeof(change->head);
	if (change->head.count == 0 || change->head.count > COMMAND_SETTINGS_MAX ||
	    change->head.check > 1 || change->head.what < SETTINGS_CREATE || change->head.what > SETTINGS_REMOVE)
		return false;
	for (uint32_t i = 0; i < change->head.count; i++) {
		struct event_setting *one = &change->list[i];

		if (left < sizeof(size))
			return false;
		memcpy(&size, at, sizeof(size));
		at += sizeof(size);
		left -= (uint32_t)sizeof(size);
		if (size > left || !event_setting_parse(at, size, one) ||
		    one->kind != change->list[0].kind ||
		    !same_text(one->scope, change->list[0].scope))
			return false;
		at += size;
		left -= size;
		change->bytes += size;
	}
	change->kind = change->list[0].kind;
	change->scope = change->list[0].scope;
	return left == 0 && scoped_scope_valid(change->kind, change->scope);
}

/* Whether a scope comes to be by being set; the others are made first. */
static bool is_made_by_setting(const struct engine *engine, const struct change *change)
{
	return change->kind == SCOPED_CONFIG || change->kind == SCOPED_TOPOLOGY ||
	       change->kind == SCOPED_RETENTION ||
	       (change->kind == SCOPED_POLICY && memcmp(change->scope.data, "tag:", 4) != 0) ||
	       scoped_is_given(change->kind, change->scope, engine->conf);
}

/* Places that are there. */
static bool are_places(const struct engine *engine, const struct event_setting *one)
{
	const uint32_t places = scoped_places(one->value);

	return scoped_places_of(engine->conf, places) == places;
}

/* What every new one has it keeps. */
static int check_values(const struct engine *engine, const struct change *change)
{
	for (uint32_t i = 0; i < change->head.count; i++) {
		const struct event_setting *one = &change->list[i];
		const struct scoped_key *key = scoped_key_find(change->kind, one->name);

		if (key == NULL || (one->present && !scoped_value_valid(key, one->value)))
			return CODE_INVALID_ARGUMENT;
		if (one->present && key->type == SCOPED_PLACES && !are_places(engine, one))
			return CODE_INVALID_ARGUMENT;
		if (!one->present && key->values != NULL && !is_made_by_setting(engine, change))
			return CODE_INVALID_ARGUMENT;
		for (uint32_t k = 0; k < i; k++)
			if (same_text(change->list[k].name, one->name))
				return CODE_INVALID_ARGUMENT;
	}
	return CODE_OK;
}

/* How many users were granted a policy. */
static uint32_t count_granted(const struct engine *engine, struct text policy)
{
	const struct cache_table *table = &engine->cache.header->table[TABLE_PRINCIPAL];
	uint32_t count = 0;

	for (uint32_t row = 1; row <= table->fresh; row++) {
		const struct principal_row *p = table_row(&engine->cache, TABLE_PRINCIPAL, row);

		count += p->id != 0 && p->policy.length > 0 &&
			 blob_equals(&engine->cache, TABLE_TEXT, p->policy, policy);
	}
	return count;
}

/* A policy that users have is not taken from under them. */
static bool is_granted(const struct engine *engine, const struct change *change)
{
	if (change->kind != SCOPED_POLICY || change->scope.length <= 4 ||
	    memcmp(change->scope.data, "tag:", 4) != 0)
		return false;
	return count_granted(engine,
			     (struct text){change->scope.data + 4, change->scope.length - 4}) > 0;
}

/* any: the scope has some already. */
static int check(const struct engine *engine, const struct change *change, bool any)
{
	switch (change->head.what) {
	case SETTINGS_CREATE:
		if (any)
			return CODE_DUPLICATE_ROOM_NAME;
		break;
	case SETTINGS_SET:
		if ((!any && !is_made_by_setting(engine, change)) ||
		    (change->kind == SCOPED_RETENTION &&
		     !retention_scope_is_there(engine, change->scope)))
			return CODE_NO_SUCH_NODE;
		break;
	default:
		if (change->head.count != 1 || change->list[0].name.length > 0)
			return CODE_INVALID_ARGUMENT;
		if (!any && !scoped_is_given(change->kind, change->scope, engine->conf))
			return CODE_NO_SUCH_NODE;
		return is_granted(engine, change) ? CODE_INVALID_FLOW_OF_OPERATIONS : CODE_OK;
	}
	return check_values(engine, change);
}

/* What is not there yet and is to be: the values of new ones that are not named, too. */
static bool fits(struct engine *engine, const struct change *change)
{
	uint32_t blocks = 0, rows = 0;

	for (uint32_t i = 0; i < change->head.count; i++) {
		const struct event_setting *one = &change->list[i];

		rows += one->present;
		blocks += blob_blocks(TABLE_TEXT, one->scope.length) + 1 +
			  blob_blocks(TABLE_TEXT, one->value.length);
	}
	if (change->head.what != SETTINGS_REMOVE) {
		rows += COMMAND_SETTINGS_MAX;
		blocks +=
			COMMAND_SETTINGS_MAX * (blob_blocks(TABLE_TEXT, change->scope.length) + 2);
	}
	if (change->head.what == SETTINGS_REMOVE)
		return true;
	return rows_fit(engine, TABLE_SETTING, rows) &&
	       rows_fit(engine, TABLE_TEXT, blocks);
}

static void emit_setting(struct engine *engine, const struct record *head,
			 const struct event_setting *event)
{
	uint8_t payload[HEAD + EVENT_SCOPE_MAX + EVENT_SETTING_MAX + EVENT_VALUE_MAX];

	emit(engine, head, payload, event_setting_put(event, payload, sizeof(payload)));
}

static bool is_named(const struct change *change, struct text name)
{
	for (uint32_t i = 0; i < change->head.count; i++)
		if (same_text(change->list[i].name, name))
			return true;
	return false;
}

/* What every new one has, unless it is told; or, to be removed, all that there is. */
static void emit_others(struct engine *engine, const struct record *part,
			const struct change *change)
{
	const bool remove = change->head.what == SETTINGS_REMOVE;
	struct event_setting event = {
		.kind = (uint8_t)change->kind, .present = !remove, .scope = change->scope};
	const struct scoped_key *key;

	for (unsigned i = 0; (key = scoped_key_at(change->kind, i)) != NULL; i++) {
		event.name = (struct text){key->name, (uint32_t)strlen(key->name)};
		event.value = none;
		if (!remove && key->values != NULL)
			event.value =
				(struct text){key->values, (uint32_t)strcspn(key->values, " ")};
		if (remove ? scoped_find(&engine->cache, change->kind, change->scope, event.name) ==
				     0
			   : key->values == NULL || is_named(change, event.name))
			continue;
		emit_setting(engine, part, &event);
	}
}

enum decision decide_setting(struct engine *engine, const struct ask_for *ask)
{
	struct record head = head_of(ask, EVENT_SETTING);
	const struct record part = {.type = EVENT_SETTING, .origin = origin_of_part(ask)};
	struct change change = {.bytes = 0};
	enum decision decision;
	uint64_t most;
	bool any;
	int code;

	if (!admin_asks(engine, ask, DUTY_ALL))
		return refuse(ask, CODE_ERROR_PERMISSION);
	if (!parse(ask, &change))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	any = scoped_any(&engine->cache, change.kind, change.scope);
	code = check(engine, &change, any);
	if (code == CODE_OK && change.head.if_revision != 0 &&
	    change.head.if_revision != scoped_revision(&engine->cache, change.kind, change.scope))
		code = CODE_DATA_COLLISION;
	if (code == CODE_OK && !fits(engine, &change))
		code = CODE_LIMIT_EXCEEDED;
	if (code != CODE_OK || change.head.check)
		return refuse(ask, code);
	most = change.bytes +
	       COMMAND_SETTINGS_MAX * (HEAD + EVENT_SETTING_MAX + (uint64_t)change.scope.length);
	if (no_room(engine, ask, most, 2 * COMMAND_SETTINGS_MAX, &decision))
		return decision;
	if (change.head.what != SETTINGS_SET || !any)
		emit_others(engine, &part, &change);
	if (change.kind == SCOPED_POLICY)
		engine_police_all(engine);
	for (uint32_t i = 0; i + 1 < change.head.count; i++)
		emit_setting(engine, &part, &change.list[i]);
	change.list[change.head.count - 1].present &= change.head.what != SETTINGS_REMOVE;
	emit_setting(engine, &head, &change.list[change.head.count - 1]);
	return DECIDED;
}

/* --- Who has which policy. --- */

int check_grant(const struct engine *engine, const struct event_grant *event)
{
	static const struct text enabled = {"enabled", 7};
	const uint32_t row = find_principal(&engine->cache, event->principal);
	const struct principal_row *p;
	char scope[4 + EVENT_POLICY_MAX];

	if (row == 0)
		return CODE_NO_SUCH_PRINCIPAL;
	p = table_row(&engine->cache, TABLE_PRINCIPAL, row);
	if (p->state == PRINCIPAL_DELETED)
		return CODE_NO_SUCH_PRINCIPAL;
	if (p->kind != PRINCIPAL_USER)
		return CODE_INVALID_ARGUMENT;
	if (event->policy.length == 0)
		return CODE_OK;
	memcpy(scope, "tag:", 4);
	memcpy(scope + 4, event->policy.data, event->policy.length);
	return scoped_find(&engine->cache, SCOPED_POLICY,
			   (struct text){scope, 4 + event->policy.length}, enabled) == 0
		       ? CODE_NO_SUCH_NODE
		       : CODE_OK;
}

enum decision decide_grant(struct engine *engine, const struct ask_for *ask)
{
	struct record head = head_of(ask, EVENT_GRANT);
	const struct principal_row *p;
	struct event_grant event;
	enum decision decision;
	int code;

	if (!admin_asks(engine, ask, DUTY_ALL))
		return refuse(ask, CODE_ERROR_PERMISSION);
	if (!event_grant_parse(ask->payload, ask->command->payload, &event))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	code = check_grant(engine, &event);
	if (code == CODE_OK && !text_fits(engine, event.policy.length, 0))
		code = CODE_LIMIT_EXCEEDED;
	if (code != CODE_OK)
		return refuse(ask, code);
	p = table_row(&engine->cache, TABLE_PRINCIPAL,
		      find_principal(&engine->cache, event.principal));
	if (blob_equals(&engine->cache, TABLE_TEXT, p->policy, event.policy))
		return refuse(ask, CODE_OK);
	if (no_room(engine, ask, ask->command->payload, 1, &decision))
		return decision;
	engine_police_all(engine);
	return become(engine, &head, ask->payload, ask->command->payload);
}

bool strip_grant(struct engine *engine, const struct record *as, uint32_t row)
{
	const struct principal_row *p = table_row(&engine->cache, TABLE_PRINCIPAL, row);
	const struct record head = {
		.type = EVENT_GRANT, .actor = as->actor, .origin = part_origin(as)};
	const struct event_grant event = {.principal = p->id, .policy = none};
	uint8_t payload[HEAD];

	if (p->policy.length == 0)
		return true;
	if (room_for(engine, sizeof(payload), 1, false) != FITS)
		return false;
	emit(engine, &head, payload, event_grant_put(&event, payload, sizeof(payload)));
	return true;
}

/* --- Sessions of those who may not use the server any more. --- */

void engine_police_all(struct engine *engine)
{
	engine->policing = true;
	engine->police = 1;
}

static bool is_barred(const struct engine *engine, uint32_t session)
{
	const struct session_row *s = session_at(engine, session);
	uint32_t row;

	if (s->generation == 0 || (s->flags & EVENT_ADMIN))
		return false;
	row = find_principal(&engine->cache, s->principal);
	return row != 0 && !scoped_may_use(&engine->cache, engine->conf, row);
}

bool engine_police(struct engine *engine)
{
	const struct cache_table *table = &engine->cache.header->table[TABLE_SESSION];
	bool any = false;

	for (unsigned looked = 0; engine->policing && looked < POLICE_ROWS && !engine->broken;
	     looked++) {
		if (engine->police > table->fresh) {
			engine->policing = false;
			if (engine->policed > 0)
				log_notice(
					"ended %u sessions of users whose policy does not let them "
					"use the server",
					engine->policed);
			engine->policed = 0;
			break;
		}
		if (is_barred(engine, engine->police)) {
			if (!end_session(engine, engine->police, NULL))
				return any;
			engine->policed++;
			proc_count(engine->proc, COUNTER_SESSIONS_BARRED, 1);
			any = true;
		}
		engine->police++;
	}
	return any;
}
