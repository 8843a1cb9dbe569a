#include <stdlib.h>

#include "shm/role.h"
#include "worker/match.h"
#include "worker/object_find.h"
#include "worker/scan.h"

/* Who could be made a member or a presenter: the users in a category's scope, by themselves or by a
 * group. */
struct eligible {
	struct scan scan;
	uint32_t category;
	uint32_t room; /* members of it only; 0: it does not matter */
	struct match_text text;
	uint32_t limit, offset;
	struct matches all; /* owned */
};

static void eligible_free(struct pending *pending)
{
	struct eligible *one = (struct eligible *)pending;

	session_request_ended(pending->session);
	matches_fini(&one->all);
	free(one);
}

static int is_eligible(const struct eligible *one, uint32_t user, bool *is_r)
{
	const struct cache *cache = one->scan.base.base.session->chat->cache;
	unsigned roles = ROLE_BIT(ROLE_MEMBER);
	int code = cache_in_scope(cache, user, one->category, is_r);

	if (code == CODE_OK && *is_r && one->room != 0)
		code = cache_own_roles(cache, user, one->room, &roles);
	*is_r = *is_r && (roles & ROLE_BIT(ROLE_MEMBER)) != 0;
	return code;
}

static int consider(struct eligible *one, const struct principal_view *user)
{
	const struct text uri = {user->uri, user->uri_length};
	bool is = false;
	int code;

	if (user->kind != PRINCIPAL_USER || user->state != PRINCIPAL_ACTIVE ||
	    !match_text(&one->text, uri, (struct text){user->name, user->name_length}))
		return CODE_OK;
	code = is_eligible(one, user->id, &is);
	if (code == CODE_OK && is)
		matches_add(&one->all, user->id, uri);
	return one->all.failed ? CODE_BUSY : code;
}

static int look(struct scan *scan)
{
	const struct cache *cache = scan->base.base.session->chat->cache;
	struct principal_view user;
	const int code = cache_principals_next(cache, &scan->position, &user);

	return code == CODE_OK ? consider((struct eligible *)scan, &user) : scan_code(code);
}

static void answer(struct scan *scan)
{
	struct eligible *one = (struct eligible *)scan;
	struct session *session = scan->base.base.session;
	const uint64_t end = (uint64_t)one->offset + one->limit;
	struct principal_view user;
	struct buf list;

	buf_init(&list);
	matches_sort(&one->all);
	for (size_t i = one->offset; i < one->all.count && i < end; i++)
		if (cache_principal(session->chat->cache, matches_id(&one->all, i), &user) ==
		    CODE_OK)
			session->front->account(&list, &user);
	session->front->accounts(session, &scan->base.id, &list, one->all.count > end);
	buf_fini(&list);
	request_end(&scan->base);
}

/* Presenters there are in auditoriums only; but for open ones they have to be members. */
static int take_room(struct eligible *one, const struct object_key *key, bool presenters)
{
	struct room_view room;
	int code = object_find_room(one->scan.base.base.session->chat, key, &room);

	if (code != CODE_OK)
		return code;
	one->category = room.category;
	if (!presenters)
		return CODE_OK;
	if (room.privacy != PRIVACY_OPEN)
		one->room = room.id;
	return room.behavior == BEHAVIOR_AUDITORIUM ? CODE_OK : CODE_INVALID_ARGUMENT;
}

static int take_category(struct eligible *one, const struct object_key *key)
{
	struct category_view category;
	int code = object_find_category(one->scan.base.base.session->chat, key, &category);

	if (code == CODE_OK)
		one->category = category.id;
	return code;
}

void object_eligible(struct session *session, const struct chat_id *id, enum node_kind kind,
		     const struct object_key *key, bool presenters, struct text text,
		     uint32_t limit, uint32_t offset)
{
	struct eligible *one = (struct eligible *)scan_begin(session, id, sizeof(*one), look,
							     answer, eligible_free);
	int code;

	if (one == NULL)
		return;
	one->limit = limit;
	one->offset = offset;
	match_text_init(&one->text, text);
	code = kind == NODE_ROOM ? take_room(one, key, presenters) : take_category(one, key);
	if (code == CODE_OK)
		scan_run(&one->scan);
	else
		request_refuse(&one->scan.base, code);
}
