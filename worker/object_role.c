#include <stdlib.h>
#include <string.h>

#include "worker/object_find.h"
#include "worker/object_send.h"

/* Roles given and taken: names made into numbers, one command for all of them. */

struct roles {
	struct command_change change;
	struct command_roles head;
	struct command_role list[OBJECT_LISTS * OBJECT_LIST_MAX];
};

static int find_node(const struct chat *chat, enum node_kind kind, const struct object_key *key,
		     uint32_t *id_r)
{
	struct category_view category = {0};
	struct room_view room = {0};
	int code;

	if (kind == NODE_CATEGORY) {
		code = object_find_category(chat, key, &category);
		*id_r = category.id;
	} else {
		code = object_find_room(chat, key, &room);
		*id_r = room.id;
	}
	return code;
}

/* Someone unknown is refused also where he is to lose a role: a name that was mistyped should not
 * look like success. */
static int resolve(const struct chat *chat, const struct object_edits *edits, struct roles *roles)
{
	for (unsigned i = 0; i < edits->count; i++) {
		const struct object_edit *edit = &edits->list[i];
		struct command_role *role = &roles->list[i];
		int code = object_find_principal(chat, edit->principal, &role->principal);

		if (code != CODE_OK)
			return code;
		role->role = edit->role;
		role->present = edit->present;
	}
	roles->head.count = (uint16_t)edits->count;
	roles->head.replace = (uint8_t)edits->replace;
	roles->change.if_revision = edits->if_revision;
	return CODE_OK;
}

void object_roles(struct session *session, const struct chat_id *id, enum node_kind kind,
		  const struct object_key *key, const struct object_edits *edits)
{
	struct request *request = request_begin(session, id, sizeof(*request), object_done);
	const struct command command = {.type = COMMAND_ROLES};
	struct roles roles = {.head = {.kind = (uint8_t)kind}};
	size_t size;
	int code;

	static_assert(offsetof(struct roles, list) == sizeof(roles.change) + sizeof(roles.head),
		      "the payload has no holes");
	if (request == NULL)
		return;
	code = find_node(session->chat, kind, key, &roles.head.node);
	if (code == CODE_OK)
		code = resolve(session->chat, edits, &roles);
	size = offsetof(struct roles, list) + edits->count * sizeof(roles.list[0]);
	if (code == CODE_OK)
		code = chat_command(session->chat, &command, session->number, request->base.tag,
				    &roles, (uint32_t)size);
	if (code != CODE_OK)
		request_refuse(request, code);
}
