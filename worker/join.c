#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/core.h"
#include "worker/page.h"
#include "worker/person.h"
#include "worker/roster.h"
#include "worker/view.h"

/* The most that is believed of the last answer about the bytes that a room takes. */
enum { PART_GUESS_MAX = 2048 };

static_assert((int)CHAT_JOIN_MAX <= (int)EVENT_ROOMS_MAX, "one event for all rooms of a join");

/*
 * room.join: one command for all rooms, and one of its own for each that its event leaves out. When
 * a room is joined its answer is put together, with a reader's help where the cache has too little.
 * The client gets one answer when all rooms are settled. The join waits under a tag of its own
 * while the command for all is under way, and so does each room that waits for anything else.
 */
enum join_stage {
	JOIN_SEEK,     /* its room is looked for */
	JOIN_FOUND,    /* its room is known */
	JOIN_TOGETHER, /* the sequencer was asked, of all rooms */
	JOIN_SENT,     /* the sequencer was asked, of this one */
	JOIN_BEGIN,    /* joined: the page is to be begun */
	JOIN_VIEW,     /* the page waits to be on record */
	JOIN_PAGE,     /* the page waits for a reader */
	JOIN_COMPLETE, /* the answer is to be put together */
	JOIN_SETTLED,
};

struct join_room {
	struct pending base;
	struct join *join; /* borrowed: it owns this */
	uint8_t uuid[16];
	uint8_t stage; /* enum join_stage */
	bool has_since;
	bool without; /* messages: they could not be had */
	uint16_t tries;
	uint32_t id;
	uint64_t upto; /* LSN of the join */
	uint64_t since;
	uint16_t history;
	int code;
	uint64_t last_seq;
	struct page page;
	struct buf messages;
	struct buf text; /* its part of the answer, where those before it are not there yet */
};

struct join {
	struct pending base;
	struct session *session; /* borrowed */
	unsigned count;
	unsigned left; /* rooms not yet settled, and one while the command for all is under way */
	bool started;
	uint64_t size;	  /* bytes of all parts of the answer */
	unsigned written; /* so many, from the first on, are in the answer */
	struct buf answer;
	struct join_room room[];
};

static void join_free(struct join *join)
{
	for (unsigned i = 0; i < join->count; i++) {
		buf_fini(&join->room[i].messages);
		buf_fini(&join->room[i].text);
	}
	buf_fini(&join->answer);
	session_request_ended(join->session);
	free(join);
}

/* The answer is not copied again and again as it grows. Not before the first part is there: of
 * those that wait for the sequencer there may be many. */
static void keep_room(struct join *join)
{
	const uint32_t part = join->session->chat->join_part;

	(void)buf_room(&join->answer,
		       join->count * (size_t)(part < PART_GUESS_MAX ? part : PART_GUESS_MAX));
}

/* Where its part of the answer is to be written: behind those before it, if they are there. */
static struct buf *part_of(struct join_room *room)
{
	struct join *join = room->join;

	if (room != &join->room[join->written])
		return &room->text;
	if (join->written++ > 0)
		join->session->front->separate(&join->answer);
	else
		keep_room(join);
	return &join->answer;
}

static void answer(struct join *join)
{
	struct session *session = join->session;

	while (join->written < join->count) {
		struct join_room *room = &join->room[join->written];

		buf_append(part_of(room), &room->text);
		buf_fini(&room->text);
	}
	session->chat->join_part = (uint32_t)(join->size / join->count);
	session->front->joins(session, &join->answer);
	join_free(join);
}

/* One thing less is waited for; the last one answers the client. */
static void settled(struct join *join)
{
	if (--join->left == 0 && join->started)
		answer(join);
}

/* Called for a room that leaves the pendings because its session is gone. */
static void room_free(struct pending *pending)
{
	struct join_room *room = (struct join_room *)pending;

	if (--room->join->left == 0)
		join_free(room->join);
}

/* From here on the room waits by itself. */
static void wait_alone(struct join_room *room)
{
	struct session *session = room->join->session;

	if (room->base.session == NULL)
		pending_begin(&session->chat->pending, &room->base, session);
}

static void settle_room(struct join_room *room)
{
	struct join *join = room->join;

	room->stage = JOIN_SETTLED;
	if (room->base.session != NULL) {
		join->left++; /* room_free takes it away again */
		pending_end(&join->session->chat->pending, &room->base);
	}
	settled(join);
}

static void write_part(struct join_room *room, const struct chat_joined *joined)
{
	struct join *join = room->join;
	struct buf *part = part_of(room);
	const uint32_t before = buf_used(part);

	join->session->front->joined(join->session->chat, part, joined);
	join->size += buf_used(part) - before;
	settle_room(room);
}

static void refuse(struct join_room *room, int code)
{
	struct chat_joined joined = {.code = code};

	chat_count_refusal(room->join->session->chat, code);
	memcpy(joined.uuid, room->uuid, sizeof(joined.uuid));
	write_part(room, &joined);
}

