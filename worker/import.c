#include "worker/import.h"

#include <stdlib.h>
#include <string.h>

#include "shm/scoped.h"
#include "worker/object_find.h"

enum { PAYLOAD = 256 + EVENT_NAME_MAX + EVENT_DESCRIPTION_MAX };

static void settle(struct pending *pending, const struct outcome *outcome)
{
	struct request *request = (struct request *)pending;
	struct session *session = pending->session;
	const int code = outcome_code(outcome);
	const bool checked = outcome->kind == OUTCOME_ANSWER && outcome->answer->seq == 1;

	if (code != CODE_OK) {
		request_refuse(request, code);
		return;
	}
	session->front->object->imported(session, &request->id,
					 outcome->kind == OUTCOME_EVENT || checked);
	request_end(request);
}

/* --- What a line names. --- */

static int find_user(const struct chat *chat, struct text uri, uint32_t *id_r)
{
	return uri.length == 0 ? CODE_OK : object_find_principal(chat, uri, id_r);
}

static int see_category(const struct chat *chat, const struct import_line *line,
			const uint8_t uuid[16], struct category_view *view_r)
{
	struct object_key key = {0};
	int code;

	memcpy(key.uuid, uuid, sizeof(key.uuid));
	code = object_find_category(chat, &key, view_r);
	if (code == CODE_NO_SUCH_NODE && line->category_name.length > 0) {
		key = (struct object_key){.by_name = true, .name = line->category_name};
		code = object_find_category(chat, &key, view_r);
	}
	return code;
}

static int find_category(const struct chat *chat, const struct import_line *line,
			 const uint8_t uuid[16], uint32_t *id_r)
{
	struct category_view view;
	const int code = see_category(chat, line, uuid, &view);

	*id_r = code == CODE_OK ? view.id : 0;
	return code;
}

static int find_room(const struct chat *chat, const struct import_line *line, uint32_t *id_r)
{
	struct object_key key = {0};
	struct room_view view;
	int code = CODE_OK;

	*id_r = 0;
	if (!line->has_node)
		return CODE_OK;
	memcpy(key.uuid, line->node, sizeof(key.uuid));
	code = object_find_room(chat, &key, &view);
	if (code == CODE_OK)
		*id_r = view.id;
	return code;
}

/* Where it is only checked, what a room refers to may be in the archive. */
static int name_room(const struct chat *chat, struct import_line *line)
{
	struct addin_view addin;
	int code = find_category(chat, line, line->of_category, &line->room.category);

	if (code == CODE_OK && line->addin_name.length > 0) {
		code = object_find_addin(chat, line->addin_name, &addin);
		line->room.addin = code == CODE_OK ? addin.id : 0;
	}
	return code == CODE_NO_SUCH_NODE && line->head.check ? CODE_OK : code;
}

static int name_role(const struct chat *chat, struct import_line *line)
{
	int code = find_user(chat, line->user, &line->role.principal);

	if (code != CODE_OK)
		return code;
	return line->role.kind == NODE_ROOM
		       ? find_room(chat, line, &line->role.node)
		       : find_category(chat, line, line->node, &line->role.node);
}

static int name_person(const struct chat *chat, struct import_line *line)
{
	struct event_person *person = &line->person;
	int code = find_user(chat, line->user, &person->principal);

	if (code == CODE_OK)
		code = find_user(chat, line->other, &person->who);
	if (code != CODE_OK)
		return code;
	return find_room(chat, line, line->type == EVENT_FEED ? &person->room : &person->item);
}

/* Where it is only checked, the category may be in the archive. */
static int name_setting(const struct chat *chat, struct import_line *line)
{
	struct category_view view;
	int code = CODE_OK;

	if (!line->has_node)
		return CODE_OK;
	code = see_category(chat, line, line->node, &view);
	if (code == CODE_NO_SUCH_NODE && line->head.check) {
		memcpy(view.uuid, line->node, sizeof(view.uuid));
		code = CODE_OK;
	}
	if (code == CODE_OK)
		line->setting.scope = scoped_category(chat_conf(chat), view.uuid, line->scope);
	return code;
}

/* Where it is only checked, so may the user: the sequencer knows nobody by that id. */
static int name_grant(const struct chat *chat, struct import_line *line)
{
	const int code = find_user(chat, line->user, &line->grant.principal);

	if (code != CODE_NO_SUCH_PRINCIPAL || !line->head.check)
		return code;
	line->grant.principal = PRINCIPAL_ANY_USER;
	return CODE_OK;
}

