#ifndef PCHAT_WORKER_OBJECT_FIND_H
#define PCHAT_WORKER_OBJECT_FIND_H

#include "shm/user_uri.h"
#include "worker/core.h"
#include "worker/object.h"

/*
 * What clients name, found in the cache. Every function returns a code; a row that is being changed
 * is looked at a number of times before that is CODE_BUSY.
 */

int object_find_room(const struct chat *chat, const struct object_key *key,
		     struct room_view *room_r);
int object_find_category(const struct chat *chat, const struct object_key *key,
			 struct category_view *category_r);
int object_find_addin(const struct chat *chat, struct text name, struct addin_view *addin_r);

/* A room with the names of what it refers to; rights are 0. */
struct object_names {
	struct object_room room; /* points to the view that was given, and to addin */
	struct addin_view addin;
};
int object_name_room(const struct chat *chat, const struct room_view *view,
		     struct object_names *names_r);

/* A user (as user_uri_make takes it), a group or, as "*", everybody; those who were removed, too.
 */
int object_find_principal(const struct chat *chat, struct text principal, uint32_t *id_r);

/* The URI of a group, a folder or a domain as it is stored: "ma-grp:" and a text, ASCII letters in
 * lower case. False: it is none. */
bool object_group_uri(struct text text, char uri_r[USER_URI_SIZE]);

/* The group of a URI, and the user of what user_uri_make takes; CODE_NO_SUCH_PRINCIPAL where it was
 * removed. */
int object_find_group(const struct chat *chat, struct text text, struct principal_view *group_r);
int object_find_user(const struct chat *chat, struct text text, struct principal_view *user_r);

/* bits of enum right that a session has in a room; an administrator may see and manage all. */
int object_rights(const struct session *session, uint32_t room, unsigned *rights_r);

#endif
