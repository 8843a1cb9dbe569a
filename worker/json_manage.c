#include <string.h>

#include "worker/json_edit.h"

/* Rooms found, made and changed: by administrators, and by users who may. */

static const char *const privacy_words[] = {"closed", "open", "secret"};
static const uint8_t privacies[] = {PRIVACY_CLOSED, PRIVACY_OPEN, PRIVACY_SECRET};
static const char *const type_words[] = {"normal", "auditorium"};
static const uint8_t behaviors[] = {BEHAVIOR_NORMAL, BEHAVIOR_AUDITORIUM};

/* What room.create and room.update have in common. */
struct change {
	struct command_change change;
	struct event_room room;
	struct object_key category;
	struct text addin;
	bool has_category;
};

static void put_field(const json_t *params, const char *name, enum command_field field,
		      struct change *c)
{
	if (json_has(params, name))
		c->change.fields |= (uint32_t)field;
}

static int get_kind(const json_t *params, struct change *c)
{
	unsigned privacy = 0, type = 0;
	bool invitations = true, disabled = false;
	int code = json_get_word(params, "privacy", privacy_words, 3, &privacy);

	if (code == CODE_OK)
		code = json_get_word(params, "type", type_words, 2, &type);
	if (code == CODE_OK)
		code = json_get_bool(params, "invitations", &invitations);
	if (code == CODE_OK)
		code = json_get_bool(params, "disabled", &disabled);
	put_field(params, "privacy", FIELD_PRIVACY, c);
	put_field(params, "type", FIELD_BEHAVIOR, c);
	put_field(params, "invitations", FIELD_INVITATIONS, c);
	put_field(params, "disabled", FIELD_STATE, c);
	c->room.disabled = disabled;
	c->room.privacy = privacies[privacy];
	c->room.behavior = behaviors[type];
	c->room.invitations = invitations;
	return code;
}

static int get_change(const struct json_peer *peer, const json_t *params, struct change *c)
{
	uint32_t *fields = &c->change.fields;
	int code;

	*c = (struct change){.addin = {"", 0}};
	c->room.name = c->room.description = (struct text){"", 0};
	code = json_get_field(params, "name", FIELD_NAME, &c->room.name, fields);
	if (code == CODE_OK)
		code = json_get_field(params, "description", FIELD_DESCRIPTION,
				      &c->room.description, fields);
	if (code == CODE_OK)
		code = json_get_field(params, "addin", FIELD_ADDIN, &c->addin, fields);
	if (code == CODE_OK)
		code = get_kind(params, c);
	if (code == CODE_OK)
		code = json_get_revision(params, &c->change.if_revision);
	c->has_category = json_has(params, "category");
	put_field(params, "category", FIELD_CATEGORY, c);
	if (code == CODE_OK && c->has_category)
		code = json_get_category(peer, params, "category", &c->category);
	return code;
}

static int room_create(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct change c;
	int code = get_change(peer, params, &c);

	if (code == CODE_OK)
		object_room(&peer->session, id, NULL, &c.change, &c.room,
			    c.has_category ? &c.category : NULL, c.addin);
	return code;
}

static int room_update(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct object_key key;
	struct change c;
	int code = json_get_room_key(peer, params, &key);

	if (code == CODE_OK)
		code = get_change(peer, params, &c);
	if (code == CODE_OK)
		object_room(&peer->session, id, &key, &c.change, &c.room,
			    c.has_category ? &c.category : NULL, c.addin);
	return code;
}

static int set_state(struct json_peer *peer, const struct chat_id *id, const json_t *params,
		     bool disabled)
{
	static const struct text none = {"", 0};
	struct object_key key;
	struct change c;
	int code = json_get_room_key(peer, params, &key);

	/* Of the rest only what every room has counts. */
	c = (struct change){.change.fields = FIELD_STATE,
			    .room = {.disabled = disabled,
				     .privacy = PRIVACY_CLOSED,
				     .behavior = BEHAVIOR_NORMAL,
				     .name = none,
				     .description = none}};
	if (code == CODE_OK)
		code = json_get_revision(params, &c.change.if_revision);
	if (code == CODE_OK)
		object_room(&peer->session, id, &key, &c.change, &c.room, NULL, none);
	return code;
}

static int room_disable(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return set_state(peer, id, params, true);
}

static int room_enable(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return set_state(peer, id, params, false);
}

static int room_delete(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct object_key key;
	int code = json_get_room_key(peer, params, &key);

	if (code == CODE_OK)
		object_remove(&peer->session, id, NODE_ROOM, &key);
	return code;
}

static int room_get(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct object_key key;
	int code = json_get_room_key(peer, params, &key);

	if (code == CODE_OK)
		object_get(&peer->session, id, NODE_ROOM, &key);
	return code;
}

