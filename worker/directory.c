#include <stdlib.h>

#include "shm/role.h"
#include "worker/exceeding.h"
#include "worker/match.h"
#include "worker/object_find.h"
#include "worker/person.h"
#include "worker/scan.h"

/* Lists of rooms and users, taken from the cache. */

/* A search with its names looked up. */
struct search {
	const struct chat_search *wanted; /* borrowed */
	struct match_text text;
	uint32_t category, addin; /* ids; 0: any */
	uint32_t member, manager; /* ids; 0: whoever */
};

static int find_principal(const struct chat *chat, struct text text, uint32_t *id_r)
{
	return text.length == 0 ? CODE_OK : object_find_principal(chat, text, id_r);
}

/* Whatever is looked for and does not exist is in no room. */
static int search_init(const struct session *session, const struct chat_search *wanted,
		       struct search *search)
{
	const struct chat *chat = session->chat;
	struct category_view category;
	struct addin_view addin;
	int code = CODE_OK;

	*search = (struct search){.wanted = wanted};
	match_text_init(&search->text, wanted->text);
	if (wanted->category != NULL) {
		code = object_find_category(chat, wanted->category, &category);
		search->category = category.id;
	}
	if (code == CODE_OK && wanted->addin.length > 0) {
		code = object_find_addin(chat, wanted->addin, &addin);
		search->addin = addin.id;
	}
	if (code == CODE_OK)
		code = find_principal(chat, wanted->member, &search->member);
	if (code == CODE_OK)
		code = find_principal(chat, wanted->manager, &search->manager);
	return code;
}

/* What the room itself says. */
static bool is_wanted(const struct search *search, const struct room_view *room)
{
	const struct chat_search *wanted = search->wanted;

	return (search->category == 0 || room->category == search->category) &&
	       (search->addin == 0 || room->addin == search->addin) &&
	       (wanted->privacy == 0 || room->privacy == wanted->privacy) &&
	       (wanted->behavior == 0 || room->behavior == wanted->behavior) &&
	       (wanted->invitations != 1 || room->invitations != 0) &&
	       (wanted->invitations != 2 || room->invitations == 0) &&
	       (wanted->state != CHAT_ENABLED || !room->disabled) &&
	       (wanted->state != CHAT_DISABLED || room->disabled) &&
	       match_text(&search->text, (struct text){room->name, room->name_length},
			  (struct text){room->description, room->description_length});
}

/* *has_r is left alone where the principal has one of the roles, else cleared. */
static int check_roles(const struct chat *chat, uint32_t principal, uint32_t room, unsigned roles,
		       bool *has_r)
{
	unsigned own = 0;
	int code;

	if (principal == 0 || roles == 0)
		return CODE_OK;
	code = cache_own_roles(chat->cache, principal, room, &own);
	*has_r = *has_r && (own & roles) != 0;
	return code;
}

/* Whether the session may see it: disabled rooms are for administrators and managers. */
static int check_rights(const struct session *session, const struct room_view *room, bool *may_r)
{
	unsigned rights = 0;
	int code = object_rights(session, room->id, &rights);

	*may_r = *may_r && rights != 0 && (!room->disabled || (rights & RIGHT_MANAGE) != 0);
	return code;
}

/* Takes a room into the list if it is one of those. A room that vanishes meanwhile is none. */
static int consider(const struct session *session, const struct search *search,
		    const struct room_view *room, struct matches *all)
{
	const struct chat *chat = session->chat;
	bool take = true;
	int code;

	if (!is_wanted(search, room))
		return CODE_OK;
	/* Of a user's own rooms there are few: what rules most out comes first. */
	code = check_roles(chat, session->principal, room->id, search->wanted->own, &take);
	if (code == CODE_OK && take)
		code = check_rights(session, room, &take);
	if (code == CODE_OK && take)
		code = check_roles(chat, search->member, room->id, ROLE_BIT(ROLE_MEMBER), &take);
	if (code == CODE_OK && take)
		code = check_roles(chat, search->manager, room->id, ROLE_BIT(ROLE_MANAGER), &take);
	if (code == CODE_OK && take)
		matches_add(all, room->id, (struct text){room->name, room->name_length});
	return code == CODE_NO_SUCH_NODE ? CODE_OK : code;
}

/* A room of the user's own, with what he has read of it. */
static int write_own(struct session *session, const struct room_view *room, struct buf *list)
{
	unsigned roles = 0;
	uint64_t marker;
	int code = cache_own_roles(session->chat->cache, session->principal, room->id, &roles);

	if (code == CODE_OK)
		code = person_marker_get(session, room->id, &marker);
	if (code == CODE_OK)
		session->front->person->room(session->chat, list, room, roles, marker);
	return code;
}

/* A page of the matches, in the order of their names. A room that vanished is left out. */
static int write_rooms(struct session *session, struct matches *all, bool own, uint32_t limit,
		       uint32_t offset, struct buf *list)
{
	matches_sort(all);
	for (size_t i = offset; i < all->count && i - offset < limit; i++) {
		struct room_view room;
		int code = cache_room(session->chat->cache, matches_id(all, i), &room);

		if (code == CODE_OK && own)
			code = write_own(session, &room, list);
		else if (code == CODE_OK)
			session->front->room(session->chat, list, &room);
		if (code == CODE_BUSY)
			return code;
	}
	return CODE_OK;
}

