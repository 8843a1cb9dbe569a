#include "shm/scoped.h"

#include <stdio.h>
#include <string.h>

#include "shm/find.h"
#include "shm/object.h"

static bool same(const struct cache *cache, const struct setting_row *row, unsigned kind,
		 struct text scope, struct text name)
{
	return row->kind == kind && blob_equals(cache, TABLE_TEXT, row->scope, scope) &&
	       blob_equals(cache, TABLE_TEXT, row->name, name);
}

uint32_t scoped_find(const struct cache *cache, unsigned kind, struct text scope, struct text name)
{
	uint32_t row = index_first(cache, INDEX_SETTING, hash_setting(cache, kind, scope, name));

	while (row != 0) {
		const struct setting_row *setting = table_row(cache, TABLE_SETTING, row);

		if (same(cache, setting, kind, scope, name))
			break;
		row = setting->by_key;
	}
	return row;
}

bool scoped_any(const struct cache *cache, unsigned kind, struct text scope)
{
	const struct scoped_key *key;

	for (unsigned i = 0; (key = scoped_key_at(kind, i)) != NULL; i++)
		if (scoped_find(cache, kind, scope,
				(struct text){key->name, (uint32_t)strlen(key->name)}) != 0)
			return true;
	return false;
}

uint64_t scoped_revision(const struct cache *cache, unsigned kind, struct text scope)
{
	uint64_t revision = SCOPED_REVISION;
	const struct scoped_key *key;
	char value[EVENT_VALUE_MAX];

	for (unsigned i = 0; (key = scoped_key_at(kind, i)) != NULL; i++) {
		const struct text name = {key->name, (uint32_t)strlen(key->name)};
		const uint32_t row = scoped_find(cache, kind, scope, name);
		const struct setting_row *setting;

		if (row == 0)
			continue;
		setting = table_row(cache, TABLE_SETTING, row);
		blob_copy(cache, TABLE_TEXT, setting->value, value, sizeof(value));
		revision = scoped_revision_add(revision, name,
					       (struct text){value, setting->value.length});
	}
	return scoped_revision_end(revision);
}

uint32_t scoped_places_set(const struct cache *cache, const struct conf *conf)
{
	static const struct text active = {"active", 6};
	const uint32_t row = scoped_find(cache, SCOPED_POOL, scoped_pool(conf), active);
	const struct setting_row *setting;
	char value[2 * CONF_PLACES_MAX];

	if (row == 0)
		return 0;
	setting = table_row(cache, TABLE_SETTING, row);
	if (setting->value.length > sizeof(value))
		return 0;
	blob_copy(cache, TABLE_TEXT, setting->value, value, sizeof(value));
	return scoped_places((struct text){value, setting->value.length});
}

/* --- Changing. --- */

static _Atomic uint32_t *version_of(struct cache *cache)
{
	return &cache->header->index[INDEX_SETTING].version;
}

static int add(struct cache *cache, const struct event_setting *event, struct err *err)
{
	const uint32_t blocks = blob_blocks(TABLE_TEXT, event->scope.length) +
				blob_blocks(TABLE_TEXT, event->name.length) +
				blob_blocks(TABLE_TEXT, event->value.length);
	struct setting_row *setting;
	uint32_t row;

	if (table_free_rows(cache, TABLE_TEXT) < blocks)
		return err_full(err, "text");
	row = table_take(cache, TABLE_SETTING);
	if (row == 0)
		return err_full(err, "settings");
	setting = table_row(cache, TABLE_SETTING, row);
	table_write_begin(cache, version_of(cache));
	setting->kind = event->kind;
	setting->reserved = 0;
	setting->scope = blob_put(cache, TABLE_TEXT, event->scope);
	setting->name = blob_put(cache, TABLE_TEXT, event->name);
	setting->value = blob_put(cache, TABLE_TEXT, event->value);
	table_write_end(version_of(cache));
	index_insert(cache, INDEX_SETTING,
		     hash_setting(cache, event->kind, event->scope, event->name), row,
		     &setting->by_key);
	return 0;
}

static int change(struct cache *cache, uint32_t row, struct text value, struct err *err)
{
	struct setting_row *setting = table_row(cache, TABLE_SETTING, row);
	struct blob new;

	if (table_free_rows(cache, TABLE_TEXT) < blob_blocks(TABLE_TEXT, value.length))
		return err_full(err, "text");
	table_write_begin(cache, version_of(cache));
	blob_drop(cache, TABLE_TEXT, setting->value);
	new = blob_put(cache, TABLE_TEXT, value);
	table_set(cache, setting->value, new);
	table_write_end(version_of(cache));
	return 0;
}

