#include <stdlib.h>
#include <string.h>

#include "worker/object_find.h"
#include "worker/object_send.h"

/* Groups and their members; users and groups disabled and removed. */

/* --- States. --- */

static int find(const struct chat *chat, struct text uri, bool group, struct principal_view *view_r)
{
	struct principal_view view;
	char user[USER_URI_SIZE];
	int code;

	if (group)
		return object_find_group(chat, uri, view_r);
	if (!user_uri_make(uri.data, uri.length, chat->conf->domain, user))
		return CODE_INVALID_ARGUMENT;
	code = cache_principal_by_uri(chat->cache, user, strlen(user), &view);
	if (code == CODE_OK)
		*view_r = view;
	return code == CODE_OK && view.state == PRINCIPAL_DELETED ? CODE_NO_SUCH_PRINCIPAL : code;
}

void object_principal_state(struct session *session, const struct chat_id *id, struct text uri,
			    bool group, enum principal_state state)
{
	struct request *request = request_begin(session, id, sizeof(*request), object_done);
	struct event_principal principal = {.state = (uint16_t)state};
	struct principal_view known;
	int code;

	if (request == NULL)
		return;
	code = find(session->chat, uri, group, &known);
	if (code == CODE_OK) {
		principal.id = known.id;
		principal.kind = known.kind;
		principal.uri = (struct text){known.uri, known.uri_length};
		code = object_send_principal(session, request->base.tag, FIELD_STATE, &principal);
	}
	if (code != CODE_OK)
		request_refuse(request, code);
}

/* --- New ones. --- */

static void added(struct pending *pending, const struct outcome *outcome)
{
	struct request *request = (struct request *)pending;
	struct session *session = pending->session;
	struct event_principal made = {0};
	int code = outcome_code(outcome);

	if (code == CODE_OK &&
	    (outcome->kind != OUTCOME_EVENT || !event_principal_get(outcome->record, &made)))
		code = CODE_SERVER_ERROR;
	if (code != CODE_OK) {
		request_refuse(request, code);
		return;
	}
	session->front->account_added(session, &request->id, made.uri, made.id);
	request_end(request);
}

/* One that was removed comes back, if it is of the same kind. */
static int add(struct request *request, const char *uri, struct event_principal *principal)
{
	struct session *session = request->base.session;
	struct principal_view known;
	int code;

	principal->uri = (struct text){uri, (uint32_t)strlen(uri)};
	code = cache_principal_by_uri(session->chat->cache, uri, principal->uri.length, &known);
	if (code == CODE_OK && (known.state != PRINCIPAL_DELETED || known.kind != principal->kind))
		return CODE_PRINCIPALS_ALREADY_DEFINED;
	if (code == CODE_OK)
		principal->id = known.id;
	if (code != CODE_OK && code != CODE_NO_SUCH_PRINCIPAL)
		return code;
	return object_send_principal(session, request->base.tag, FIELD_NAME | FIELD_STATE,
				     principal);
}

void object_group_add(struct session *session, const struct chat_id *id, struct text uri,
		      struct text name, enum principal_kind kind)
{
	struct request *request = request_begin(session, id, sizeof(*request), added);
	struct event_principal principal = {.kind = (uint16_t)kind, .name = name};
	int code = CODE_INVALID_ARGUMENT;
	char known[USER_URI_SIZE];

	if (request == NULL)
		return;
	if (object_group_uri(uri, known) && object_text_valid(name, 1))
		code = add(request, known, &principal);
	if (code != CODE_OK)
		request_refuse(request, code);
}

/* --- Members. --- */

/* The sequencer takes one change of a membership at a time; the next is sent when the one before
 * is durable. If one is refused those before it stay. */
struct membership_change {
	uint32_t member;
	bool present;
};

struct members {
	struct request base;
	uint32_t group, count, done;
	uint16_t tries;
	struct membership_change *list; /* owned */
};

static void members_free(struct pending *pending)
{
	struct members *members = (struct members *)pending;

	session_request_ended(pending->session);
	free(members->list);
	free(members);
}