static int room_roles(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct object_edits edits = {0};
	struct object_key key;
	int code = json_get_room_key(peer, params, &key);

	if (code == CODE_OK)
		code = json_get_revision(params, &edits.if_revision);
	if (code == CODE_OK)
		code = json_get_edit(json_object_get(params, "members"), ROLE_MEMBER, &edits);
	if (code == CODE_OK)
		code = json_get_edit(json_object_get(params, "managers"), ROLE_MANAGER, &edits);
	if (code == CODE_OK)
		code = json_get_edit(json_object_get(params, "presenters"), ROLE_PRESENTER, &edits);
	if (code == CODE_OK)
		object_roles(&peer->session, id, NODE_ROOM, &key, &edits);
	return code;
}

/* --- Finding. --- */

static int room_mine(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	static const char *const words[] = {"member", "manager", "either"};
	static const uint8_t roles[] = {1 << ROLE_MEMBER, 1 << ROLE_MANAGER,
					1 << ROLE_MEMBER | 1 << ROLE_MANAGER};
	struct chat_search search = {.text = {"", 0}};
	unsigned as = 2;
	int code = json_get_word(params, "as", words, 2, &as);

	if (code == CODE_OK)
		code = json_get_page(params, &search.limit, &search.offset);
	search.own = roles[as];
	if (code == CODE_OK)
		chat_rooms(&peer->session, id, &search);
	return code;
}

/* Filters that are a text or a word. */
static int get_filters(const json_t *params, struct chat_search *search)
{
	unsigned privacy = 3, type = 2;
	bool invites = false;
	int code = json_get_text(params, "text", false, &search->text);

	if (code == CODE_OK)
		code = json_get_text(params, "member", false, &search->member);
	if (code == CODE_OK)
		code = json_get_text(params, "manager", false, &search->manager);
	if (code == CODE_OK)
		code = json_get_text(params, "addin", false, &search->addin);
	if (code == CODE_OK)
		code = json_get_word(params, "privacy", privacy_words, 3, &privacy);
	if (code == CODE_OK)
		code = json_get_word(params, "type", type_words, 2, &type);
	if (code == CODE_OK)
		code = json_get_bool(params, "invitations", &invites);
	if (json_has(params, "invitations"))
		search->invitations = invites ? 1 : 2;
	if (privacy < 3)
		search->privacy = privacies[privacy];
	if (type < 2)
		search->behavior = behaviors[type];
	return code;
}

/* Disabled rooms cannot be found but by administrators. */
static int get_state(const struct json_peer *peer, const json_t *params, struct chat_search *search)
{
	bool disabled = false;
	int code = json_get_bool(params, "disabled", &disabled);

	search->state = peer->local ? CHAT_EITHER : CHAT_ENABLED;
	if (code != CODE_OK || !json_has(params, "disabled"))
		return code;
	if (!peer->local && disabled)
		return CODE_ERROR_PERMISSION;
	search->state = disabled ? CHAT_DISABLED : CHAT_ENABLED;
	return CODE_OK;
}

/* What a reader has to count for it is for administrators only. */
static int get_size(const struct json_peer *peer, const json_t *params, struct chat_search *search)
{
	search->by_size = json_has(params, "content_exceeds");
	if (search->by_size && !peer->local)
		return CODE_ERROR_PERMISSION;
	return json_get_number(params, "content_exceeds", 0, INT64_MAX, &search->bytes);
}

static int room_search(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	static const struct text none = {"", 0};
	struct chat_search search = {.text = none, .member = none, .manager = none, .addin = none};
	struct object_key category;
	int code = json_get_page(params, &search.limit, &search.offset);

	if (code == CODE_OK)
		code = get_filters(params, &search);
	if (code == CODE_OK)
		code = get_state(peer, params, &search);
	if (code == CODE_OK)
		code = get_size(peer, params, &search);
	if (code == CODE_OK && json_has(params, "category")) {
		code = json_get_category(peer, params, "category", &category);
		search.category = &category;
	}
	if (code == CODE_OK)
		chat_rooms(&peer->session, id, &search);
	return code;
}

/* Who could be a member, or a presenter, of a room. */
static int room_eligible(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	static const char *const words[] = {"member", "presenter"};
	struct text text;
	struct object_key key;
	uint32_t limit, offset;
	unsigned as = 0;
	int code = json_get_room_key(peer, params, &key);

	if (code == CODE_OK)
		code = json_get_word(params, "as", words, 2, &as);
	if (code == CODE_OK)
		code = json_get_listing(params, &text, &limit, &offset);
	if (code == CODE_OK)
		object_eligible(&peer->session, id, NODE_ROOM, &key, as == 1, text, limit, offset);
	return code;
}

const struct json_method json_manage_methods[] = {
	{"room.create", JSON_SIGNED_IN, room_create},
	{"room.delete", JSON_SIGNED_IN, room_delete},
	{"room.disable", JSON_SIGNED_IN, room_disable},
	{"room.eligible", JSON_LOCAL, room_eligible},
	{"room.enable", JSON_SIGNED_IN, room_enable},
	{"room.get", JSON_SIGNED_IN, room_get},
	{"room.list", JSON_LOCAL, room_search},
	{"room.mine", JSON_USER, room_mine},
	{"room.roles", JSON_SIGNED_IN, room_roles},
	{"room.search", JSON_USER, room_search},
	{"room.update", JSON_SIGNED_IN, room_update},
	{NULL, JSON_ANYBODY, NULL},
};
