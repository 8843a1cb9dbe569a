#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistr.h>

#include "shm/user_uri.h"
#include "worker/core.h"

/* What local administrators change: users and rooms. */

/* --- Names. --- */

static bool name_valid(struct text name, size_t least)
{
	size_t length = u8_mbsnlen((const uint8_t *)name.data, name.length);

	return length >= least && length <= CHAT_NAME_MAX && name.length <= EVENT_NAME_MAX &&
	       memchr(name.data, '\0', name.length) == NULL;
}

static int find_user(const struct chat *chat, struct text user, struct principal_view *view_r)
{
	char uri[USER_URI_SIZE];
	int code;

	if (!user_uri_make(user.data, user.length, chat->conf->domain, uri))
		return CODE_INVALID_ARGUMENT;
	code = cache_principal_by_uri(chat->cache, uri, strlen(uri), view_r);
	return code == CODE_OK && view_r->state == PRINCIPAL_DELETED ? CODE_NO_SUCH_PRINCIPAL
								     : code;
}

/* --- Users. --- */

/* user.add: the password goes to pchat-auth first, which checks it; then the user is made. What is
 * left if the second step fails is a secret of a user who is not there. */
struct user_add {
	struct request base;
	bool sent;	    /* the command */
	uint32_t principal; /* 0: a new one; else one that had been removed */
	uint32_t uri_length, name_length;
	char uri[USER_URI_SIZE], name[EVENT_NAME_MAX];
};

/* An object behind the head that says what of it changes; CODE_INVALID_ARGUMENT where it has no
 * size, because it cannot be put into a payload. */
static int send_change(struct session *session, uint32_t tag, enum command_type type,
		       uint32_t fields, uint8_t *payload, uint32_t size)
{
	const struct command head = {.type = (uint16_t)type};
	const struct command_change change = {.fields = fields};

	if (size == 0)
		return CODE_INVALID_ARGUMENT;
	memcpy(payload, &change, sizeof(change));
	return chat_command(session->chat, &head, session->number, tag, payload,
			    (uint32_t)sizeof(change) + size);
}

static int send_principal(struct session *session, uint32_t tag,
			  const struct event_principal *principal)
{
	enum { CHANGE = sizeof(struct command_change) };
	uint8_t payload[CHANGE + EVENT_URI_MAX + EVENT_NAME_MAX + 128];
	uint32_t size = event_principal_put(principal, payload + CHANGE, sizeof(payload) - CHANGE);

	return send_change(session, tag, COMMAND_PRINCIPAL, FIELD_NAME | FIELD_STATE, payload, size);
}

static void user_add_made(struct user_add *add, const struct record *record)
{
	struct session *session = add->base.base.session;
	struct event_principal made;

	if (event_principal_get(record, &made))
		session->front->account_added(session, &add->base.id, made.uri, made.id);
	request_end(&add->base);
}

static void user_add_settle(struct pending *pending, const struct outcome *outcome)
{
	struct user_add *add = (struct user_add *)pending;
	struct session *session = pending->session;
	struct event_principal principal = {
		.id = add->principal,
		.kind = PRINCIPAL_USER,
		.state = PRINCIPAL_ACTIVE,
		.uri = {add->uri, add->uri_length},
		.name = {add->name, add->name_length},
	};
	int code = outcome_code(outcome);

	if (code == CODE_OK && outcome->kind == OUTCOME_EVENT) {
		user_add_made(add, outcome->record);
		return;
	}
	if (code == CODE_OK && !add->sent) {
		pending_until(&session->chat->pending, pending, 0);
		add->sent = true;
		code = send_principal(session, pending->tag, &principal);
	}
	if (code != CODE_OK)
		request_refuse(&add->base, code);
}

static int ask_password(struct pending *pending, const char *uri, uint32_t length,
			struct text password)
{
	struct chat *chat = pending->session->chat;
	const struct text parts[] = {{uri, length}, {"", 1}, password};

	pending_until(&chat->pending, pending, chat_answer_limit(chat));
	return chat_ask(chat, chat->auth, ASK_AUTH_PASSWORD, pending, parts, 3, -1);
}

void chat_user_add(struct session *session, const struct chat_id *id, struct text user,
		   struct text name, struct text password)
{
	struct principal_view known;
	struct user_add *add;
	int code;

