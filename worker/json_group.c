#include "worker/json_edit.h"

/* Groups, folders and domains: what local administrators call. */

static int group_add(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	static const char *const words[] = {"group", "folder", "domain"};
	static const enum principal_kind kinds[] = {PRINCIPAL_GROUP, PRINCIPAL_FOLDER,
						    PRINCIPAL_DOMAIN};
	struct text uri, name;
	unsigned kind = 0;
	int code = json_get_text(params, "uri", true, &uri);

	if (code == CODE_OK)
		code = json_get_text(params, "name", true, &name);
	if (code == CODE_OK)
		code = json_get_word(params, "kind", words, 3, &kind);
	if (code == CODE_OK)
		object_group_add(&peer->session, id, uri, name, kinds[kind]);
	return code;
}

static int set_state(struct json_peer *peer, const struct chat_id *id, const json_t *params,
		     enum principal_state state)
{
	struct text uri;
	int code = json_get_text(params, "uri", true, &uri);

	if (code == CODE_OK)
		object_principal_state(&peer->session, id, uri, true, state);
	return code;
}

static int group_remove(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return set_state(peer, id, params, PRINCIPAL_DELETED);
}

static int group_update(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct text uri, name;
	int code = json_get_text(params, "uri", true, &uri);

	if (code == CODE_OK)
		code = json_get_text(params, "name", true, &name);
	if (code == CODE_OK)
		object_principal_name(&peer->session, id, uri, true, name);
	return code;
}

static int group_get(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct text uri;
	int code = json_get_text(params, "uri", true, &uri);

	if (code == CODE_OK)
		object_principal_get(&peer->session, id, uri, true);
	return code;
}

static int group_list(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct text text = {"", 0};
	uint32_t limit, offset;
	int code = json_get_page(params, &limit, &offset);

	if (code == CODE_OK)
		code = json_get_text(params, "text", false, &text);
	if (code == CODE_OK)
		object_list(&peer->session, id, OBJECT_GROUPS, text, limit, offset);
	return code;
}

/* The edit stands in params itself. */
static int group_members(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	enum { MEMBERSHIP = 0 };
	struct object_edits edits = {0};
	struct text uri;
	int code = json_get_text(params, "uri", true, &uri);

	if (code == CODE_OK)
		code = json_get_edit(params, (enum role)MEMBERSHIP, &edits);
	if (code == CODE_OK)
		object_group_edit(&peer->session, id, uri, &edits);
	return code;
}

const struct json_method json_group_methods[] = {
	{"group.add", JSON_LOCAL, group_add},	    {"group.get", JSON_LOCAL, group_get},
	{"group.list", JSON_LOCAL, group_list},	    {"group.members", JSON_LOCAL, group_members},
	{"group.remove", JSON_LOCAL, group_remove}, {"group.update", JSON_LOCAL, group_update},
	{NULL, JSON_ANYBODY, NULL},
};