static int send_change(struct members *members)
{
	const struct membership_change *change = &members->list[members->done];
	const struct event_affiliation event = {change->member, members->group, change->present};
	static const struct command_change whole;
	uint8_t payload[OBJECT_PAYLOAD];
	uint32_t size =
		event_affiliation_put(&event, payload + OBJECT_HEAD, sizeof(payload) - OBJECT_HEAD);

	return object_send(members->base.base.session, members->base.base.tag, COMMAND_AFFILIATION,
			   &whole, payload, size);
}

static void send_next(struct members *members)
{
	struct pending *pending = &members->base.base;
	int code;

	if (members->done == members->count) {
		pending->session->front->done(pending->session, &members->base.id);
		request_end(&members->base);
		return;
	}
	code = send_change(members);
	if (code == CODE_BUSY && pending_try_again(pending, &members->tries))
		return;
	if (code != CODE_OK)
		request_refuse(&members->base, code);
}

static void members_settle(struct pending *pending, const struct outcome *outcome)
{
	struct members *members = (struct members *)pending;
	int code = outcome_code(outcome);

	if (outcome->kind != OUTCOME_TIME) {
		if (code != CODE_OK) {
			request_refuse(&members->base, code);
			return;
		}
		members->done++;
		members->tries = 0;
	}
	send_next(members);
}

static bool in_list(const struct members *members, uint32_t from, uint32_t member)
{
	for (uint32_t i = from; i < members->count; i++)
		if (members->list[i].member == member)
			return true;
	return false;
}

/* Those who are members now and are not in the list. */
static int add_leaving(struct members *members, uint32_t *now, uint32_t count)
{
	const struct chat *chat = members->base.base.session->chat;
	uint32_t edits = members->count, found = 0;
	int code = cache_members(chat->cache, members->group, now, count, &found);

	if (code == CODE_OK && found > count)
		return CODE_BUSY; /* others came meanwhile */
	for (uint32_t i = 0; code == CODE_OK && i < found; i++) {
		bool stays = false;

		for (uint32_t k = 0; k < edits && !stays; k++)
			stays = members->list[k].member == now[i];
		if (!stays)
			members->list[members->count++] = (struct membership_change){now[i], false};
	}
	return code;
}

static int replace_members(struct members *members)
{
	const struct chat *chat = members->base.base.session->chat;
	struct membership_change *longer;
	uint32_t count = 0, *now;
	int code = cache_members(chat->cache, members->group, NULL, 0, &count);

	if (code != CODE_OK || count == 0)
		return code;
	longer = reallocarray(members->list, members->count + count, sizeof(*longer));
	if (longer == NULL)
		return CODE_BUSY;
	members->list = longer;
	now = calloc(count, sizeof(*now));
	code = now == NULL ? CODE_BUSY : add_leaving(members, now, count);
	free(now);
	return code;
}

static int resolve(struct members *members, struct text uri, const struct object_edits *edits)
{
	const struct chat *chat = members->base.base.session->chat;
	struct principal_view group;
	int code = object_find_group(chat, uri, &group);

	if (code != CODE_OK)
		return code;
	members->group = group.id;
	members->list = calloc(edits->count + 1, sizeof(*members->list));
	if (members->list == NULL)
		return CODE_BUSY;
	for (unsigned i = 0; i < edits->count; i++) {
		uint32_t member = 0;

		code = object_find_principal(chat, edits->list[i].principal, &member);
		if (code == CODE_OK && (member == PRINCIPAL_ANY_USER || member == group.id))
			code = CODE_INVALID_ARGUMENT;
		if (code != CODE_OK)
			return code;
		if (!in_list(members, 0, member))
			members->list[members->count++] =
				(struct membership_change){member, edits->list[i].present};
	}
	return edits->replace ? replace_members(members) : CODE_OK;
}

void object_group_edit(struct session *session, const struct chat_id *id, struct text uri,
		       const struct object_edits *edits)
{
	struct members *members;
	int code;

	members = (struct members *)request_begin(session, id, sizeof(*members), members_settle);
	if (members == NULL)
		return;
	members->base.base.free = members_free;
	code = resolve(members, uri, edits);
	if (code == CODE_OK)
		send_next(members);
	else
		request_refuse(&members->base, code);
}
