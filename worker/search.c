#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "shm/role.h"
#include "worker/lookup.h"
#include "worker/object_find.h"
#include "worker/view.h"

/* Searches for messages: rooms and authors made into numbers, and the question to a reader. */

enum { WORDS_MAX = 2048 /* bytes */ };

struct search {
	struct request base;
	struct lookup lookup;
	bool viewing; /* it waits to be on record */
	struct text from;  /* owned: as it was given */
	struct text words; /* owned */
	struct ask_search ask;
	struct ask_search_room room[ASK_SEARCH_ROOMS];
};

static void search_free(struct pending *pending)
{
	struct search *search = (struct search *)pending;

	session_request_ended(pending->session);
	free((char *)(uintptr_t)search->words.data);
	free((char *)(uintptr_t)search->from.data);
	free(search);
}

static int go_on(struct search *search)
{
	return lookup_go_on(&search->lookup, &search->base.base);
}

/* all of "plan b" by "bob" from 2026-01-01T... to ... */
static struct text describe(const struct search *search, char text[EVENT_REQUEST_MAX])
{
	static const char *const matches[] = {"all", "any", "phrase"};
	const struct ask_search *ask = &search->ask;
	char start[CLOCK_TEXT], end[CLOCK_TEXT];
	int length = snprintf(text, EVENT_REQUEST_MAX, "%s of \"%.*s\"", matches[ask->match % 3],
			      (int)search->words.length, search->words.data);

	if (search->from.length > 0)
		length += snprintf(text + length, EVENT_REQUEST_MAX - (size_t)length,
				   " by \"%.*s\"", (int)search->from.length, search->from.data);
	if (ask->start > 0)
		length += snprintf(text + length, EVENT_REQUEST_MAX - (size_t)length, " from %s",
				   clock_format(ask->start, start));
	if (ask->end < INT64_MAX)
		length += snprintf(text + length, EVENT_REQUEST_MAX - (size_t)length, " to %s",
				   clock_format(ask->end, end));
	return (struct text){text, (uint32_t)length};
}

static int note_view(struct search *search)
{
	uint32_t rooms[ASK_SEARCH_ROOMS];
	char text[EVENT_REQUEST_MAX];
	int code;

	for (unsigned i = 0; i < search->ask.rooms; i++)
		rooms[i] = search->room[i].id;
	code = view_note(&search->base.base, VIEW_SEARCH, rooms, search->ask.rooms,
			 describe(search, text));
	search->viewing = code == CODE_OK;
	return code;
}

static void settle(struct pending *pending, const struct outcome *outcome)
{
	struct search *search = (struct search *)pending;
	struct session *session = pending->session;
	int code;

	if (search->viewing || lookup_waits(&search->lookup, outcome)) {
		code = search->viewing ? outcome_code(outcome) : CODE_OK;
		search->viewing = false;
		if (code == CODE_OK)
			code = go_on(search);
		if (code != CODE_OK)
			request_refuse(&search->base, code);
		return;
	}
	code = outcome_code(outcome);
	if (code != CODE_OK) {
		request_refuse(&search->base, code);
	} else if (outcome->kind == OUTCOME_ASK) {
		session->front->found(session, &search->base.id, outcome->body, outcome->ask->size);
		request_end(&search->base);
	}
}

/* Who may join a room may search it; a disabled one is for administrators. */
static int may_search(struct session *session, const struct room_view *room)
{
	unsigned rights = 0;
	int code;

	if (session->admin)
		return CODE_OK;
	code = cache_rights(session->chat->cache, session->principal, room->id, &rights);
	if (code != CODE_OK)
		return code;
	if (!(rights & RIGHT_JOIN))
		code = rights & RIGHT_SEE ? CODE_ERROR_PERMISSION : CODE_NO_SUCH_NODE;
	else if (room->disabled)
		code = CODE_NODE_DISABLED;
	if (code != CODE_OK)
		view_refused(session, room->id, code);
	return code;
}

static int add_named(struct search *search, const struct object_key *key)
{
	struct session *session = search->base.base.session;
	struct ask_search_room *room = &search->room[search->ask.rooms];
	struct room_view view;
	int code = object_find_room(session->chat, key, &view);

	if (code == CODE_OK)
		code = may_search(session, &view);
	if (code != CODE_OK)
		return code;
	room->id = view.id;
	memcpy(room->uuid, view.uuid, sizeof(room->uuid));
	search->ask.rooms++;
	return CODE_OK;
}

/* The rooms that the session is in. */
static int add_joined(struct search *search)
{
	const struct session *session = search->base.base.session;

	if (session->admin)
		return CODE_INVALID_ARGUMENT;
	if (session->rooms > ASK_SEARCH_ROOMS)
		return CODE_LIMIT_EXCEEDED;
	for (uint32_t i = 0; i < session->rooms; i++) {
		struct ask_search_room *room = &search->room[search->ask.rooms++];

		room->id = session->member[i].room->id;
		memcpy(room->uuid, session->member[i].room->uuid, sizeof(room->uuid));
	}
	return CODE_OK;
}

static bool keep(struct text text, struct text *own_r)
{
	char *own = malloc(text.length + 1u);

	if (own == NULL)
		return false;
	if (text.length > 0)
		memcpy(own, text.data, text.length);
	*own_r = (struct text){own, text.length};
	return true;
}

static int prepare(struct search *search, const struct chat_find *find)
{
	const struct chat *chat = search->base.base.session->chat;
	struct ask_search *ask = &search->ask;
	int code = CODE_OK;

	if (find->words.length > WORDS_MAX || find->from.length > EVENT_URI_MAX)
		return CODE_INVALID_ARGUMENT;
	if (!keep(find->words, &search->words) || !keep(find->from, &search->from))
		return CODE_BUSY;
	*ask = find->ask;
	ask->rooms = 0;
	for (unsigned i = 0; i < find->count && code == CODE_OK; i++)
		code = add_named(search, &find->rooms[i]);
	if (find->count == 0)
		code = add_joined(search);
	if (code == CODE_OK && find->from.length > 0)
		code = object_find_principal(chat, find->from, &ask->author);
	return code;
}

void chat_find(struct session *session, const struct chat_id *id, const struct chat_find *find)
{
	struct search *search =
		(struct search *)request_begin(session, id, sizeof(*search), settle);
	struct chat *chat = session->chat;
	int code;

	if (search == NULL)
		return;
	search->base.base.free = search_free;
	lookup_init(&search->lookup, chat, ASK_SEARCH);
	code = prepare(search, find);
	lookup_add(&search->lookup, &search->ask, sizeof(search->ask));
	lookup_add(&search->lookup, search->room,
		   (uint32_t)(search->ask.rooms * sizeof(search->room[0])));
	lookup_add(&search->lookup, search->words.data, search->words.length);
	if (code == CODE_OK)
		code = view_is_recorded(chat) ? note_view(search) : go_on(search);
	if (code != CODE_OK)
		request_refuse(&search->base, code);
}
