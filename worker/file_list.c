#include <string.h>

#include "shm/role.h"
#include "worker/file.h"
#include "worker/lookup.h"
#include "worker/object_find.h"

/* Questions to a reader for the files of a room. */

struct list {
	struct lookup_request base;
	struct ask_files ask;
};

/* Who may read what was said in a room may know of its files. */
static int may_look(const struct session *session, const struct room_view *room)
{
	unsigned rights = 0;
	int code;

	if (session->admin)
		return CODE_OK;
	code = object_rights(session, room->id, &rights);
	if (code != CODE_OK)
		return code;
	if (!(rights & RIGHT_JOIN))
		return rights & RIGHT_SEE ? CODE_ERROR_PERMISSION : CODE_NO_SUCH_NODE;
	return room->disabled ? CODE_NODE_DISABLED : CODE_OK;
}

static void begin(struct session *session, const struct chat_id *id, const struct object_key *room,
		  const struct ask_files *wanted)
{
	struct list *list = (struct list *)request_begin(session, id, sizeof(*list), lookup_settle);
	struct chat *chat = session->chat;
	struct room_view view;
	int code;

	if (list == NULL)
		return;
	list->ask = *wanted;
	lookup_init(&list->base.lookup, chat, ASK_FILES);
	lookup_add(&list->base.lookup, &list->ask, sizeof(list->ask));
	code = object_find_room(chat, room, &view);
	if (code == CODE_OK)
		code = may_look(session, &view);
	if (code == CODE_OK && wanted->removed && !session->admin)
		code = CODE_ERROR_PERMISSION;
	if (code == CODE_OK) {
		list->ask.room = view.id;
		code = lookup_go_on(&list->base.lookup, &list->base.base.base);
	}
	if (code != CODE_OK)
		request_refuse(&list->base.base, code);
}

void file_list(struct session *session, const struct chat_id *id, const struct object_key *room,
	       const struct file_page *page)
{
	struct ask_files wanted = {.limit = page->limit, .removed = page->removed};

	memcpy(wanted.before, page->before, sizeof(wanted.before));
	begin(session, id, room, &wanted);
}

void file_get(struct session *session, const struct chat_id *id, const uint8_t room[16],
	      const uint8_t file[16], bool removed)
{
	struct ask_files wanted = {.limit = 1, .one = 1, .removed = removed};
	struct object_key key = {.by_name = false};

	memcpy(key.uuid, room, sizeof(key.uuid));
	memcpy(wanted.uuid, file, sizeof(wanted.uuid));
	begin(session, id, &key, &wanted);
}
