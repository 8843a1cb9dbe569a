#include "worker/object_find.h"

#include <string.h>
#include <unistr.h>

#include "shm/role.h"

#define GROUP_SCHEME "ma-grp:"

enum { TRIES = 32 };

int object_find_room(const struct chat *chat, const struct object_key *key,
		     struct room_view *room_r)
{
	int code = CODE_BUSY;

	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++)
		code = key->by_name ? cache_room_by_name(chat->cache, key->name.data,
							 key->name.length, room_r)
				    : cache_room_by_uuid(chat->cache, key->uuid, room_r);
	return code;
}

int object_find_category(const struct chat *chat, const struct object_key *key,
			 struct category_view *category_r)
{
	int code = CODE_BUSY;

	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++)
		code = key->by_name ? cache_category_by_name(chat->cache, key->name.data,
							     key->name.length, category_r)
				    : cache_category_by_uuid(chat->cache, key->uuid, category_r);
	return code;
}

int object_find_addin(const struct chat *chat, struct text name, struct addin_view *addin_r)
{
	int code = CODE_BUSY;

	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++)
		code = cache_addin_by_name(chat->cache, name.data, name.length, addin_r);
	return code;
}

int object_name_room(const struct chat *chat, const struct room_view *view,
		     struct object_names *names_r)
{
	struct category_view category;
	int code = CODE_BUSY;

	names_r->room = (struct object_room){.room = view};
	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++)
		code = cache_category(chat->cache, view->category, &category);
	if (code != CODE_OK)
		return code;
	memcpy(names_r->room.category, category.uuid, sizeof(names_r->room.category));
	names_r->room.files =
		*chat->conf->files.directory && (category.flags & CATEGORY_FILES) != 0;
	if (view->addin == 0)
		return CODE_OK;
	code = CODE_BUSY;
	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++)
		code = cache_addin(chat->cache, view->addin, &names_r->addin);
	if (code == CODE_OK)
		names_r->room.addin =
			(struct text){names_r->addin.name, names_r->addin.name_length};
	/* It was just removed; the room will lose it with the next event. */
	return code == CODE_NO_SUCH_NODE ? CODE_OK : code;
}

static int find_uri(const struct chat *chat, const char *uri, struct principal_view *view_r)
{
	int code = CODE_BUSY;

	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++)
		code = cache_principal_by_uri(chat->cache, uri, strlen(uri), view_r);
	return code;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool object_group_uri(struct text text, char uri_r[USER_URI_SIZE])
{
	const size_t scheme = strlen(GROUP_SCHEME);

	if (text.length <= scheme || text.length > EVENT_URI_MAX ||
	    u8_check((const uint8_t *)text.data, text.length) != NULL)
		return false;
	for (uint32_t i = 0; i < text.length; i++) {
		uint8_t byte = (uint8_t)text.data[i];

		if (byte < 0x20 || byte == 0x7f)
			return false;
		uri_r[i] = lower(text.data[i]);
	}
	uri_r[text.length] = '\0';
	return memcmp(uri_r, GROUP_SCHEME, scheme) == 0;
}

int object_find_group(const struct chat *chat, struct text text, struct principal_view *group_r)
{
	char uri[USER_URI_SIZE];
	int code;

	if (!object_group_uri(text, uri))
		return CODE_INVALID_ARGUMENT;
	code = find_uri(chat, uri, group_r);
	return code == CODE_OK && group_r->state == PRINCIPAL_DELETED ? CODE_NO_SUCH_PRINCIPAL
								      : code;
}

int object_find_user(const struct chat *chat, struct text text, struct principal_view *user_r)
{
	char uri[USER_URI_SIZE];
	int code;

	if (!user_uri_make(text.data, text.length, chat->conf->domain, uri))
		return CODE_INVALID_ARGUMENT;
	code = find_uri(chat, uri, user_r);
	return code == CODE_OK && user_r->state == PRINCIPAL_DELETED ? CODE_NO_SUCH_PRINCIPAL : code;
}

int object_find_principal(const struct chat *chat, struct text principal, uint32_t *id_r)
{
	struct principal_view view;
	char uri[USER_URI_SIZE];
	int code;

	if (principal.length == 1 && principal.data[0] == '*') {
		*id_r = PRINCIPAL_ANY_USER;
		return CODE_OK;
	}
	if (!object_group_uri(principal, uri) &&
	    !user_uri_make(principal.data, principal.length, chat->conf->domain, uri))
		return CODE_INVALID_ARGUMENT;
	code = find_uri(chat, uri, &view);
	*id_r = code == CODE_OK ? view.id : 0;
	return code;
}

int object_rights(const struct session *session, uint32_t room, unsigned *rights_r)
{
	int code = CODE_BUSY;

	*rights_r = RIGHT_SEE | RIGHT_MANAGE;
	if (session->admin)
		return CODE_OK;
	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++)
		code = cache_rights(session->chat->cache, session->principal, room, rights_r);
	return code;
}
