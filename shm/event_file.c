#include "config.h"

#include "shm/event.h"

#include <stdatomic.h>
#include <string.h>

/* As in event.c: host byte order, no holes, and what is reserved is zero. */
struct wire_file {
	uint64_t size, time;
	uint32_t author;
	uint16_t name, type; /* bytes */
	uint8_t uuid[16];
	uint8_t sha256[FILE_HASH];
	uint8_t token_hash[FILE_HASH];
};
static_assert(sizeof(struct wire_file) == 104, "no holes");

static bool is_sound(const struct wire_file *wire, const uint8_t *texts, uint32_t size)
{
	return wire->name <= EVENT_FILE_NAME_MAX && wire->type <= EVENT_FILE_TYPE_MAX &&
	       size == (uint32_t)wire->name + wire->type && !memchr(texts, 0, size);
}

bool event_file_parse(const void *payload, uint32_t size, struct event_file *event_r)
{
	const uint8_t *texts = (const uint8_t *)payload + sizeof(struct wire_file);
	struct wire_file wire;

	if (size < sizeof(wire))
		return false;
	memcpy(&wire, payload, sizeof(wire));
	/* Without this the compiler could read a length again where it is used after its check. */
	atomic_signal_fence(memory_order_seq_cst);
	if (!is_sound(&wire, texts, size - (uint32_t)sizeof(wire)))
		return false;
	*event_r = (struct event_file){
		.size = wire.size,
		.time = wire.time,
		.author = wire.author,
		.name = {(const char *)texts, wire.name},
		.type = {(const char *)texts + wire.name, wire.type},
	};
	memcpy(event_r->uuid, wire.uuid, sizeof(wire.uuid));
	memcpy(event_r->sha256, wire.sha256, sizeof(wire.sha256));
	memcpy(event_r->token_hash, wire.token_hash, sizeof(wire.token_hash));
	return true;
}

bool event_file_get(const struct record *record, struct event_file *event_r)
{
	return event_file_parse(record + 1, *(const volatile uint32_t *)&record->payload, event_r);
}

static bool fits(const struct text *text, uint32_t max)
{
	return text->length <= max && (text->length == 0 || !memchr(text->data, 0, text->length));
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
	uint8_t *to = out;

	if (!fits(&event->name, EVENT_FILE_NAME_MAX) || !fits(&event->type, EVENT_FILE_TYPE_MAX) ||
	    size < sizeof(wire) + wire.name + wire.type)
		return 0;
	memcpy(wire.uuid, event->uuid, sizeof(wire.uuid));
	memcpy(wire.sha256, event->sha256, sizeof(wire.sha256));
	memcpy(wire.token_hash, event->token_hash, sizeof(wire.token_hash));
	memcpy(to, &wire, sizeof(wire));
	if (wire.name > 0)
		memcpy(to + sizeof(wire), event->name.data, wire.name);
	if (wire.type > 0)
		memcpy(to + sizeof(wire) + wire.name, event->type.data, wire.type);
	return (uint32_t)sizeof(wire) + wire.name + wire.type;
}
