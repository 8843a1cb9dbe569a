#include <stdlib.h>
#include <string.h>

#include "worker/object_find.h"
#include "worker/object_send.h"

/* Groups and their members; users and groups renamed, disabled and removed. */

/* --- Names and states. --- */

static void change(struct session *session, const struct chat_id *id, struct text uri, bool group,
		   uint32_t fields, struct event_principal *wanted)
{
	struct request *request = request_begin(session, id, sizeof(*request), object_done);
	struct principal_view known;
	int code;

	if (request == NULL)
		return;
	code = group ? object_find_group(session->chat, uri, &known)
		     : object_find_user(session->chat, uri, &known);
	if (code == CODE_OK) {
		wanted->id = known.id;
		wanted->kind = known.kind;
		wanted->uri = (struct text){known.uri, known.uri_length};
		code = object_send_principal(session, request->base.tag, fields, wanted);
	}
	if (code != CODE_OK)
		request_refuse(request, code);
}

void object_principal_state(struct session *session, const struct chat_id *id, struct text uri,
			    bool group, enum principal_state state)
{
	struct event_principal wanted = {.state = (uint16_t)state};

	change(session, id, uri, group, FIELD_STATE, &wanted);
}

void object_principal_name(struct session *session, const struct chat_id *id, struct text uri,
			   bool group, struct text name)
{
	struct event_principal wanted = {.name = name};

	if (object_text_valid(name, 1))
		change(session, id, uri, group, FIELD_NAME, &wanted);
	else
		session_refuse(session, id, CODE_INVALID_ARGUMENT);
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

static int resolve(const struct chat *chat, const struct object_edits *edits,
		   struct command_member *list)
{
	for (unsigned i = 0; i < edits->count; i++) {
		const int code =
			object_find_principal(chat, edits->list[i].principal, &list[i].member);

		if (code != CODE_OK)
			return code;
		if (list[i].member == PRINCIPAL_ANY_USER)
			return CODE_INVALID_ARGUMENT;
		list[i].present = edits->list[i].present;
	}
	return CODE_OK;
}

static int send_members(struct session *session, uint32_t tag, uint32_t group,
			const struct object_edits *edits)
{
	const struct command_members head = {
		.group = group, .count = (uint16_t)edits->count, .replace = edits->replace != 0};
	const uint32_t size =
		(uint32_t)(sizeof(head) + edits->count * sizeof(struct command_member));
	static const struct command_change whole;
	uint8_t *payload = malloc(OBJECT_HEAD + size);
	int code;

	if (payload == NULL)
		return CODE_BUSY;
	memcpy(payload + OBJECT_HEAD, &head, sizeof(head));
	code = resolve(session->chat, edits,
		       (struct command_member *)(void *)(payload + OBJECT_HEAD + sizeof(head)));
	if (code == CODE_OK)
		code = object_send(session, tag, COMMAND_MEMBERS, &whole, payload, size);
	free(payload);
	return code;
}

/* All changes are one command: all of them are made, or none. */
void object_group_edit(struct session *session, const struct chat_id *id, struct text uri,
		       const struct object_edits *edits)
{
	struct request *request = request_begin(session, id, sizeof(*request), object_done);
	struct principal_view group;
	int code;

	if (request == NULL)
		return;
	code = object_find_group(session->chat, uri, &group);
	if (code == CODE_OK)
		code = send_members(session, request->base.tag, group.id, edits);
	if (code != CODE_OK)
		request_refuse(request, code);
}
