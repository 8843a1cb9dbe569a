#include "worker/json_peer.h"

/* What local administrators call. */

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

static int user_remove(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct text user;
	int code = json_get_text(params, "uri", true, &user);

	if (code == CODE_OK)
		chat_user_remove(&peer->session, id, user);
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

static int room_create(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct text name, description = {"", 0};
	int code = json_get_text(params, "name", true, &name);

	if (code == CODE_OK)
		code = json_get_text(params, "description", false, &description);
	if (code == CODE_OK)
		chat_room_add(&peer->session, id, name, description);
	return code;
}

const struct json_method json_admin_methods[] = {
	{"user.add", JSON_LOCAL, user_add},	  {"user.passwd", JSON_LOCAL, user_passwd},
	{"user.remove", JSON_LOCAL, user_remove}, {"user.list", JSON_LOCAL, user_list},
	{"room.create", JSON_LOCAL, room_create}, {NULL, JSON_ANYBODY, NULL},
};
