#include "worker/json_peer.h"
#include "worker/object.h"

/* What local administrators call: users. */

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

static int user_list(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	uint64_t limit = CHAT_SEARCH, offset = 0;
	int code = json_get_number(params, "limit", 1, CHAT_SEARCH_MAX, &limit);

	if (code == CODE_OK)
		code = json_get_number(params, "offset", 0, UINT32_MAX, &offset);
	if (code == CODE_OK)
		chat_users(&peer->session, id, (uint32_t)limit, (uint32_t)offset);
	return code;
}

static int set_state(struct json_peer *peer, const struct chat_id *id, const json_t *params,
		     enum principal_state state)
{
	struct text user;
	int code = json_get_text(params, "uri", true, &user);

	if (code == CODE_OK)
		object_principal_state(&peer->session, id, user, false, state);
	return code;
}

static int user_remove(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return set_state(peer, id, params, PRINCIPAL_DELETED);
}

static int user_disable(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return set_state(peer, id, params, PRINCIPAL_DISABLED);
}

static int user_enable(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return set_state(peer, id, params, PRINCIPAL_ACTIVE);
}

const struct json_method json_admin_methods[] = {
	{"user.add", JSON_LOCAL, user_add},
	{"user.disable", JSON_LOCAL, user_disable},
	{"user.enable", JSON_LOCAL, user_enable},
	{"user.list", JSON_LOCAL, user_list},
	{"user.passwd", JSON_LOCAL, user_passwd},
	{"user.remove", JSON_LOCAL, user_remove},
	{NULL, JSON_ANYBODY, NULL},
};
