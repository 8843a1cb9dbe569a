#include "config.h"

#include <string.h>

#include "shm/event_wire.h"

/* Files. */

struct wire_file {
	uint64_t size, time;
	uint32_t author;
	uint16_t name, type; /* bytes */
	uint8_t uuid[16];
	uint8_t sha256[FILE_HASH];
	uint8_t token_hash[FILE_HASH];
};
static_assert(sizeof(struct wire_file) == 104, "no holes");

bool event_file_parse(const void *payload, uint32_t size, struct event_file *event_r)
{
	struct wire_file wire;
	struct wire_source source;

	if (!wire_open(&source, payload, size, &wire, sizeof(wire)))
		return false;
	*event_r = (struct event_file){.size = wire.size, .time = wire.time, .author = wire.author};
	memcpy(event_r->uuid, wire.uuid, sizeof(wire.uuid));
	memcpy(event_r->sha256, wire.sha256, sizeof(wire.sha256));
	memcpy(event_r->token_hash, wire.token_hash, sizeof(wire.token_hash));
	return wire_text(&source, wire.name, EVENT_FILE_NAME_MAX, &event_r->name) &&
	       wire_text(&source, wire.type, EVENT_FILE_TYPE_MAX, &event_r->type) &&
	       source.left == 0;
}

bool event_file_get(const struct record *record, struct event_file *event_r)
{
	return event_file_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_file_put(const struct event_file *event, void *out, uint32_t size)
{
	struct wire_file wire = {
		.size = event->size,
		.time = event->time,
		.author = event->author,
		.name = (uint16_t)event->name.length,
		.type = (uint16_t)event->type.length,
	};

	if (!wire_fits(&event->name, EVENT_FILE_NAME_MAX) ||
	    !wire_fits(&event->type, EVENT_FILE_TYPE_MAX))
		return 0;
	memcpy(wire.uuid, event->uuid, sizeof(wire.uuid));
	memcpy(wire.sha256, event->sha256, sizeof(wire.sha256));
	memcpy(wire.token_hash, event->token_hash, sizeof(wire.token_hash));
	return wire_put(&wire, sizeof(wire), &event->name, &event->type, out, size);
}