	add = (struct user_add *)request_begin(session, id, sizeof(*add), user_add_settle);
	if (add == NULL)
		return;
	if (!user_uri_make(user.data, user.length, session->chat->conf->domain, add->uri) ||
	    !name_valid(name, 1)) {
		request_refuse(&add->base, CODE_INVALID_ARGUMENT);
		return;
	}
	add->uri_length = (uint32_t)strlen(add->uri);
	add->name_length = name.length;
	memcpy(add->name, name.data, name.length);
	/* The sequencer decides, but by then a user who is there would have a new password. */
	code = cache_principal_by_uri(session->chat->cache, add->uri, add->uri_length, &known);
	if (code == CODE_OK && known.state == PRINCIPAL_DELETED)
		add->principal = known.id;
	else if (code == CODE_OK)
		code = CODE_PRINCIPALS_ALREADY_DEFINED;
	if (code == CODE_OK || code == CODE_NO_SUCH_PRINCIPAL)
		code = ask_password(&add->base.base, add->uri, add->uri_length, password);
	if (code != CODE_OK)
		request_refuse(&add->base, code);
}

/* Answers "done" to whatever success comes first. */
static void done_settle(struct pending *pending, const struct outcome *outcome)
{
	struct request *request = (struct request *)pending;
	int code = outcome_code(outcome);

	if (code != CODE_OK) {
		request_refuse(request, code);
		return;
	}
	pending->session->front->done(pending->session, &request->id);
	request_end(request);
}

void chat_user_password(struct session *session, const struct chat_id *id, struct text user,
			struct text password)
{
	struct request *request = request_begin(session, id, sizeof(*request), done_settle);
	struct principal_view known;
	int code;

	if (request == NULL)
		return;
	code = find_user(session->chat, user, &known);
	if (code == CODE_OK)
		code = ask_password(&request->base, known.uri, known.uri_length, password);
	if (code != CODE_OK)
		request_refuse(request, code);
}

void chat_user_remove(struct session *session, const struct chat_id *id, struct text user)
{
	struct request *request = request_begin(session, id, sizeof(*request), done_settle);
	struct event_principal principal = {.kind = PRINCIPAL_USER, .state = PRINCIPAL_DELETED};
	struct principal_view known;
	int code;

	if (request == NULL)
		return;
	code = find_user(session->chat, user, &known);
	if (code == CODE_OK) {
		principal.id = known.id;
		principal.uri = (struct text){known.uri, known.uri_length};
		principal.name = (struct text){known.name, known.name_length};
		code = send_principal(session, request->base.tag, &principal);
	}
	if (code != CODE_OK)
		request_refuse(request, code);
}

/* --- Rooms. --- */

struct room_add {
	struct request base;
	uint8_t uuid[16];
};

static void room_add_settle(struct pending *pending, const struct outcome *outcome)
{
	struct room_add *add = (struct room_add *)pending;
	int code = outcome_code(outcome);

	if (code != CODE_OK) {
		request_refuse(&add->base, code);
		return;
	}
	pending->session->front->room_added(pending->session, &add->base.id, add->uuid);
	request_end(&add->base);
}

/* A random one: version 4, RFC 4122 section 4.4. */
static bool make_uuid(uint8_t uuid[16])
{
	if (getrandom(uuid, 16, 0) != 16)
		return false;
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
	return true;
}

static int send_room(struct room_add *add, const struct event_room *room)
{
	enum { CHANGE = sizeof(struct command_change) };
	uint8_t payload[CHANGE + EVENT_NAME_MAX + EVENT_DESCRIPTION_MAX + 128];
	uint32_t size = event_room_put(room, payload + CHANGE, sizeof(payload) - CHANGE);

	return send_change(add->base.base.session, add->base.base.tag, COMMAND_ROOM, 0, payload,
			   size);
}

void chat_room_add(struct session *session, const struct chat_id *id, struct text name,
		   struct text description)
{
	struct event_room room = {.category = CATEGORY_FIRST,
				  .privacy = PRIVACY_OPEN,
				  .behavior = BEHAVIOR_NORMAL,
				  .invitations = 1,
				  .name = name,
				  .description = description};
	struct room_add *add;
	int code = CODE_INVALID_ARGUMENT;

	add = (struct room_add *)request_begin(session, id, sizeof(*add), room_add_settle);
	if (add == NULL)
		return;
	if (name_valid(name, 1) && name_valid(description, 0))
		code = make_uuid(add->uuid) ? CODE_OK : CODE_SERVER_ERROR;
	memcpy(room.uuid, add->uuid, sizeof(room.uuid));
	if (code == CODE_OK)
		code = send_room(add, &room);
	if (code != CODE_OK)
		request_refuse(&add->base, code);
}
