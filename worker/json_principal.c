#include "worker/json_edit.h"

/* Users, and groups, folders and domains: what administrators call. */

/* --- What both have: uri is of one of them. --- */

static int get(struct json_peer *peer, const struct chat_id *id, const json_t *params, bool group)
{
	struct text uri;
	int code = json_get_text(params, "uri", true, &uri);

	if (code == CODE_OK)
		object_principal_get(&peer->session, id, uri, group);
	return code;
}

static int update(struct json_peer *peer, const struct chat_id *id, const json_t *params,
		  bool group)
{
	struct text uri, name;
	int code = json_get_text(params, "uri", true, &uri);

	if (code == CODE_OK)
		code = json_get_text(params, "name", true, &name);
	if (code == CODE_OK)
		object_principal_name(&peer->session, id, uri, group, name);
	return code;
}

static int set_state(struct json_peer *peer, const struct chat_id *id, const json_t *params,
		     bool group, enum principal_state state)
{
	struct text uri;
	int code = json_get_text(params, "uri", true, &uri);

	if (code == CODE_OK)
		object_principal_state(&peer->session, id, uri, group, state);
	return code;
}

/* --- Users. --- */

static int user_add(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct text user, name, password;
	int code = json_get_text(params, "uri", true, &user);

	if (code == CODE_OK)
		code = json_get_text(params, "name", true, &name);
	if (code == CODE_OK)
		code = json_get_text(params, "password", true, &password);
	if (code == CODE_OK)
		chat_user_add(&peer->session, id, user, name, password);
	return code;
}

static int user_passwd(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct text user, password;
	int code = json_get_text(params, "uri", true, &user);

	if (code == CODE_OK)
		code = json_get_text(params, "password", true, &password);
	if (code == CODE_OK)
		chat_user_password(&peer->session, id, user, password);
	return code;
}

static int user_get(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return get(peer, id, params, false);
}

static int user_update(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return update(peer, id, params, false);
}

static int user_list(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct text text;
	uint32_t limit, offset;
	int code = json_get_listing(params, &text, &limit, &offset);

	if (code == CODE_OK)
		chat_users(&peer->session, id, text, limit, offset);
	return code;
}

static int user_remove(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return set_state(peer, id, params, false, PRINCIPAL_DELETED);
}

static int user_disable(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return set_state(peer, id, params, false, PRINCIPAL_DISABLED);
}

static int user_enable(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return set_state(peer, id, params, false, PRINCIPAL_ACTIVE);
}

/* --- Groups. --- */

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

static int group_get(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return get(peer, id, params, true);
}

static int group_update(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return update(peer, id, params, true);
}

static int group_remove(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return set_state(peer, id, params, true, PRINCIPAL_DELETED);
}

static int group_list(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct text text;
	uint32_t limit, offset;
	int code = json_get_listing(params, &text, &limit, &offset);

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

const struct json_method json_principal_methods[] = {
	{"user.add", JSON_LOCAL, user_add},
	{"user.disable", JSON_LOCAL, user_disable},
	{"user.enable", JSON_LOCAL, user_enable},
	{"user.get", JSON_LOCAL, user_get},
	{"user.list", JSON_LOCAL, user_list},
	{"user.passwd", JSON_LOCAL, user_passwd},
	{"user.remove", JSON_LOCAL, user_remove},
	{"user.update", JSON_LOCAL, user_update},
	{"group.add", JSON_LOCAL, group_add},
	{"group.get", JSON_LOCAL, group_get},
	{"group.list", JSON_LOCAL, group_list},
	{"group.members", JSON_LOCAL, group_members},
	{"group.remove", JSON_LOCAL, group_remove},
	{"group.update", JSON_LOCAL, group_update},
	{NULL, JSON_ANYBODY, NULL},
};