/* URIs are stored in one form only: an archive that has another was not made by us. */
static int check_uri(const struct event_principal *principal)
{
	const struct text uri = principal->uri;
	char normal[USER_URI_SIZE];
	const bool good = principal->kind == PRINCIPAL_USER
				  ? user_uri_make(uri.data, uri.length, "", normal)
				  : object_group_uri(uri, normal);

	return good && strlen(normal) == uri.length && memcmp(normal, uri.data, uri.length) == 0
		       ? CODE_OK
		       : CODE_INVALID_ARGUMENT;
}

int import_names(const struct chat *chat, struct import_line *line, uint32_t *room_r)
{
	int code;

	*room_r = 0;
	switch (line->type) {
	case EVENT_PRINCIPAL:
		return check_uri(&line->principal);
	case EVENT_ROOM:
		return name_room(chat, line);
	case EVENT_ROLE:
		return name_role(chat, line);
	case EVENT_AFFILIATION:
		code = find_user(chat, line->user, &line->affiliation.member);
		return code == CODE_OK ? find_user(chat, line->other, &line->affiliation.group)
				       : code;
	case EVENT_INVITATION:
	case EVENT_MARKER:
	case EVENT_FEED:
	case EVENT_ACCESS_REQUEST:
		return name_person(chat, line);
	case EVENT_HISTORY:
		code = find_room(chat, line, room_r);
		return code == CODE_OK ? find_user(chat, line->other, &line->history.author) : code;
	case EVENT_FILE:
		code = find_room(chat, line, room_r);
		return code == CODE_OK ? find_user(chat, line->other, &line->file.author) : code;
	case EVENT_SETTING:
		return name_setting(chat, line);
	case EVENT_GRANT:
		return name_grant(chat, line);
	default:
		return CODE_OK;
	}
}

/* --- Sending. --- */

static uint32_t put(const struct import_line *line, void *out, uint32_t size)
{
	switch (line->type) {
	case EVENT_PRINCIPAL:
		return event_principal_put(&line->principal, out, size);
	case EVENT_CATEGORY:
		return event_category_put(&line->category, out, size);
	case EVENT_ADDIN:
		return event_addin_put(&line->addin, out, size);
	case EVENT_ROOM:
		return event_room_put(&line->room, out, size);
	case EVENT_ROLE:
		return event_role_put(&line->role, out, size);
	case EVENT_AFFILIATION:
		return event_affiliation_put(&line->affiliation, out, size);
	case EVENT_HISTORY:
		return event_history_put(&line->history, out, size);
	case EVENT_SETTING:
		return event_setting_put(&line->setting, out, size);
	case EVENT_GRANT:
		return event_grant_put(&line->grant, out, size);
	default:
		return event_person_put(&line->person, out, size);
	}
}

static uint32_t space_for(const struct import_line *line)
{
	const struct event_message *message = &line->history.message;

	if (line->type == EVENT_SETTING)
		return PAYLOAD + line->setting.value.length;
	if (line->type != EVENT_HISTORY)
		return PAYLOAD;
	return PAYLOAD + message->id.length + message->title.length + message->text.length +
	       message->rich_type.length + message->rich.length;
}

static int send_line(struct session *session, uint32_t tag, struct import_line *line)
{
	const uint32_t size = space_for(line);
	struct command head = {.type = COMMAND_IMPORT, .flags = line->flags};
	uint8_t *payload;
	uint32_t used;
	int code = import_names(session->chat, line, &head.room);

	if (code != CODE_OK)
		return code;
	payload = malloc(sizeof(line->head) + size);
	if (payload == NULL)
		return CODE_BUSY;
	line->head.type = line->type;
	memcpy(payload, &line->head, sizeof(line->head));
	used = put(line, payload + sizeof(line->head), size);
	code = used == 0 ? CODE_INVALID_ARGUMENT
			 : chat_command(session->chat, &head, session->number, tag, payload,
					(uint32_t)sizeof(line->head) + used);
	free(payload);
	return code;
}

void chat_import(struct session *session, const struct chat_id *id, struct import_line *line)
{
	struct request *request;
	int code;

	if (line->type == EVENT_FILE) {
		import_file(session, id, line);
		return;
	}
	request = request_begin(session, id, sizeof(*request), settle);
	if (request == NULL)
		return;
	code = session->admin ? send_line(session, request->base.tag, line) : CODE_ERROR_PERMISSION;
	if (code != CODE_OK)
		request_refuse(request, code);
}
