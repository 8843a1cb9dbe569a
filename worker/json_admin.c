#include "worker/json_edit.h"
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

static int user_get(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct text user;
	int code = json_get_text(params, "uri", true, &user);

	if (code == CODE_OK)
		object_principal_get(&peer->session, id, user, false);
	return code;
}

static int user_update(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct text user, name;
	int code = json_get_text(params, "uri", true, &user);

	if (code == CODE_OK)
		code = json_get_text(params, "name", true, &name);
	if (code == CODE_OK)
		object_principal_name(&peer->session, id, user, false, name);
	return code;
}

static int user_list(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct text text = {"", 0};
	uint32_t limit, offset;
	int code = json_get_page(params, &limit, &offset);

	if (code == CODE_OK)
		code = json_get_text(params, "text", false, &text);
	if (code == CODE_OK)
		chat_users(&peer->session, id, text, limit, offset);
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
	{"user.get", JSON_LOCAL, user_get},
	{"user.list", JSON_LOCAL, user_list},
	{"user.passwd", JSON_LOCAL, user_passwd},
	{"user.remove", JSON_LOCAL, user_remove},
	{"user.update", JSON_LOCAL, user_update},
	{NULL, JSON_ANYBODY, NULL},
};