/* A step that found the cache busy is taken again. */
static void step_failed(struct join_room *room, int code)
{
	if (code == CODE_BUSY)
		wait_alone(room);
	if (code != CODE_BUSY || !pending_try_again(&room->base, &room->tries))
		refuse(room, code);
}

/* Whether the client has to fetch the messages page by page: they could not be had, or the parts of
 * the answer before them are larger than what a connection may have unsent. */
static bool is_without(const struct join_room *room)
{
	return room->without ||
	       (room->join->size > room->join->session->chat->conf->json.output_size &&
		buf_used(&room->messages) > 0);
}

/* The room's part of the answer. */
static void complete(struct join_room *room, const struct room_view *view)
{
	struct session *session = room->join->session;
	struct chat_joined joined = {.room = view, .last_seq = room->last_seq};
	struct text users;
	int code = roster_list(session, view, &users, &joined.user_count);

	if ((code == CODE_OK || code == CODE_LIMIT_EXCEEDED) &&
	    person_marker_get(session, room->id, &joined.marker) != CODE_OK)
		code = CODE_BUSY;
	if (code != CODE_OK && code != CODE_LIMIT_EXCEEDED) {
		step_failed(room, code);
		return;
	}
	memcpy(joined.uuid, room->uuid, sizeof(joined.uuid));
	joined.users = code == CODE_OK ? &users : NULL;
	joined.span = page_span(&room->page);
	if (is_without(room)) {
		buf_fini(&room->messages);
		joined.span.last = joined.span.first - 1;
		joined.span.more = true;
	}
	joined.messages = &room->messages;
	write_part(room, &joined);
}

/* The same, where the room has to be looked at again. */
static void complete_later(struct join_room *room)
{
	struct room_view view;
	int code = cache_room(room->join->session->chat->cache, room->page.room, &view);

	room->stage = JOIN_COMPLETE;
	if (code == CODE_OK)
		complete(room, &view);
	else
		step_failed(room, code);
}

/* Whatever became of the page, the user is in the room: that is so since the event. */
static void paged(struct join_room *room, enum page_result result)
{
	room->without = result == PAGE_FAILED;
	if (result != PAGE_WAITS)
		complete_later(room);
}

/*
 * The newest message below the LSN: from there on the session is told of all. If the cache has none
 * below it the room's numbers still say enough: what is said too high here was told already.
 */
static int find_last(struct chat *chat, const struct room_view *view, uint64_t upto,
		     uint64_t *last_r)
{
	unsigned count = 0;
	int code = cache_history(chat->cache, view->id, 0, UINT64_MAX, upto, chat->views, 1,
				 chat->texts, chat->texts_size, &count);

	*last_r = count > 0 ? chat->views[0].seq : view->oldest_seq - 1;
	return code;
}

static void page(struct join_room *room)
{
	int code;

	wait_alone(room);
	room->stage = JOIN_PAGE;
	paged(room, page_begin(&room->page, &room->base, &room->messages, &code));
}

static void note_view(struct join_room *room)
{
	int code;

	wait_alone(room);
	room->stage = JOIN_VIEW;
	code = view_note_messages(&room->base, room->id, room->page.low, room->page.high);
	if (code != CODE_OK)
		refuse(room, code);
}

static void viewed(struct join_room *room, int code)
{
	if (code == CODE_OK)
		page(room);
	else
		refuse(room, code);
}

static void begin_page(struct join_room *room)
{
	struct chat *chat = room->join->session->chat;
	struct chat_range range = {
		.after = room->has_since ? room->since : 0,
		.before = UINT64_MAX,
		.limit = room->has_since ? CHAT_PAGE_MAX : room->history,
		.from_oldest = room->has_since,
	};
	struct room_view view;
	int code = cache_room(chat->cache, room->id, &view);

	room->stage = JOIN_BEGIN;
	if (code == CODE_OK && room->has_since && room->since == view.last_seq)
		room->last_seq = view.last_seq; /* as most who come back: the client has them all */
	else if (code == CODE_OK)
		code = find_last(chat, &view, room->upto, &room->last_seq);
	if (code != CODE_OK) {
		step_failed(room, code);
		return;
	}
	page_init(&room->page, &view, &range, room->last_seq, room->upto);
	room->page.fill = !room->has_since;
	if (page_is_empty(&room->page)) {
		room->stage = JOIN_COMPLETE;
		complete(room, &view);
	} else if (view_is_recorded(chat)) {
		note_view(room);
	} else {
		page(room);
	}
}

/* Asks for this room alone. */
static void send_alone(struct join_room *room)
{
	struct session *session = room->join->session;
	const struct command command = {.type = COMMAND_JOIN, .room = room->id};
	int code;

	wait_alone(room);
	room->stage = JOIN_SENT;
	code = chat_command(session->chat, &command, session->number, room->base.tag, NULL, 0);
	if (code != CODE_OK)
		refuse(room, code);
}

static void seek(struct join_room *room)
{
	struct session *session = room->join->session;
	int code = cache_room_id(session->chat->cache, room->uuid, &room->id);

	if (code != CODE_OK) {
		step_failed(room, code);
		return;
	}
	room->stage = JOIN_FOUND;
	if (room->join->started) /* the others are on their way */
		send_alone(room);
}

