#include "worker/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conf/log.h"
#include "worker/core.h"

bool view_is_recorded(const struct chat *chat)
{
	return chat->conf->compliance.enabled;
}

int view_note(struct pending *pending, enum view_kind kind, const uint32_t *rooms, unsigned count,
	      struct text request)
{
	const struct command_view head = {.count = count};
	const struct event_view event = {.kind = (uint8_t)kind, .request = request};
	const struct command command = {.type = COMMAND_VIEW, .room = count == 1 ? rooms[0] : 0};
	uint8_t payload[sizeof(head) + COMMAND_VIEW_MAX * sizeof(rooms[0]) + 64 +
			EVENT_REQUEST_MAX];
	uint32_t used = sizeof(head), size;

	if (count > COMMAND_VIEW_MAX)
		return CODE_LIMIT_EXCEEDED;
	memcpy(payload, &head, sizeof(head));
	if (count > 0)
		memcpy(payload + used, rooms, count * sizeof(rooms[0]));
	used += count * (uint32_t)sizeof(rooms[0]);
	size = event_view_put(&event, payload + used, (uint32_t)sizeof(payload) - used);
	if (size == 0)
		return CODE_TOO_LARGE;
	return chat_command(pending->session->chat, &command, pending->session->number,
			    pending->tag, payload, used + size);
}

static void put_on_record(struct session *session, uint32_t room, const struct event_refused *event)
{
	const struct conf *conf = session->chat->conf;
	const struct command command = {.type = COMMAND_REFUSED, .room = room};
	uint8_t payload[32 + EVENT_METHOD_MAX];
	const uint32_t size = event_refused_put(event, payload, sizeof(payload));

	if (!conf->compliance.enabled || !conf->compliance.refused)
		return;
	if (chat_command(session->chat, &command, session->number, 0, payload, size) != CODE_OK &&
	    log_within(&session->chat->unrecorded, "refusals are not on record"))
		log_warning("what a session may not do is not on record: the sequencer is busy");
}

void view_refused(struct session *session, uint32_t room, int code)
{
	const struct event_refused event = {.code = code, .command = COMMAND_VIEW};

	put_on_record(session, room, &event);
}

void view_forbidden(struct session *session, const char *method)
{
	const struct event_refused event = {.code = CODE_ERROR_PERMISSION,
					    .method = {method, (uint32_t)strlen(method)}};

	put_on_record(session, 0, &event);
}

int view_note_messages(struct pending *pending, uint32_t room, uint64_t first, uint64_t last)
{
	char text[64];
	const int length =
		snprintf(text, sizeof(text), "messages %" PRIu64 " to %" PRIu64, first, last);

	return view_note(pending, VIEW_HISTORY, &room, 1, (struct text){text, (uint32_t)length});
}
