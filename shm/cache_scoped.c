#include <string.h>

#include "shm/attempt.h"
#include "shm/cache.h"
#include "shm/find.h"

/* Scoped settings, all under the version of their index, and grants, under the principal's. */

static void copy(const struct cache *cache, const struct setting_row *row,
		 struct setting_view *view)
{
	view->kind = (uint8_t)row->kind;
	view->scope_length = attempt_text(cache, row->scope, view->scope, sizeof(view->scope));
	view->name_length = attempt_text(cache, row->name, view->name, sizeof(view->name));
	view->value_length = attempt_text(cache, row->value, view->value, sizeof(view->value));
}

int cache_settings_next(const struct cache *cache, uint32_t *position,
			struct setting_view *setting_r)
{
	while (*position < cache->header->table[TABLE_SETTING].fresh) {
		struct attempt a = attempt(&cache->header->index[INDEX_SETTING].version);
		bool done = false;

		++*position;
		while (!done && attempt_begin(&a)) {
			copy(cache, table_row(cache, TABLE_SETTING, *position), setting_r);
			done = attempt_undisturbed(&a);
		}
		if (!done)
			return CODE_BUSY;
		if (setting_r->kind != 0)
			return CODE_OK;
	}
	return CODE_NO_SUCH_NODE;
}

uint32_t cache_settings_version(const struct cache *cache)
{
	return atomic_load_explicit(&cache->header->index[INDEX_SETTING].version,
				    memory_order_acquire);
}

int cache_grant(const struct cache *cache, uint32_t principal, char policy[EVENT_POLICY_MAX],
		uint32_t *length_r)
{
	const struct principal_row *p;
	struct attempt a;
	uint32_t row = 0;
	int code = attempt_principal_row(cache, principal, &row);

	if (code != CODE_OK)
		return code;
	p = table_row(cache, TABLE_PRINCIPAL, row);
	a = attempt(&p->version);
	while (attempt_begin(&a)) {
		*length_r = attempt_text(cache, p->policy, policy, EVENT_POLICY_MAX);
		if (attempt_undisturbed(&a))
			return CODE_OK;
	}
	return CODE_BUSY;
}
