#include <stdlib.h>
#include <string.h>

#include "worker/core.h"
#include "worker/page.h"
#include "worker/roster.h"
#include "worker/view.h"

/* What one room is asked for: posting, leaving, its history, who is in it. */

/* CODE_OK, CODE_NO_SUCH_NODE or CODE_BUSY. Rooms that the session is in are found without the
 * cache. */
static int find_room(const struct session *session, const uint8_t uuid[16], uint32_t *room_r)
{
	struct room_view view;
	int code;

	*room_r = fanout_find_uuid(session, uuid);
	if (*room_r != 0)
		return CODE_OK;
	code = cache_room_by_uuid(session->chat->cache, uuid, &view);
	if (code == CODE_OK)
		*room_r = view.id;
	return code;
}

/* --- Posting. --- */

static void post_settle(struct pending *pending, const struct outcome *outcome)
{
	struct request *request = (struct request *)pending;
	struct session *session = pending->session;
	int code = outcome_code(outcome);

	if (code != CODE_OK) {
		request_refuse(request, code);
		return;
	}
	if (outcome->kind == OUTCOME_EVENT)
		session->front->posted(session, &request->id, outcome->record->seq,
				       outcome->record->time, false);
	else if (outcome->kind == OUTCOME_ANSWER)
		session->front->posted(session, &request->id, outcome->answer->seq,
				       outcome->answer->time, true);
	else
		return;
	request_end(request);
}

static int send_post(struct session *session, const struct command *command, uint32_t tag,
		     const struct event_message *message)
{
	uint32_t size = message->id.length + message->title.length + message->text.length +
			message->rich_type.length + message->rich.length + 64;
	uint8_t *payload = malloc(size);
	int code = CODE_BUSY;

	if (payload != NULL) {
		size = event_message_put(message, payload, size);
		code = size == 0 ? CODE_INVALID_ARGUMENT
				 : chat_command(session->chat, command, session->number, tag,
						payload, size);
	}
	free(payload);
	return code;
}

static bool is_too_large(const struct conf *conf, const struct event_message *message)
{
	const uint32_t most = message->title.length > 0 ? conf->limits.story_size
							: conf->limits.message_size;

	return message->text.length > most || message->rich.length > conf->limits.rich_size;
}

/* Whether the session is in the room is the sequencer's to say: its join may still be under way. */
void chat_post(struct session *session, const struct chat_id *id, const uint8_t uuid[16],
	       const struct event_message *message, bool alert)
{
	struct command command = {.type = COMMAND_MESSAGE, .flags = alert ? EVENT_ALERT : 0};
	struct request *request;
	int code = find_room(session, uuid, &command.room);

	if (code == CODE_OK && is_too_large(session->chat->conf, message))
		code = CODE_TOO_LARGE;
	if (code != CODE_OK) {
		session_refuse(session, id, code);
		return;
	}
	request = request_begin(session, id, sizeof(*request), post_settle);
	if (request == NULL)
		return;
	code = send_post(session, &command, request->base.tag, message);
	if (code != CODE_OK)
		request_refuse(request, code);
}

/* --- Leaving. --- */

static void leave_settle(struct pending *pending, const struct outcome *outcome)
{
	struct request *request = (struct request *)pending;
	int code = outcome_code(outcome);

	if (code != CODE_OK) {
		request_refuse(request, code);
		return;
	}
	pending->session->front->done(pending->session, &request->id);
	request_end(request);
}

void chat_leave(struct session *session, const struct chat_id *id, const uint8_t uuid[16])
{
	struct command command = {.type = COMMAND_LEAVE};
	struct request *request;
	int code = find_room(session, uuid, &command.room);

	if (code != CODE_OK) {
		session_refuse(session, id, code);
		return;
	}
	request = request_begin(session, id, sizeof(*request), leave_settle);
	if (request == NULL)
		return;
	code = chat_command(session->chat, &command, session->number, request->base.tag, NULL, 0);
	if (code != CODE_OK)
		request_refuse(request, code);
}

/* --- Reading: only in rooms that the session is in. --- */

static int joined_room(const struct session *session, const uint8_t uuid[16],
		       struct room_view *view_r)
{
	uint32_t room = fanout_find_uuid(session, uuid);
	int code;

