#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "worker/object_find.h"
#include "worker/object_send.h"

/* Messages removed, replaced and purged. */

enum { GAP_TRIES = 2, GAP_RETRY_US = 200000 };

struct purge {
	struct request base;
	uint32_t room;
	uint64_t before, time; /* of the question, if there was one */
	uint8_t tries;
	bool sent; /* the sequencer has been asked */
};

static int send_removal(struct session *session, uint32_t room, uint32_t tag,
			const uint64_t *numbers, unsigned count, struct text text)
{
	const struct command head = {.type = COMMAND_MESSAGE_REMOVE,
				     .flags = text.length > 0 ? EVENT_REPLACED : 0,
				     .room = room};
	const struct command_message_remove fixed = {.count = count};
	const struct event_replacement event = {.text = text};
	const size_t at = sizeof(fixed) + count * sizeof(*numbers);
	const size_t size = at + text.length + 64;
	uint8_t *payload = malloc(size);
	uint32_t put;
	int code = CODE_BUSY;

	if (payload == NULL)
		return code;
	memcpy(payload, &fixed, sizeof(fixed));
	memcpy(payload + sizeof(fixed), numbers, count * sizeof(*numbers));
	put = event_replacement_put(&event, payload + at, (uint32_t)(size - at));
	code = put == 0 ? CODE_INVALID_ARGUMENT
			: chat_command(session->chat, &head, session->number, tag, payload,
				       (uint32_t)at + put);
	free(payload);
	return code;
}

void chat_remove(struct session *session, const struct chat_id *id, const struct object_key *key,
		 const uint64_t *numbers, unsigned count, struct text text)
{
	struct request *request = request_begin(session, id, sizeof(*request), object_done);
	struct room_view room;
	int code;

	if (request == NULL)
		return;
	code = object_find_room(session->chat, key, &room);
	if (code == CODE_OK && text.length > session->chat->conf->limits.message_size)
		code = CODE_TOO_LARGE;
	if (code == CODE_OK)
		code = send_removal(session, room.id, request->base.tag, numbers, count, text);
	if (code != CODE_OK)
		request_refuse(request, code);
}

/* --- Purging. --- */

static int send_purge(struct purge *purge, uint64_t seq)
{
	const struct command head = {.type = COMMAND_PURGE, .room = purge->room};
	const struct command_purge payload = {.through = seq};
	struct session *session = purge->base.base.session;

	purge->sent = true;
	pending_until(&session->chat->pending, &purge->base.base, 0);
	return chat_command(session->chat, &head, session->number, purge->base.base.tag, &payload,
			    sizeof(payload));
}

static int ask_moment(struct purge *purge)
{
	struct pending *pending = &purge->base.base;
	struct chat *chat = pending->session->chat;
	const struct ask_moment question = {
		.room = purge->room, .before = purge->before, .time = purge->time};
	const struct text part = {(const char *)&question, sizeof(question)};
	const int code = chat_ask(chat, chat->questions, ASK_MOMENT, pending, &part, 1, -1);

	if (code == CODE_OK)
		pending_until(&chat->pending, pending, chat_answer_limit(chat));
	return code;
}

/* The newest message up to a time, where the recent ones tell; 0: they do not, and it is older than
 * *before_r. */
static int look(struct chat *chat, const struct room_view *room, uint64_t time, uint64_t *seq_r,
		uint64_t *before_r)
{
	unsigned count = 0;
	int code = cache_history(chat->cache, room->id, 0, UINT64_MAX, UINT64_MAX, chat->views,
				 CHAT_PAGE_MAX, chat->texts, chat->texts_size, &count);

	*seq_r = 0;
	*before_r = count > 0 ? chat->views[0].seq : room->last_seq + 1;
	for (unsigned i = 0; i < count; i++)
		if (chat->views[i].time <= time)
			*seq_r = chat->views[i].seq;
	return code;
}

static void answer_nothing(struct purge *purge)
{
	struct session *session = purge->base.base.session;

	session->front->done(session, &purge->base.id);
	request_end(&purge->base);
}

/* The reader's number. */
static void take_moment(struct purge *purge, const struct outcome *outcome)
{
	char text[24] = "";
	uint64_t seq;
	int code;

	if (outcome->ask->flags & ASK_GAP) {
		if (++purge->tries >= GAP_TRIES)
			request_refuse(&purge->base, CODE_UNAVAILABLE);
		else
			pending_until(&purge->base.base.session->chat->pending, &purge->base.base,
				      clock_mono() + GAP_RETRY_US);
		return;
	}
	if (outcome->ask->size < sizeof(text))
		memcpy(text, outcome->body, outcome->ask->size);
	seq = strtoull(text, NULL, 10);
	if (seq == 0) {
		answer_nothing(purge);
		return;
	}
	code = send_purge(purge, seq);
	if (code != CODE_OK)
		request_refuse(&purge->base, code);
}

static void purge_settle(struct pending *pending, const struct outcome *outcome)
{
	struct purge *purge = (struct purge *)pending;
	int code;

	if (outcome->kind == OUTCOME_TIME && !purge->sent && purge->tries == 1) {
		code = ask_moment(purge);
		if (code != CODE_OK)
			request_refuse(&purge->base, code);
		return;
	}
	code = outcome_code(outcome);
	if (code != CODE_OK)
		request_refuse(&purge->base, code);
	else if (outcome->kind == OUTCOME_ASK)
		take_moment(purge, outcome);
	else
		answer_nothing(purge);
}

/* For an administrator only, which the sequencer decides; but what a reader is asked for others
 * would be work for nothing. */
static int begin_purge(struct purge *purge, const struct object_key *key, uint64_t seq)
{
	struct session *session = purge->base.base.session;
	struct room_view room;
	int code = session->admin ? object_find_room(session->chat, key, &room)
				  : CODE_ERROR_PERMISSION;

	if (code != CODE_OK)
		return code;
	purge->room = room.id;
	if (seq == 0)
		code = look(session->chat, &room, purge->time, &seq, &purge->before);
	if (code != CODE_OK)
		return code;
	return seq > 0 ? send_purge(purge, seq) : ask_moment(purge);
}

void chat_purge(struct session *session, const struct chat_id *id, const struct object_key *key,
		uint64_t seq, uint64_t time)
{
	struct purge *purge =
		(struct purge *)request_begin(session, id, sizeof(*purge), purge_settle);
	int code;

	if (purge == NULL)
		return;
	purge->time = time;
	code = begin_purge(purge, key, seq);
	if (code != CODE_OK)
		request_refuse(&purge->base, code);
}