static void sequenced(struct join_room *room, const struct outcome *outcome)
{
	int code = outcome_code(outcome);

	if (code != CODE_OK) {
		refuse(room, code);
		return;
	}
	/* If it was in the room before: what the tail has passed was told already. */
	room->upto = outcome->kind == OUTCOME_EVENT ? outcome->record->lsn
						    : room->join->session->chat->tail.lsn;
	begin_page(room);
}

static void settle(struct pending *pending, const struct outcome *outcome)
{
	struct join_room *room = (struct join_room *)pending;
	int code;

	switch ((enum join_stage)room->stage) {
	case JOIN_SEEK:
		seek(room);
		break;
	case JOIN_FOUND:
	case JOIN_TOGETHER:
	case JOIN_SETTLED:
		break; /* it waits for nothing of its own */
	case JOIN_SENT:
		sequenced(room, outcome);
		break;
	case JOIN_BEGIN:
		begin_page(room);
		break;
	case JOIN_VIEW:
		viewed(room, outcome_code(outcome));
		break;
	case JOIN_PAGE:
		paged(room, page_settle(&room->page, pending, outcome, &room->messages, &code));
		break;
	case JOIN_COMPLETE:
		complete_later(room);
		break;
	}
}

/* --- All rooms together. --- */

/* With it those rooms are given up that wait for nothing else. */
static void join_ended(struct pending *pending)
{
	struct join *join = (struct join *)pending;

	for (unsigned i = 0; i < join->count; i++)
		if (join->room[i].stage == JOIN_TOGETHER)
			join->left--;
	if (--join->left == 0)
		join_free(join);
}

static void settle_together(struct pending *pending, const struct outcome *outcome)
{
	struct join *join = (struct join *)pending;
	const int code = outcome_code(outcome);
	struct event_rooms event;

	if (outcome->kind != OUTCOME_EVENT || !event_rooms_get(outcome->record, &event))
		event.count = 0;
	for (unsigned i = 0; i < join->count; i++) {
		struct join_room *room = &join->room[i];

		if (room->stage != JOIN_TOGETHER)
			continue;
		if (code != CODE_OK)
			refuse(room, code);
		else if (event_rooms_has(&event, room->id))
			sequenced(room, outcome);
		else
			send_alone(room);
	}
	join->left++; /* join_ended takes it away again */
	pending_end(&join->session->chat->pending, pending);
	settled(join);
}

/* Asks for the rooms that were found. */
static int send_together(struct join *join, const struct event_rooms *event)
{
	const struct command command = {.type = COMMAND_JOIN_ROOMS};
	struct chat *chat = join->session->chat;
	uint8_t payload[EVENT_ROOMS_SIZE];
	const uint32_t size = event_rooms_put(event, payload, sizeof(payload));

	join->left++;
	join->base.settle = settle_together;
	join->base.free = join_ended;
	pending_begin(&chat->pending, &join->base, join->session);
	return chat_command(chat, &command, join->session->number, join->base.tag, payload, size);
}

static void send_found(struct join *join)
{
	struct event_rooms event = {.count = 0};
	struct join_room *only = NULL;
	struct answer busy = {.code = CODE_OK};

	for (unsigned i = 0; i < join->count; i++) {
		struct join_room *room = &join->room[i];

		if (room->stage != JOIN_FOUND)
			continue;
		only = room;
		room->stage = JOIN_TOGETHER;
		event.place[event.count++] = (struct event_place){.room = room->id};
	}
	if (event.count == 1)
		send_alone(only);
	else if (event.count > 1)
		busy.code = send_together(join, &event);
	if (busy.code != CODE_OK)
		settle_together(&join->base,
				&(struct outcome){.kind = OUTCOME_ANSWER, .answer = &busy});
}

static void begin_room(struct join_room *room)
{
	room->stage = JOIN_SEEK;
	room->base.settle = settle;
	room->base.free = room_free;
	seek(room);
}

bool join_begin(struct session *session, const struct chat_id *id,
		const struct chat_signed_in *signed_in, const struct chat_join *joins,
		unsigned count)
{
	struct join *join = NULL;

	if (session->requests < SESSION_REQUESTS_MAX)
		join = calloc(1, sizeof(*join) + count * sizeof(join->room[0]));
	if (join == NULL)
		return false;
	session_request_begun(session);
	join->session = session;
	join->count = join->left = count;
	session->front->joins_begin(&join->answer, id, signed_in);
	for (unsigned i = 0; i < count; i++) {
		struct join_room *room = &join->room[i];

		room->join = join;
		memcpy(room->uuid, joins[i].room, sizeof(room->uuid));
		room->has_since = joins[i].has_since;
		room->since = joins[i].since;
		room->history = joins[i].history;
		begin_room(room);
	}
	send_found(join);
	join->started = true;
	if (join->left == 0)
		answer(join);
	return true;
}

void chat_join(struct session *session, const struct chat_id *id, const struct chat_join *joins,
	       unsigned count)
{
	if (!join_begin(session, id, NULL, joins, count))
		session_refuse(session, id, CODE_BUSY);
}
