#include <string.h>

#include "daemon/engine_ask.h"
#include "shm/find.h"
#include "shm/scoped.h"

/* Settings by scope, and who was granted which policy, out of an archive. What has another value
 * here is told while all is only checked. */

static int check_setting(const struct engine *engine, const struct event_setting *event, bool check)
{
	const struct scoped_key *key = scoped_key_find(event->kind, event->name);

	if (!event->present || key == NULL || !scoped_scope_valid(event->kind, event->scope) ||
	    !scoped_value_valid(key, event->value))
		return CODE_INVALID_ARGUMENT;
	/* Where it is only checked, the category may be in the archive. */
	return event->kind == SCOPED_RETENTION && !check &&
			       !retention_scope_is_there(engine, event->scope)
		       ? CODE_NO_SUCH_NODE
		       : CODE_OK;
}

static bool setting_fits(struct engine *engine, const struct event_setting *event)
{
	const uint32_t blocks = blob_blocks(TABLE_TEXT, event->scope.length) +
				blob_blocks(TABLE_TEXT, event->name.length) +
				blob_blocks(TABLE_TEXT, event->value.length);

	return rows_fit(engine, TABLE_SETTING, 1) &&
	       rows_fit(engine, TABLE_TEXT, blocks);
}

enum decision import_setting(struct engine *engine, const struct ask_for *ask,
			     const struct import *import)
{
	struct event_setting event;
	enum decision decision;
	uint32_t row;
	int code;

	if (!event_setting_parse(import->payload, import->size, &event))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	code = check_setting(engine, &event, import->head.check);
	if (code != CODE_OK)
		return refuse(ask, code);
	row = scoped_find(&engine->cache, event.kind, event.scope, event.name);
	if (row != 0) {
		const struct setting_row *setting = table_row(&engine->cache, TABLE_SETTING, row);

		return refuse(ask,
			      blob_equals(&engine->cache, TABLE_TEXT, setting->value, event.value)
				      ? CODE_OK
				      : CODE_DATA_COLLISION);
	}
	if (!setting_fits(engine, &event))
		return refuse(ask, CODE_LIMIT_EXCEEDED);
	decision = import_become(engine, ask, import, 0, import->payload, import->size);
	if (decision == DECIDED && event.kind == SCOPED_POLICY)
		engine_police_all(engine);
	return decision;
}

/* Where it is only checked, the user may be in the archive, and so may the policy. */
static int check_new_grant(const struct engine *engine, const struct event_grant *event, bool check)
{
	const int code = check_grant(engine, event);

	return check && (code == CODE_NO_SUCH_PRINCIPAL || code == CODE_NO_SUCH_NODE) ? CODE_OK
										      : code;
}

enum decision import_grant(struct engine *engine, const struct ask_for *ask,
			   const struct import *import)
{
	const struct principal_row *p;
	struct event_grant event;
	enum decision decision;
	uint32_t row;
	int code;

	if (!event_grant_parse(import->payload, import->size, &event) || event.policy.length == 0)
		return refuse(ask, CODE_INVALID_ARGUMENT);
	row = find_principal(&engine->cache, event.principal);
	p = table_row(&engine->cache, TABLE_PRINCIPAL, row);
	if (row != 0 && p->policy.length > 0)
		return refuse(ask, blob_equals(&engine->cache, TABLE_TEXT, p->policy, event.policy)
					   ? CODE_OK
					   : CODE_DATA_COLLISION);
	code = check_new_grant(engine, &event, import->head.check);
	if (code == CODE_OK && !text_fits(engine, event.policy.length, 0))
		code = CODE_LIMIT_EXCEEDED;
	if (code != CODE_OK)
		return refuse(ask, code);
	decision = import_become(engine, ask, import, 0, import->payload, import->size);
	if (decision == DECIDED)
		engine_police_all(engine);
	return decision;
}
