#include "worker/roster.h"

#include <stdlib.h>

enum {
	FEW = 128,
	MORE = 64, /* who may come meanwhile */
	ITEM_GUESS = 64,
};

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Most rooms are small, and every join of one asks for this: there insertion beats qsort. */
static void sort_users(uint32_t *list, uint32_t count)
{
	if (count > FEW) {
		qsort(list, count, sizeof(*list), by_number);
		return;
	}
	for (uint32_t i = 1; i < count; i++) {
		const uint32_t user = list[i];
		uint32_t at = i;

		for (; at > 0 && list[at - 1] > user; at--)
			list[at] = list[at - 1];
		list[at] = user;
	}
}

/* Sorted, each once. */
static int read_users(const struct chat *chat, const struct room_view *room, uint32_t *list,
		      uint32_t max, uint32_t *count_r)
{
	uint32_t found = 0, users = 0;
	const int code = cache_participants(chat->cache, room->id, list, max, &found);

	*count_r = 0;
	if (code != CODE_OK)
		return code;
	sort_users(list, found);
	for (uint32_t i = 0; i < found; i++) {
		if (users == 0 || list[users - 1] != list[i])
			list[users++] = list[i];
	}
	*count_r = users;
	return CODE_OK;
}

static int write_list(struct session *session, const uint32_t *list, uint32_t count,
		      struct buf *out)
{
	struct chat *chat = session->chat;
	int code = CODE_OK;

	(void)buf_room(out, (size_t)count * ITEM_GUESS);
	for (uint32_t i = 0; code == CODE_OK && i < count; i++) {
		struct text item;

		code = names_item(&chat->names, chat->cache, list[i], session->front, &item);
		if (code == CODE_NO_SUCH_PRINCIPAL) {
			code = CODE_OK;
		} else if (code == CODE_OK) {
			session->front->separate(out);
			buf_add(out, item.data, item.length);
		}
	}
	return code;
}

static int write_users(struct session *session, const struct room_view *room, struct buf *out,
		       uint32_t *count_r)
{
	const uint32_t max = room->participants + MORE;
	uint32_t few[FEW], *list = max <= FEW ? few : calloc(max, sizeof(*list));
	int code = CODE_BUSY;

	*count_r = 0;
	if (list != NULL)
		code = read_users(session->chat, room, list, max, count_r);
	if (code == CODE_OK)
		code = write_list(session, list, *count_r, out);
	if (list != few)
		free(list);
	return code;
}

int roster_list(struct session *session, const struct room_view *room, struct text *list_r,
		uint32_t *count_r)
{
	struct kept *kept = &session->chat->kept;
	struct buf *list = &session->chat->users;
	int code;

	if (room->participants > scoped_effective(session->chat)->participant_update_limit) {
		*count_r = room->participants;
		return CODE_LIMIT_EXCEEDED;
	}
	if (kept_roster_get(kept, session->front, room->id, list_r, count_r))
		return CODE_OK;
	buf_clear(list);
	code = write_users(session, room, list, count_r);
	if (code == CODE_OK)
		kept_roster_put(kept, session->front, room->id, list, *count_r);
	*list_r = (struct text){buf_text(list), buf_used(list)};
	return list->failed ? CODE_BUSY : code;
}

int roster_write_all(struct session *session, const struct room_view *room, struct buf *list)
{
	uint32_t count;

	return write_users(session, room, list, &count);
}

int roster_count(struct chat *chat, uint32_t room, uint32_t *count_r)
{
	uint32_t sessions;
	int code = cache_crowd(chat->cache, room, &sessions, count_r);

	if (code == CODE_OK && sessions > scoped_effective(chat)->participant_update_limit)
		code = CODE_LIMIT_EXCEEDED;
	return code;
}
