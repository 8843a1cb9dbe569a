#include <string.h>

#include "shm/user_uri.h"
#include "worker/object_find.h"
#include "worker/object_send.h"

/* What local administrators change: users. What else they do stands in object_*.c. */

/* user.add: the password goes to pchat-auth first, which checks it; then the user is made. What is
 * left if the second step fails is a secret of a user who is not there. */
struct user_add {
	struct request base;
	bool sent;	    /* the command */
	uint32_t principal; /* 0: a new one; else one that had been removed */
	uint32_t uri_length, name_length;
	char uri[USER_URI_SIZE], name[EVENT_NAME_MAX];
};

static void user_add_made(struct user_add *add, const struct record *record)
{
	struct session *session = add->base.base.session;
	struct event_principal made;

	if (event_principal_get(record, &made))
		session->front->account_added(session, &add->base.id, made.uri, made.id);
	request_end(&add->base);
}

static bool is_active(const struct record *record)
{
	struct event_principal principal;

	return event_principal_get(record, &principal) && principal.state == PRINCIPAL_ACTIVE;
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

	/* That the password of one who had been removed is another now is an event, too, before
	 * pchat-auth's answer to it or behind it. */
	if (outcome->kind == OUTCOME_EVENT) {
		if (add->sent && is_active(outcome->record))
			user_add_made(add, outcome->record);
		return;
	}
	if (code == CODE_OK && !add->sent) {
		pending_until(&session->chat->pending, pending, 0);
		add->sent = true;
		code = object_send_principal(session, pending->tag, FIELD_NAME | FIELD_STATE,
					     &principal);
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
	    !object_text_valid(name, 1)) {
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

void chat_user_password(struct session *session, const struct chat_id *id, struct text user,
			struct text password)
{
	struct request *request = request_begin(session, id, sizeof(*request), object_done);
	struct principal_view known;
	int code;

	if (request == NULL)
		return;
	code = object_find_user(session->chat, user, &known);
	if (code == CODE_OK)
		code = ask_password(&request->base, known.uri, known.uri_length, password);
	if (code != CODE_OK)
		request_refuse(request, code);
}
