#include "worker/roster.h"

#include <stdlib.h>

static int by_principal(const void *a, const void *b)
{
	const struct participant_view *x = a, *y = b;

	return x->principal < y->principal ? -1 : x->principal > y->principal;
}

/* Sorted by user, each once; *list_r is the caller's to free. */
static int read_users(const struct chat *chat, const struct room_view *room,
		      struct participant_view **list_r, uint32_t *count_r)
{
	uint32_t max = room->participants + 64, found = 0, users = 0; /* some may come meanwhile */
	struct participant_view *list = calloc(max, sizeof(*list));
	int code = CODE_BUSY;

	*list_r = NULL;
	*count_r = 0;
	if (list != NULL)
		code = cache_participants(chat->cache, room->id, UINT64_MAX, list, max, &found);
	if (code != CODE_OK) {
		free(list);
		return code;
	}
	qsort(list, found, sizeof(*list), by_principal);
	for (uint32_t i = 0; i < found; i++) {
		if (users == 0 || list[users - 1].principal != list[i].principal)
			list[users++] = list[i];
	}
	*list_r = list;
	*count_r = users;
	return CODE_OK;
}

static int write_users(struct session *session, const struct room_view *room, struct buf *out,
		       uint32_t *count_r)
{
	struct chat *chat = session->chat;
	struct participant_view *list;
	int code = read_users(chat, room, &list, count_r);

	for (uint32_t i = 0; code == CODE_OK && i < *count_r; i++) {
		struct name_view name;

		code = names_get(&chat->names, chat->cache, list[i].principal, &name);
		if (code == CODE_NO_SUCH_PRINCIPAL)
			code = CODE_OK;
		else if (code == CODE_OK)
			session->front->user(out, name.uri, name.name);
	}
	free(list);
	return code;
}

int roster_write(struct session *session, const struct room_view *room, struct buf *list,
		 uint32_t *count_r)
{
	if (room->participants > scoped_effective(session->chat)->participant_update_limit) {
		*count_r = room->participants;
		return CODE_LIMIT_EXCEEDED;
	}
	return write_users(session, room, list, count_r);
}

int roster_write_all(struct session *session, const struct room_view *room, struct buf *list)
{
	uint32_t count;

	return write_users(session, room, list, &count);
}

int roster_count(struct chat *chat, const struct room_view *room, uint32_t *count_r)
{
	struct participant_view *list;
	int code;

	if (room->participants > scoped_effective(chat)->participant_update_limit)
		return CODE_LIMIT_EXCEEDED;
	code = read_users(chat, room, &list, count_r);
	free(list);
	return code;
}
