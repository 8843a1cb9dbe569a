#include "worker/json_edit.h"

/* Categories and add-ins: administrators make them; others see which there are. */

struct flag {
	const char *name;
	enum category_flag flag;
	bool normal; /* of a new one */
};

static const struct flag flags[] = {
	{"invitations", CATEGORY_INVITATIONS, true},
	{"files", CATEGORY_FILES, false},
	{"history", CATEGORY_HISTORY, true},
	{"authors_remove", CATEGORY_AUTHORS_REMOVE, false},
	{"members_leave", CATEGORY_MEMBERS_LEAVE, false},
	{"requests", CATEGORY_REQUESTS, false},
};
enum { FLAGS = sizeof(flags) / sizeof(flags[0]) };

static int get_flags(const json_t *params, struct command_change *change,
		     struct event_category *category)
{
	int code = CODE_OK;

	for (unsigned i = 0; i < FLAGS && code == CODE_OK; i++) {
		bool set = flags[i].normal;

		code = json_get_bool(params, flags[i].name, &set);
		if (set)
			category->flags |= (uint32_t)flags[i].flag;
		if (json_has(params, flags[i].name)) {
			change->fields |= FIELD_FLAGS;
			change->mask |= (uint32_t)flags[i].flag;
		}
	}
	return code;
}

static int get_category(const json_t *params, struct command_change *change,
			struct event_category *category)
{
	int code = json_get_field(params, "name", FIELD_NAME, &category->name, &change->fields);

	if (code == CODE_OK)
		code = json_get_field(params, "description", FIELD_DESCRIPTION,
				      &category->description, &change->fields);
	if (code == CODE_OK)
		code = get_flags(params, change, category);
	if (code == CODE_OK)
		code = json_get_revision(params, &change->if_revision);
	return code;
}

static int category_create(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct event_category category = {.name = {"", 0}, .description = {"", 0}};
	struct command_change change = {0};
	int code = get_category(params, &change, &category);

	if (code == CODE_OK)
		object_category(&peer->session, id, NULL, &change, &category);
	return code;
}

static int category_update(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct event_category category = {.name = {"", 0}, .description = {"", 0}};
	struct command_change change = {0};
	struct object_key key;
	int code = json_get_category(peer, params, "category", &key);

	if (code == CODE_OK)
		code = get_category(params, &change, &category);
	if (code == CODE_OK)
		object_category(&peer->session, id, &key, &change, &category);
	return code;
}

static int category_delete(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct object_key key;
	int code = json_get_category(peer, params, "category", &key);

	if (code == CODE_OK)
		object_remove(&peer->session, id, NODE_CATEGORY, &key);
	return code;
}

static int category_get(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct object_key key;
	int code = json_get_category(peer, params, "category", &key);

	if (code == CODE_OK)
		object_get(&peer->session, id, NODE_CATEGORY, &key);
	return code;
}

static int category_roles(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct object_edits edits = {0};
	struct object_key key;
	int code = json_get_category(peer, params, "category", &key);

	if (code == CODE_OK)
		code = json_get_revision(params, &edits.if_revision);
	if (code == CODE_OK)
		code = json_get_edit(json_object_get(params, "allowed"), ROLE_ALLOWED, &edits);
	if (code == CODE_OK)
		code = json_get_edit(json_object_get(params, "denied"), ROLE_DENIED, &edits);
	if (code == CODE_OK)
		code = json_get_edit(json_object_get(params, "creators"), ROLE_CREATOR, &edits);
	if (code == CODE_OK)
		object_roles(&peer->session, id, NODE_CATEGORY, &key, &edits);
	return code;
}

static int list(struct json_peer *peer, const struct chat_id *id, const json_t *params,
		enum object_list kind)
{
	struct text text;
	uint32_t limit, offset;
	int code = json_get_listing(params, &text, &limit, &offset);

	if (code == CODE_OK)
		object_list(&peer->session, id, kind, text, limit, offset);
	return code;
}

static int category_list(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return list(peer, id, params, OBJECT_CATEGORIES);
}

/* --- Add-ins. --- */

static int get_addin(const json_t *params, bool required, struct command_change *change,
		     struct event_addin *addin)
{
	int code = json_get_field(params, "name", FIELD_NAME, &addin->name, &change->fields);

	if (code == CODE_OK)
		code = json_get_field(params, "url", FIELD_URL, &addin->url, &change->fields);
	if (code != CODE_OK)
		return code;
	if (!required && change->fields == 0)
		return CODE_INVALID_ARGUMENT;
	if ((required || json_has(params, "name")) && addin->name.length == 0)
		return CODE_INVALID_ARGUMENT;
	return (required || json_has(params, "url")) && addin->url.length == 0
		       ? CODE_INVALID_ARGUMENT
		       : CODE_OK;
}

static int addin_create(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	static const struct text none = {"", 0};
	struct event_addin addin = {.name = none, .url = none};
	struct command_change change = {0};
	int code = get_addin(params, true, &change, &addin);

	if (code == CODE_OK)
		object_addin(&peer->session, id, none, &change, &addin);
	return code;
}

static int get_addin_name(const json_t *params, struct text *name_r)
{
	int code = json_get_text(params, "addin", true, name_r);

	return code == CODE_OK && name_r->length == 0 ? CODE_INVALID_ARGUMENT : code;
}

static int addin_update(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct event_addin addin = {.name = {"", 0}, .url = {"", 0}};
	struct command_change change = {0};
	struct text name;
	int code = get_addin_name(params, &name);

	if (code == CODE_OK)
		code = get_addin(params, false, &change, &addin);
	if (code == CODE_OK)
		object_addin(&peer->session, id, name, &change, &addin);
	return code;
}

static int addin_delete(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct object_key key = {.by_name = true};
	int code = get_addin_name(params, &key.name);

	if (code == CODE_OK)
		object_remove(&peer->session, id, NODE_ADDIN, &key);
	return code;
}

static int addin_get(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct text name;
	int code = get_addin_name(params, &name);

	if (code == CODE_OK)
		object_addin_get(&peer->session, id, name);
	return code;
}

static int addin_list(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return list(peer, id, params, OBJECT_ADDINS);
}

/* Who is in its scope. */
static int category_eligible(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct text text;
	struct object_key key;
	uint32_t limit, offset;
	int code = json_get_category(peer, params, "category", &key);

	if (code == CODE_OK)
		code = json_get_listing(params, &text, &limit, &offset);
	if (code == CODE_OK)
		object_eligible(&peer->session, id, NODE_CATEGORY, &key, false, text, limit, offset);
	return code;
}

const struct json_method json_category_methods[] = {
	{"category.eligible", JSON_LOCAL, category_eligible},
	{"addin.create", JSON_SIGNED_IN, addin_create},
	{"addin.delete", JSON_SIGNED_IN, addin_delete},
	{"addin.get", JSON_SIGNED_IN, addin_get},
	{"addin.list", JSON_SIGNED_IN, addin_list},
	{"addin.update", JSON_SIGNED_IN, addin_update},
	{"category.create", JSON_SIGNED_IN, category_create},
	{"category.delete", JSON_SIGNED_IN, category_delete},
	{"category.get", JSON_SIGNED_IN, category_get},
	{"category.list", JSON_SIGNED_IN, category_list},
	{"category.roles", JSON_SIGNED_IN, category_roles},
	{"category.update", JSON_SIGNED_IN, category_update},
	{NULL, JSON_ANYBODY, NULL},
};
