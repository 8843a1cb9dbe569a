#include <stdlib.h>

#include "conf/clock.h"
#include "shm/role.h"
#include "worker/match.h"
#include "worker/object_find.h"

/*
 * Who could be made a member or a presenter: the users in a category's scope, by themselves or by a
 * group. All users are looked at, of whom there may be very many, a slice at a time, as rooms are
 * (directory.c).
 */
enum {
	TRIES = 32,
	SLICE_US = 1000,
	SLICE_USERS = 16,
};

struct eligible {
	struct request base;
	uint32_t category;
	uint32_t room; /* members of it only; 0: it does not matter */
	struct match_text text;
	uint32_t limit, offset;
	struct matches all; /* owned */
	uint32_t position;
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
	const struct cache *cache = one->base.base.session->chat->cache;
	unsigned roles = ROLE_BIT(ROLE_MEMBER);
	int code = CODE_BUSY;

	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++)
		code = cache_in_scope(cache, user, one->category, is_r);
	if (code != CODE_OK || !*is_r || one->room == 0)
		return code;
	code = CODE_BUSY;
	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++)
		code = cache_own_roles(cache, user, one->room, &roles);
	*is_r = roles & ROLE_BIT(ROLE_MEMBER);
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
	return code;
}

static void answer(struct eligible *one)
{
	struct session *session = one->base.base.session;
	const uint64_t end = (uint64_t)one->offset + one->limit;
	struct principal_view user;
	struct buf list;

	buf_init(&list);
	matches_sort(&one->all);
	for (size_t i = one->offset; i < one->all.count && i < end; i++)
		if (cache_principal(session->chat->cache, matches_id(&one->all, i), &user) ==
		    CODE_OK)
			session->front->account(&list, &user);
	session->front->accounts(session, &one->base.id, &list, one->all.count > end);
	buf_fini(&list);
	request_end(&one->base);
}

/* CODE_OK: there are more users; CODE_NO_SUCH_PRINCIPAL: these were all. */
static int look_at_some(struct eligible *one)
{
	const struct cache *cache = one->base.base.session->chat->cache;
	const uint64_t end = clock_mono() + SLICE_US;
	struct principal_view user;
	int code = CODE_OK;

	for (unsigned i = 0; code == CODE_OK; i++) {
		const uint32_t place = one->position;

		if (i % SLICE_USERS == SLICE_USERS - 1 && clock_mono() >= end)
			return CODE_OK;
		code = CODE_BUSY;
		for (unsigned k = 0; k < TRIES && code == CODE_BUSY; k++) {
			one->position = place;
			code = cache_principals_next(cache, &one->position, &user);
		}
		if (code == CODE_OK)
			code = consider(one, &user);
	}
	return one->all.failed ? CODE_BUSY : code;
}

static void go_on(struct eligible *one)
{
	struct pending *pending = &one->base.base;
	const int code = look_at_some(one);

	if (code == CODE_OK)
		pending_until(&pending->session->chat->pending, pending, clock_mono());
	else if (code == CODE_NO_SUCH_PRINCIPAL)
		answer(one);
	else
		request_refuse(&one->base, code);
}

static void eligible_settle(struct pending *pending, const struct outcome *outcome)
{
	if (outcome->kind == OUTCOME_TIME)
		go_on((struct eligible *)pending);
}

/* Presenters there are in auditoriums only; but for open ones they have to be members. */
static int take_room(struct eligible *one, const struct object_key *key, bool presenters)
{
	struct room_view room;
	int code = object_find_room(one->base.base.session->chat, key, &room);

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
	int code = object_find_category(one->base.base.session->chat, key, &category);

	if (code == CODE_OK)
		one->category = category.id;
	return code;
}

void object_eligible(struct session *session, const struct chat_id *id, enum node_kind kind,
		     const struct object_key *key, bool presenters, struct text text,
		     uint32_t limit, uint32_t offset)
{
	struct eligible *one =
		(struct eligible *)request_begin(session, id, sizeof(*one), eligible_settle);
	int code;

	if (one == NULL)
		return;
	one->base.base.free = eligible_free;
	one->limit = limit;
	one->offset = offset;
	match_text_init(&one->text, text);
	code = kind == NODE_ROOM ? take_room(one, key, presenters) : take_category(one, key);
	if (code == CODE_OK)
		go_on(one);
	else
		request_refuse(&one->base, code);
}
