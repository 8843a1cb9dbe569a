#include "config.h"

#include "shm/event.h"

#include <stdatomic.h>
#include <string.h>

/*
 * The fixed parts as they stand in the journal: host byte order, no holes, and what is reserved is
 * zero, so that the same event always gives the same bytes. They are copied in and out, because a
 * payload that stands inside a command need not be aligned.
 */
struct wire_principal {
	uint32_t id;
	uint16_t kind, state;
	uint32_t epoch;
	uint16_t uri, name; /* bytes */
};
static_assert(sizeof(struct wire_principal) == 16, "no holes");

struct wire_room {
	uint32_t id;
	uint16_t disabled;
	uint16_t reserved;
	uint64_t created;
	uint16_t name, description; /* bytes */
	uint32_t reserved2;
	uint8_t uuid[16];
};
static_assert(sizeof(struct wire_room) == 40, "no holes");

struct wire_session {
	uint16_t address; /* bytes */
	uint16_t reserved[3];
};
static_assert(sizeof(struct wire_session) == 8, "no holes");

struct wire_message {
	uint32_t text; /* bytes */
	uint16_t id;   /* bytes */
	uint16_t reserved;
};
static_assert(sizeof(struct wire_message) == 8, "no holes");

/* --- Taking apart. --- */

struct source {
	const uint8_t *at;
	uint32_t left;
};

static bool source_open(struct source *source, const void *payload, uint32_t size, void *fixed_r,
			uint32_t fixed)
{
	if (size < fixed || size > EVENT_PAYLOAD_MAX)
		return false;
	memcpy(fixed_r, payload, fixed);
	/* Without this the compiler could read a length again where it is used after its check. */
	atomic_signal_fence(memory_order_seq_cst);
	source->at = (const uint8_t *)payload + fixed;
	source->left = size - fixed;
	return true;
}

static bool source_text(struct source *source, uint32_t length, uint32_t max, struct text *text_r)
{
	if (length > max || length > source->left || memchr(source->at, 0, length))
		return false;
	*text_r = (struct text){.data = (const char *)source->at, .length = length};
	source->at += length;
	source->left -= length;
	return true;
}

bool event_principal_parse(const void *payload, uint32_t size, struct event_principal *event_r)
{
	struct wire_principal wire;
	struct source source;

	if (!source_open(&source, payload, size, &wire, sizeof(wire)) ||
	    wire.state > PRINCIPAL_DELETED)
		return false;
	*event_r = (struct event_principal){
		.id = wire.id,
		.kind = wire.kind,
		.state = wire.state,
		.epoch = wire.epoch,
	};
	return source_text(&source, wire.uri, EVENT_URI_MAX, &event_r->uri) &&
	       source_text(&source, wire.name, EVENT_NAME_MAX, &event_r->name) && source.left == 0;
}

bool event_room_parse(const void *payload, uint32_t size, struct event_room *event_r)
{
	struct wire_room wire;
	struct source source;

	if (!source_open(&source, payload, size, &wire, sizeof(wire)) || wire.disabled > 1)
		return false;
	*event_r = (struct event_room){
		.id = wire.id,
		.disabled = wire.disabled,
		.created = wire.created,
	};
	memcpy(event_r->uuid, wire.uuid, sizeof(event_r->uuid));
	return source_text(&source, wire.name, EVENT_NAME_MAX, &event_r->name) &&
	       source_text(&source, wire.description, EVENT_DESCRIPTION_MAX,
			   &event_r->description) &&
	       source.left == 0;
}

bool event_session_parse(const void *payload, uint32_t size, struct event_session *event_r)
{
	struct wire_session wire;
	struct source source;

	return source_open(&source, payload, size, &wire, sizeof(wire)) &&
	       source_text(&source, wire.address, EVENT_ADDRESS_MAX, &event_r->address) &&
	       source.left == 0;
}

bool event_message_parse(const void *payload, uint32_t size, struct event_message *event_r)
{
	struct wire_message wire;
	struct source source;

	return source_open(&source, payload, size, &wire, sizeof(wire)) &&
	       source_text(&source, wire.id, EVENT_MESSAGE_ID_MAX, &event_r->id) &&
	       source_text(&source, wire.text, EVENT_TEXT_MAX, &event_r->text) && source.left == 0;
}