	if (room != 0)
		return cache_room(session->chat->cache, room, view_r);
	code = cache_room_by_uuid(session->chat->cache, uuid, view_r);
	return code == CODE_OK ? CODE_USER_NOT_JOINED : code;
}

struct participants {
	struct request base;
	uint8_t uuid[16];
	uint16_t tries;
};

static void list_participants(struct participants *request)
{
	struct session *session = request->base.base.session;
	struct room_view view;
	struct buf list;
	int code = joined_room(session, request->uuid, &view);

	buf_init(&list);
	if (code == CODE_OK)
		code = roster_write_all(session, &view, &list);
	if (code == CODE_OK) {
		session->front->users(session, &request->base.id, &list);
		request_end(&request->base);
	} else if (code != CODE_BUSY || !pending_try_again(&request->base.base, &request->tries)) {
		request_refuse(&request->base, code);
	}
	buf_fini(&list);
}

static void participants_settle(struct pending *pending, const struct outcome *outcome)
{
	(void)outcome; /* nothing but the time is waited for */
	list_participants((struct participants *)pending);
}

void chat_participants(struct session *session, const struct chat_id *id, const uint8_t uuid[16])
{
	struct participants *request;

	request = (struct participants *)request_begin(session, id, sizeof(*request),
						       participants_settle);
	if (request == NULL)
		return;
	memcpy(request->uuid, uuid, sizeof(request->uuid));
	list_participants(request);
}

struct history {
	struct request base;
	uint8_t uuid[16];
	bool begun;   /* the page */
	bool viewing; /* it waits to be on record */
	uint16_t tries;
	struct chat_range range;
	struct page page;
	struct buf rows;
};

static void history_free(struct pending *pending)
{
	struct history *history = (struct history *)pending;

	session_request_ended(pending->session);
	buf_fini(&history->rows);
	free(history);
}

static void history_go_on(struct history *history, enum page_result result, int code)
{
	struct session *session = history->base.base.session;
	struct chat_span span;

	if (result == PAGE_WAITS)
		return;
	if (result == PAGE_FAILED) {
		request_refuse(&history->base, code);
		return;
	}
	span = page_span(&history->page);
	session->front->messages(session, &history->base.id, &history->rows, &span);
	request_end(&history->base);
}

static void history_page(struct history *history)
{
	int code = CODE_OK;
	const enum page_result result =
		page_begin(&history->page, &history->base.base, &history->rows, &code);

	history_go_on(history, result, code);
}

static void history_view(struct history *history)
{
	const struct page *page = &history->page;
	const int code =
		view_note_messages(&history->base.base, page->room, page->low, page->high);

	history->viewing = code == CODE_OK;
	if (code != CODE_OK)
		request_refuse(&history->base, code);
}

static void history_begin(struct history *history)
{
	struct pending *pending = &history->base.base;
	struct room_view view;
	int code = joined_room(pending->session, history->uuid, &view);

	if (code == CODE_BUSY && pending_try_again(pending, &history->tries))
		return;
	if (code == CODE_USER_NOT_JOINED)
		view_refused(pending->session, view.id, code);
	if (code != CODE_OK) {
		request_refuse(&history->base, code);
		return;
	}
	history->begun = true;
	page_init(&history->page, &view, &history->range, view.last_seq, UINT64_MAX);
	if (view_is_recorded(pending->session->chat) && !page_is_empty(&history->page))
		history_view(history);
	else
		history_page(history);
}

static void history_settle(struct pending *pending, const struct outcome *outcome)
{
	struct history *history = (struct history *)pending;
	enum page_result result;
	int code = CODE_OK;

	if (!history->begun) {
		history_begin(history);
		return;
	}
	if (history->viewing) {
		code = outcome_code(outcome);
		history->viewing = false;
		if (code == CODE_OK)
			history_page(history);
		else
			request_refuse(&history->base, code);
		return;
	}
	result = page_settle(&history->page, pending, outcome, &history->rows, &code);
	history_go_on(history, result, code);
}

void chat_history(struct session *session, const struct chat_id *id, const uint8_t uuid[16],
		  const struct chat_range *range)
{
	struct history *history;

	history = (struct history *)request_begin(session, id, sizeof(*history), history_settle);
	if (history == NULL)
		return;
	history->base.base.free = history_free;
	history->range = *range;
	memcpy(history->uuid, uuid, sizeof(history->uuid));
	history_begin(history);
}
