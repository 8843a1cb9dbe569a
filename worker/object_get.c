#include <stdlib.h>

#include "shm/role.h"
#include "worker/object_find.h"

/* One category, room, add-in, user or group with the lists that belong to it, told to whoever may see
 * it. */

enum {
	SHOWN_MAX = 2000, /* principals in all lists of one answer */
	TRIES = 32,
};

/* Writes one principal; those who are not there any more are left out. */
static int write_principal(struct session *session, uint32_t principal, struct buf *list)
{
	const struct object_front *object = session->front->object;
	struct chat *chat = session->chat;
	struct name_view name;
	int code = CODE_BUSY;

	if (principal == PRINCIPAL_ANY_USER) {
		object->principal(list, (struct text){"*", 1});
		return CODE_OK;
	}
	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++)
		code = names_get(&chat->names, chat->cache, principal, &name);
	if (code == CODE_OK)
		object->principal(list, name.uri);
	return code == CODE_NO_SUCH_PRINCIPAL ? CODE_OK : code;
}

struct lists {
	struct buf list[OBJECT_LISTS];
	bool cut;
};

static void lists_init(struct lists *lists)
{
	for (unsigned i = 0; i < OBJECT_LISTS; i++)
		buf_init(&lists->list[i]);
	lists->cut = false;
}

static void lists_fini(struct lists *lists)
{
	for (unsigned i = 0; i < OBJECT_LISTS; i++)
		buf_fini(&lists->list[i]);
}

/* The roles in a node, each a list; first: the role of the first list. */
static int write_roles(struct session *session, enum node_kind kind, uint32_t node, enum role first,
		       struct lists *lists)
{
	struct role_view *roles = calloc(SHOWN_MAX, sizeof(*roles));
	uint32_t count = 0;
	int code = CODE_BUSY;

	for (unsigned i = 0; roles != NULL && i < TRIES && code == CODE_BUSY; i++)
		code = cache_roles(session->chat->cache, kind, node, roles, SHOWN_MAX, &count);
	lists->cut = count > SHOWN_MAX;
	if (lists->cut)
		count = SHOWN_MAX;
	for (uint32_t i = 0; i < count; i++) {
		for (unsigned k = 0; k < OBJECT_LISTS && code == CODE_OK; k++) {
			if (roles[i].roles & ROLE_BIT(first + k))
				code = write_principal(session, roles[i].principal,
						       &lists->list[k]);
		}
	}
	free(roles);
	return code;
}

/* --- Categories. --- */

static int get_category(struct session *session, const struct chat_id *id,
			const struct object_key *key, struct lists *lists)
{
	struct category_view category;
	int code = CODE_ERROR_PERMISSION;

	if (session->admin)
		code = object_find_category(session->chat, key, &category);
	if (code == CODE_OK)
		code = write_roles(session, NODE_CATEGORY, category.id, ROLE_ALLOWED, lists);
	if (code == CODE_OK)
		session->front->object->category_whole(session, id, &category, lists->list,
						       lists->cut);
	return code;
}

/* --- Rooms. --- */

/* Secret rooms are not there for those who may not see them, disabled ones only for those who
 * manage them. */
static int check_rights(const struct session *session, const struct room_view *room,
			unsigned *rights_r)
{
	int code = object_rights(session, room->id, rights_r);

	if (code == CODE_OK && (*rights_r == 0 || (room->disabled && !(*rights_r & RIGHT_MANAGE))))
		code = CODE_NO_SUCH_NODE;
	return code;
}

static int get_room(struct session *session, const struct chat_id *id, const struct object_key *key,
		    struct lists *lists)
{
	struct room_view view;
	struct object_names names;
	int code = object_find_room(session->chat, key, &view);

	if (code == CODE_OK)
		code = object_name_room(session->chat, &view, &names);
	if (code == CODE_OK)
		code = check_rights(session, &view, &names.room.rights);
	if (code == CODE_OK)
		code = write_roles(session, NODE_ROOM, view.id, ROLE_MEMBER, lists);
	/* Members, managers, presenters: the roles' numbers stand in this order. */
	if (code == CODE_OK)
		session->front->object->room_whole(session, id, &names.room, lists->list,
						   lists->cut);
	return code;
}

void object_get(struct session *session, const struct chat_id *id, enum node_kind kind,
		const struct object_key *key)
{
	struct lists lists;
	int code;

	lists_init(&lists);
	code = kind == NODE_CATEGORY ? get_category(session, id, key, &lists)
				     : get_room(session, id, key, &lists);
	if (code != CODE_OK)
		session_refuse(session, id, code);
	lists_fini(&lists);
}

/* --- Add-ins. --- */

void object_addin_get(struct session *session, const struct chat_id *id, struct text name)
{
	struct addin_view addin;
	const int code = object_find_addin(session->chat, name, &addin);

	if (code == CODE_OK)
		session->front->object->addin_whole(session, id, &addin);
	else
		session_refuse(session, id, code);
}

/* --- Users and groups. --- */

typedef int get_fn(const struct cache *cache, uint32_t principal, uint32_t *list, uint32_t max,
		   uint32_t *count_r);

static int write_list(struct session *session, get_fn *get, uint32_t group, struct buf *list,
		      bool *cut_r)
{
	uint32_t *ids = calloc(SHOWN_MAX, sizeof(*ids)), count = 0;
	int code = CODE_BUSY;

	for (unsigned i = 0; ids != NULL && i < TRIES && code == CODE_BUSY; i++)
		code = get(session->chat->cache, group, ids, SHOWN_MAX, &count);
	if (count > SHOWN_MAX) {
		*cut_r = true;
		count = SHOWN_MAX;
	}
	for (uint32_t i = 0; i < count && code == CODE_OK; i++)
		code = write_principal(session, ids[i], list);
	free(ids);
	return code;
}

void object_principal_get(struct session *session, const struct chat_id *id, struct text uri,
			  bool group)
{
	struct principal_view view;
	struct lists lists;
	int code = group ? object_find_group(session->chat, uri, &view)
			 : object_find_user(session->chat, uri, &view);

	lists_init(&lists);
	if (code == CODE_OK && group)
		code = write_list(session, cache_members, view.id, &lists.list[0], &lists.cut);
	if (code == CODE_OK)
		code = write_list(session, cache_groups, view.id, &lists.list[1], &lists.cut);
	if (code == CODE_OK)
		session->front->object->principal_whole(session, id, &view, lists.list, lists.cut);
	else
		session_refuse(session, id, code);
	lists_fini(&lists);
}