/* The payload's size, read from the record once. */
static uint32_t record_payload(const struct record *record)
{
	return *(const volatile uint32_t *)&record->payload;
}

bool event_principal_get(const struct record *record, struct event_principal *event_r)
{
	return event_principal_parse(record + 1, record_payload(record), event_r);
}

bool event_room_get(const struct record *record, struct event_room *event_r)
{
	return event_room_parse(record + 1, record_payload(record), event_r);
}

bool event_session_get(const struct record *record, struct event_session *event_r)
{
	return event_session_parse(record + 1, record_payload(record), event_r);
}

bool event_message_get(const struct record *record, struct event_message *event_r)
{
	return event_message_parse(record + 1, record_payload(record), event_r);
}

/* --- Putting together. --- */

static bool text_fits(const struct text *text, uint32_t max)
{
	return text->length <= max && (text->length == 0 || !memchr(text->data, 0, text->length));
}

/* Both texts have been checked against their maxima, so the sum cannot overflow. */
static uint32_t event_put(const void *fixed, uint32_t fixed_size, const struct text *first,
			  const struct text *second, void *out, uint32_t size)
{
	uint32_t total = fixed_size + first->length + second->length;
	uint8_t *to = out;

	if (total > size)
		return 0;
	memcpy(to, fixed, fixed_size);
	to += fixed_size;
	if (first->length > 0)
		memcpy(to, first->data, first->length);
	to += first->length;
	if (second->length > 0)
		memcpy(to, second->data, second->length);
	return total;
}

uint32_t event_principal_put(const struct event_principal *event, void *out, uint32_t size)
{
	struct wire_principal wire = {
		.id = event->id,
		.kind = event->kind,
		.state = event->state,
		.epoch = event->epoch,
		.uri = (uint16_t)event->uri.length,
		.name = (uint16_t)event->name.length,
	};

	if (event->state > PRINCIPAL_DELETED || !text_fits(&event->uri, EVENT_URI_MAX) ||
	    !text_fits(&event->name, EVENT_NAME_MAX))
		return 0;
	return event_put(&wire, sizeof(wire), &event->uri, &event->name, out, size);
}

uint32_t event_room_put(const struct event_room *event, void *out, uint32_t size)
{
	struct wire_room wire = {
		.id = event->id,
		.disabled = event->disabled,
		.created = event->created,
		.name = (uint16_t)event->name.length,
		.description = (uint16_t)event->description.length,
	};

	if (event->disabled > 1 || !text_fits(&event->name, EVENT_NAME_MAX) ||
	    !text_fits(&event->description, EVENT_DESCRIPTION_MAX))
		return 0;
	memcpy(wire.uuid, event->uuid, sizeof(wire.uuid));
	return event_put(&wire, sizeof(wire), &event->name, &event->description, out, size);
}

uint32_t event_session_put(const struct event_session *event, void *out, uint32_t size)
{
	struct wire_session wire = {.address = (uint16_t)event->address.length};
	struct text none = {0};

	if (!text_fits(&event->address, EVENT_ADDRESS_MAX))
		return 0;
	return event_put(&wire, sizeof(wire), &event->address, &none, out, size);
}

uint32_t event_message_put(const struct event_message *event, void *out, uint32_t size)
{
	struct wire_message wire = {
		.text = event->text.length,
		.id = (uint16_t)event->id.length,
	};

	if (!text_fits(&event->id, EVENT_MESSAGE_ID_MAX) ||
	    !text_fits(&event->text, EVENT_TEXT_MAX))
		return 0;
	return event_put(&wire, sizeof(wire), &event->id, &event->text, out, size);
}

const char *event_name(unsigned type)
{
	static const char *const names[EVENT_TYPES] = {
		[EVENT_PAD] = "pad",
		[EVENT_START] = "start",
		[EVENT_PRINCIPAL] = "principal",
		[EVENT_ROOM] = "room",
		[EVENT_SESSION_OPEN] = "session open",
		[EVENT_SESSION_CLOSE] = "session close",
		[EVENT_JOIN] = "join",
		[EVENT_LEAVE] = "leave",
		[EVENT_MESSAGE] = "message",
	};

	return type < EVENT_TYPES && names[type] ? names[type] : "unknown";
}