static void take_away(struct cache *cache, uint32_t row, const struct event_setting *event)
{
	struct setting_row *setting = table_row(cache, TABLE_SETTING, row);

	index_remove(cache, INDEX_SETTING, TABLE_SETTING,
		     hash_setting(cache, event->kind, event->scope, event->name), row,
		     offsetof(struct setting_row, by_key));
	table_write_begin(cache, version_of(cache));
	blob_drop(cache, TABLE_TEXT, setting->scope);
	blob_drop(cache, TABLE_TEXT, setting->name);
	blob_drop(cache, TABLE_TEXT, setting->value);
	table_set(cache, setting->kind, 0);
	table_write_end(version_of(cache));
	table_give(cache, TABLE_SETTING, row);
}

int scoped_apply(struct cache *cache, const struct event_setting *event, struct err *err)
{
	const uint32_t row = scoped_find(cache, event->kind, event->scope, event->name);

	if (!event->present) {
		if (row != 0)
			take_away(cache, row, event);
		return 0;
	}
	return row == 0 ? add(cache, event, err) : change(cache, row, event->value, err);
}

int scoped_apply_grant(struct cache *cache, const struct event_grant *event, struct err *err)
{
	const uint32_t row = find_principal(cache, event->principal);
	struct principal_row *principal;
	struct blob new;

	if (row == 0)
		return err_set(err, "no such user");
	if (table_free_rows(cache, TABLE_TEXT) < blob_blocks(TABLE_TEXT, event->policy.length))
		return err_full(err, "text");
	principal = table_row(cache, TABLE_PRINCIPAL, row);
	table_write_begin(cache, &principal->version);
	blob_drop(cache, TABLE_TEXT, principal->policy);
	new = blob_put(cache, TABLE_TEXT, event->policy);
	table_set(cache, principal->policy, new);
	table_write_end(&principal->version);
	return 0;
}

/* --- Who may use the server. --- */

/* Whether the policy of a scope is there; *may_r what it says. */
static bool policy(const struct cache *cache, const char *prefix, struct text name, bool *may_r)
{
	static const struct text enabled = {"enabled", 7}, yes = {"yes", 3};
	char scope[EVENT_SCOPE_MAX];
	const int length =
		snprintf(scope, sizeof(scope), "%s%.*s", prefix, (int)name.length, name.data);
	const struct setting_row *setting;
	uint32_t row;

	if (length < 0 || length >= (int)sizeof(scope))
		return false;
	row = scoped_find(cache, SCOPED_POLICY, (struct text){scope, (uint32_t)length}, enabled);
	if (row == 0)
		return false;
	setting = table_row(cache, TABLE_SETTING, row);
	*may_r = blob_equals(cache, TABLE_TEXT, setting->value, yes);
	return true;
}

bool scoped_may_use(const struct cache *cache, const struct conf *conf, uint32_t principal)
{
	const struct principal_row *p = table_row(cache, TABLE_PRINCIPAL, principal);
	const char *site = conf->site ? conf->site : "";
	static const struct text none = {"", 0};
	char granted[EVENT_POLICY_MAX];
	bool may = true;

	if (p->policy.length > 0 && p->policy.length <= sizeof(granted)) {
		blob_copy(cache, TABLE_TEXT, p->policy, granted, sizeof(granted));
		if (policy(cache, "tag:", (struct text){granted, p->policy.length}, &may))
			return may;
	}
	if (policy(cache, "pool:", scoped_pool(conf), &may))
		return may;
	if (*site && policy(cache, "site:", (struct text){site, (uint32_t)strlen(site)}, &may))
		return may;
	policy(cache, "global", none, &may);
	return may;
}

/* --- What has a number. --- */

static bool config(const struct cache *cache, const char *prefix, struct text name,
		   const char *setting, uint64_t *number_r)
{
	char scope[EVENT_SCOPE_MAX], value[32];
	const int length =
		snprintf(scope, sizeof(scope), "%s%.*s", prefix, (int)name.length, name.data);
	const struct setting_row *found;
	uint32_t row;

	if (length < 0 || length >= (int)sizeof(scope))
		return false;
	row = scoped_find(cache, SCOPED_CONFIG, (struct text){scope, (uint32_t)length},
			  (struct text){setting, (uint32_t)strlen(setting)});
	if (row == 0)
		return false;
	found = table_row(cache, TABLE_SETTING, row);
	if (found->value.length > sizeof(value))
		return false;
	blob_copy(cache, TABLE_TEXT, found->value, value, sizeof(value));
	*number_r = scoped_number((struct text){value, found->value.length});
	return true;
}

bool scoped_config(const struct cache *cache, const struct conf *conf, const char *name,
		   uint64_t *number_r)
{
	const char *site = conf->site ? conf->site : "";
	static const struct text none = {"", 0};

	return config(cache, "pool:", scoped_pool(conf), name, number_r) ||
	       (*site && config(cache, "site:", (struct text){site, (uint32_t)strlen(site)}, name,
				number_r)) ||
	       config(cache, "global", none, name, number_r);
}
