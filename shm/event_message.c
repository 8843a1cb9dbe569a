#include "config.h"

#include <string.h>

#include "shm/event_wire.h"

/* What is said, or was. */

struct wire_message {
	uint32_t text, rich; /* bytes, as are all of these */
	uint16_t title;
	uint8_t id, rich_type;
};
static_assert(sizeof(struct wire_message) == 12, "no holes");

bool event_message_parse(const void *payload, uint32_t size, struct event_message *event_r)
{
	struct wire_message wire;
	struct wire_source source;

	return wire_open(&source, payload, size, &wire, sizeof(wire)) &&
	       wire_text(&source, wire.id, EVENT_MESSAGE_ID_MAX, &event_r->id) &&
	       wire_text(&source, wire.title, EVENT_TITLE_MAX, &event_r->title) &&
	       wire_text(&source, wire.text, EVENT_TEXT_MAX, &event_r->text) &&
	       wire_text(&source, wire.rich_type, EVENT_RICH_TYPE_MAX, &event_r->rich_type) &&
	       wire_text(&source, wire.rich, EVENT_TEXT_MAX - wire.text, &event_r->rich) &&
	       (wire.rich_type > 0) == (wire.rich > 0) && source.left == 0;
}

bool event_message_get(const struct record *record, struct event_message *event_r)
{
	return event_message_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_message_put(const struct event_message *event, void *out, uint32_t size)
{
	const struct text *const texts[] = {&event->id, &event->title, &event->text,
					    &event->rich_type, &event->rich};
	const struct wire_message wire = {
		.text = event->text.length,
		.rich = event->rich.length,
		.title = (uint16_t)event->title.length,
		.id = (uint8_t)event->id.length,
		.rich_type = (uint8_t)event->rich_type.length,
	};

	if (!wire_fits(&event->id, EVENT_MESSAGE_ID_MAX) ||
	    !wire_fits(&event->title, EVENT_TITLE_MAX) ||
	    !wire_fits(&event->text, EVENT_TEXT_MAX) ||
	    !wire_fits(&event->rich_type, EVENT_RICH_TYPE_MAX) ||
	    !wire_fits(&event->rich, EVENT_TEXT_MAX - event->text.length) ||
	    (event->rich_type.length > 0) != (event->rich.length > 0))
		return 0;
	return wire_put_texts(&wire, sizeof(wire), texts, 5, out, size);
}

struct text event_message_body(const struct event_message *event)
{
	return (struct text){.data = event->title.length > 0 ? event->title.data : event->text.data,
			     .length = event->title.length + event->text.length +
				       event->rich_type.length + event->rich.length};
}

struct wire_replacement {
	uint32_t author;
	uint32_t text; /* bytes */
};
static_assert(sizeof(struct wire_replacement) == 8, "no holes");

bool event_replacement_parse(const void *payload, uint32_t size, struct event_replacement *event_r)
{
	struct wire_replacement wire;
	struct wire_source source;

	if (!wire_open(&source, payload, size, &wire, sizeof(wire)) ||
	    !wire_text(&source, wire.text, EVENT_TEXT_MAX, &event_r->text) || source.left != 0)
		return false;
	event_r->author = wire.author;
	return true;
}

bool event_replacement_get(const struct record *record, struct event_replacement *event_r)
{
	return event_replacement_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_replacement_put(const struct event_replacement *event, void *out, uint32_t size)
{
	const struct wire_replacement wire = {.author = event->author, .text = event->text.length};
	const struct text none = {0};

	if (!wire_fits(&event->text, EVENT_TEXT_MAX))
		return 0;
	return wire_put(&wire, sizeof(wire), &event->text, &none, out, size);
}

struct wire_history { /* a message's payload follows it */
	uint64_t time, removals;
	uint32_t author;
	uint8_t what;
	uint8_t reserved[3];
};
static_assert(sizeof(struct wire_history) == 24, "no holes");

bool event_history_parse(const void *payload, uint32_t size, struct event_history *event_r)
{
	struct wire_history wire;
	struct wire_source source;

	if (!wire_open(&source, payload, size, &wire, sizeof(wire)))
		return false;
	*event_r = (struct event_history){.what = wire.what,
					  .author = wire.author,
					  .time = wire.time,
					  .removals = wire.removals};
	return wire.what == HISTORY_MESSAGE
		       ? event_message_parse(source.at, source.left, &event_r->message)
		       : wire.what == HISTORY_END && source.left == 0;
}

bool event_history_get(const struct record *record, struct event_history *event_r)
{
	return event_history_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_history_put(const struct event_history *event, void *out, uint32_t size)
{
	const struct wire_history wire = {.time = event->time,
					  .removals = event->removals,
					  .author = event->author,
					  .what = event->what};
	uint32_t message = 0;

	if (size < sizeof(wire) || (event->what != HISTORY_MESSAGE && event->what != HISTORY_END))
		return 0;
	memcpy(out, &wire, sizeof(wire));
	if (event->what == HISTORY_END)
		return sizeof(wire);
	message = event_message_put(&event->message, (uint8_t *)out + sizeof(wire),
				    size - (uint32_t)sizeof(wire));
	return message == 0 ? 0 : (uint32_t)sizeof(wire) + message;
}
