#include "daemon/ctl_export.h"

#include <string.h>

#include "conf/hex.h"
#include "shm/scoped.h"

/* Settings by scope, and who was granted which policy, as lines of an archive. */

static const char *const words[] = {
	[SCOPED_CONFIG] = "config",	[SCOPED_POLICY] = "policy",
	[SCOPED_ENDPOINT] = "endpoint", [SCOPED_POOL] = "pool",
	[SCOPED_TOPOLOGY] = "topology", [SCOPED_RETENTION] = "retention",
};

static void put_text(struct export *e, const char *name, struct db_bytes text)
{
	export_name(e, name);
	fragment_string(&e->line, text.data, text.length);
}

enum db_result export_setting_page(struct export *e)
{
	const struct export_setting *at = &e->above.setting;
	const struct content_setting above = {
		.kind = at->kind,
		.scope = {at->scope, at->scope_length},
		.name = {at->name, at->name_length},
	};

	return content_settings(e->db, &above, &e->err);
}

/* The page ends, so that what was read last must be kept. */
static bool keep(struct export *e, const struct content_setting *row)
{
	struct export_setting *at = &e->above.setting;

	if (row->kind == 0 || row->kind >= sizeof(words) / sizeof(words[0]) ||
	    row->scope.length > sizeof(at->scope) || row->name.length > sizeof(at->name)) {
		err_set(&e->err, "could not understand a row of pc_setting");
		return false;
	}
	at->kind = row->kind;
	at->scope_length = row->scope.length;
	memcpy(at->scope, row->scope.data, row->scope.length);
	at->name_length = row->name.length;
	memcpy(at->name, row->name.data, row->name.length);
	return true;
}

/* A category stands there by its uuid; one of another domain is none of this server's. */
static bool is_wanted(const struct export *e, const struct content_setting *row, bool of_category,
		      const uint8_t uuid[16])
{
	char scope[EVENT_SCOPE_MAX];
	struct text own;

	if (!of_category)
		return e->category == 0;
	own = scoped_category(e->ctl->conf, uuid, scope);
	return own.length == row->scope.length &&
	       memcmp(own.data, row->scope.data, own.length) == 0 &&
	       (e->category == 0 || memcmp(uuid, e->category_uuid, sizeof(e->category_uuid)) == 0);
}

enum db_result export_setting_next(struct export *e)
{
	struct content_setting row;
	uint8_t uuid[16] = {0};
	char text[HEX_UUID];
	bool of_category;
	const enum db_result result = content_settings_next(e->db, &row, &e->err);

	if (result != DB_OK)
		return result;
	if (!keep(e, &row))
		return DB_FATAL;
	of_category = row.kind == SCOPED_RETENTION &&
		      scoped_category_parse(
			      (struct text){row.scope.data, (uint32_t)row.scope.length}, uuid);
	if (!is_wanted(e, &row, of_category, uuid))
		return DB_OK;
	hex_uuid_encode(uuid, text);
	export_begin(e, archive_kind_name(KIND_SETTING));
	fragment_string(&e->line, words[row.kind], strlen(words[row.kind]));
	if (of_category)
		put_text(e, "category", (struct db_bytes){text, HEX_UUID - 1});
	else
		put_text(e, "scope", row.scope);
	put_text(e, "name", row.name);
	put_text(e, "value", row.value);
	export_end(e, KIND_SETTING);
	return DB_OK;
}

enum db_result export_grant_page(struct export *e)
{
	return content_export_grants(e->db, e->above.id, &e->err);
}

enum db_result export_grant_next(struct export *e)
{
	struct content_grant row;
	struct content_names names;
	const enum db_result result = content_export_grants_next(e->db, &row, &names, &e->err);

	if (result != DB_OK)
		return result;
	e->above.id = row.principal;
	if (e->category != 0 || names.principal.length == 0)
		return DB_OK;
	export_begin(e, archive_kind_name(KIND_GRANT));
	fragment_string(&e->line, names.principal.data, names.principal.length);
	put_text(e, "policy", row.policy);
	export_end(e, KIND_GRANT);
	return DB_OK;
}