/* What each room costs depends on how many groups the user is in. */
struct room_search {
	struct scan scan;
	struct chat_search wanted; /* its texts are of use at the beginning only */
	struct search search;
	struct exceeding exceeding; /* of use where rooms of some size are wanted */
	struct matches all;	    /* owned */
};

static void room_search_free(struct pending *pending)
{
	struct room_search *one = (struct room_search *)pending;

	session_request_ended(pending->session);
	matches_fini(&one->all);
	exceeding_fini(&one->exceeding);
	free(one);
}

static void answer_rooms(struct scan *scan)
{
	struct room_search *one = (struct room_search *)scan;
	struct session *session = scan->base.base.session;
	const struct chat_search *wanted = &one->wanted;
	const uint64_t end = (uint64_t)wanted->offset + wanted->limit;
	struct buf list;
	int code;

	buf_init(&list);
	code = write_rooms(session, &one->all, wanted->own != 0, wanted->limit, wanted->offset,
			   &list);
	if (code == CODE_OK)
		session->front->rooms(session, &scan->base.id, &list, one->all.count > end);
	else
		session_refuse(session, &scan->base.id, code);
	buf_fini(&list);
	request_end(&scan->base);
}

static bool is_large_enough(const struct room_search *one, const struct room_view *room)
{
	return !one->wanted.by_size || exceeding_has(&one->exceeding, room->id);
}

static int look_at_room(struct scan *scan)
{
	struct room_search *one = (struct room_search *)scan;
	const struct session *session = scan->base.base.session;
	struct room_view room;
	int code = cache_rooms_next(session->chat->cache, &scan->position, &room);

	if (code != CODE_OK)
		return scan_code(code);
	if (is_large_enough(one, &room))
		code = consider(session, &one->search, &room, &one->all);
	return one->all.failed ? CODE_BUSY : code;
}

static void room_search_settle(struct pending *pending, const struct outcome *outcome)
{
	struct room_search *one = (struct room_search *)pending;
	int code;

	if (!one->wanted.by_size || one->exceeding.known) {
		if (outcome->kind == OUTCOME_TIME)
			scan_run(&one->scan);
		return;
	}
	code = exceeding_settle(&one->exceeding, pending, outcome);
	if (code != CODE_OK)
		request_refuse(&one->scan.base, code);
	else if (one->exceeding.known)
		scan_run(&one->scan);
}

void chat_rooms(struct session *session, const struct chat_id *id, const struct chat_search *search)
{
	struct room_search *one = (struct room_search *)scan_begin(
		session, id, sizeof(*one), look_at_room, answer_rooms, room_search_free);
	int code;

	if (one == NULL)
		return;
	one->scan.base.base.settle = room_search_settle;
	one->wanted = *search;
	code = search_init(session, &one->wanted, &one->search);
	if (code == CODE_OK && search->by_size)
		code = exceeding_begin(&one->exceeding, &one->scan.base.base, search->bytes);
	if (code != CODE_OK)
		request_refuse(&one->scan.base, code);
	else if (!search->by_size)
		scan_run(&one->scan);
}

/* --- Users whose name or URI contains a text, in the order of their numbers. --- */

struct user_search {
	struct scan scan;
	struct match_text text;
	uint32_t limit, offset;
	uint64_t found;
	struct buf list; /* owned: of the page so far */
};

static void user_search_free(struct pending *pending)
{
	struct user_search *one = (struct user_search *)pending;

	session_request_ended(pending->session);
	buf_fini(&one->list);
	free(one);
}

static int look_at_user(struct scan *scan)
{
	struct user_search *one = (struct user_search *)scan;
	const struct session *session = scan->base.base.session;
	const uint64_t end = (uint64_t)one->offset + one->limit;
	struct principal_view user;
	const int code = cache_principals_next(session->chat->cache, &scan->position, &user);

	if (code != CODE_OK)
		return scan_code(code);
	if (user.kind != PRINCIPAL_USER ||
	    !match_text(&one->text, (struct text){user.name, user.name_length},
			(struct text){user.uri, user.uri_length}))
		return CODE_OK;
	if (one->found >= one->offset && one->found < end)
		session->front->account(&one->list, &user);
	return ++one->found > end ? SCAN_END : CODE_OK;
}

static void answer_users(struct scan *scan)
{
	struct user_search *one = (struct user_search *)scan;
	struct session *session = scan->base.base.session;

	session->front->accounts(session, &scan->base.id, &one->list,
				 one->found > (uint64_t)one->offset + one->limit);
	request_end(&scan->base);
}

void chat_users(struct session *session, const struct chat_id *id, struct text text, uint32_t limit,
		uint32_t offset)
{
	struct user_search *one = (struct user_search *)scan_begin(
		session, id, sizeof(*one), look_at_user, answer_users, user_search_free);

	if (one == NULL)
		return;
	buf_init(&one->list);
	match_text_init(&one->text, text);
	one->limit = limit;
	one->offset = offset;
	scan_run(&one->scan);
}
