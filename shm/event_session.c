#include "config.h"

#include <string.h>

#include "shm/event_wire.h"

/* Who is there, who reads, and who tries. */

struct wire_session {
	uint16_t address, name; /* bytes */
	uint16_t reserved[2];
};
static_assert(sizeof(struct wire_session) == 8, "no holes");

bool event_session_parse(const void *payload, uint32_t size, struct event_session *event_r)
{
	struct wire_session wire;
	struct wire_source source;

	return wire_open(&source, payload, size, &wire, sizeof(wire)) &&
	       wire_text(&source, wire.address, EVENT_ADDRESS_MAX, &event_r->address) &&
	       wire_text(&source, wire.name, EVENT_ADMIN_NAME_MAX, &event_r->name) &&
	       source.left == 0;
}

bool event_session_get(const struct record *record, struct event_session *event_r)
{
	return event_session_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_session_put(const struct event_session *event, void *out, uint32_t size)
{
	struct wire_session wire = {.address = (uint16_t)event->address.length,
				    .name = (uint16_t)event->name.length};

	if (!wire_fits(&event->address, EVENT_ADDRESS_MAX) ||
	    !wire_fits(&event->name, EVENT_ADMIN_NAME_MAX))
		return 0;
	return wire_put(&wire, sizeof(wire), &event->address, &event->name, out, size);
}

struct wire_rooms {
	uint32_t count; /* of struct event_place, which follow */
	uint32_t reserved;
	struct origin from;
};
static_assert(sizeof(struct wire_rooms) == EVENT_ROOMS_HEAD, "no holes");
static_assert(sizeof(struct event_place) == 8, "no holes");

static bool is_place(const struct event_rooms *event, const struct event_place *place)
{
	if (place->flags & EVENT_TAKEN)
		return place->room != 0 && place->flags == EVENT_TAKEN && event->from.session != 0;
	return place->room != 0 && (place->flags & ~(EVENT_FIRST | EVENT_LAST)) == 0;
}

bool event_rooms_parse(const void *payload, uint32_t size, struct event_rooms *event_r)
{
	struct wire_rooms wire;
	struct wire_source source;

	if (!wire_open(&source, payload, size, &wire, sizeof(wire)) || wire.count == 0 ||
	    wire.count > EVENT_ROOMS_MAX || source.left != wire.count * sizeof(event_r->place[0]))
		return false;
	event_r->count = wire.count;
	event_r->from = wire.from;
	memcpy(event_r->place, source.at, source.left);
	for (uint32_t i = 0; i < wire.count; i++)
		if (!is_place(event_r, &event_r->place[i]))
			return false;
	return true;
}

bool event_rooms_get(const struct record *record, struct event_rooms *event_r)
{
	return event_rooms_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_rooms_put(const struct event_rooms *event, void *out, uint32_t size)
{
	const struct wire_rooms wire = {.count = event->count, .from = event->from};
	uint8_t *to = out;

	if (event->count == 0 || event->count > EVENT_ROOMS_MAX ||
	    size < event_rooms_size(event->count))
		return 0;
	memcpy(to, &wire, sizeof(wire));
	to += sizeof(wire);
	for (uint32_t i = 0; i < event->count; i++, to += sizeof(struct event_place)) {
		const struct event_place place = {.room = event->place[i].room,
						  .flags = event->place[i].flags};

		if (!is_place(event, &place))
			return 0;
		memcpy(to, &place, sizeof(place));
	}
	return event_rooms_size(event->count);
}

bool event_rooms_has(const struct event_rooms *event, uint32_t room)
{
	for (uint32_t i = 0; i < event->count; i++)
		if (event->place[i].room == room)
			return true;
	return false;
}

struct wire_view {
	uint8_t kind;
	uint8_t reserved[3];
	uint32_t request; /* bytes */
};
static_assert(sizeof(struct wire_view) == 8, "no holes");

bool event_view_parse(const void *payload, uint32_t size, struct event_view *event_r)
{
	struct wire_view wire;
	struct wire_source source;

	if (!wire_open(&source, payload, size, &wire, sizeof(wire)) || wire.kind < VIEW_HISTORY ||
	    wire.kind >= VIEW_KINDS)
		return false;
	event_r->kind = wire.kind;
	return wire_text(&source, wire.request, EVENT_REQUEST_MAX, &event_r->request) &&
	       source.left == 0;
}

bool event_view_get(const struct record *record, struct event_view *event_r)
{
	return event_view_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_view_put(const struct event_view *event, void *out, uint32_t size)
{
	const struct wire_view wire = {.kind = event->kind, .request = event->request.length};
	const struct text none = {0};

	if (event->kind < VIEW_HISTORY || event->kind >= VIEW_KINDS ||
	    !wire_fits(&event->request, EVENT_REQUEST_MAX))
		return 0;
	return wire_put(&wire, sizeof(wire), &event->request, &none, out, size);
}

struct wire_refused {
	int32_t code;
	uint16_t command, user; /* user: bytes, as is address */
	uint16_t address, method;
	uint16_t reserved[2];
};
static_assert(sizeof(struct wire_refused) == 16, "no holes");

bool event_refused_parse(const void *payload, uint32_t size, struct event_refused *event_r)
{
	struct wire_refused wire;
	struct wire_source source;

	if (!wire_open(&source, payload, size, &wire, sizeof(wire)))
		return false;
	event_r->code = wire.code;
	event_r->command = wire.command;
	return wire_text(&source, wire.user, EVENT_URI_MAX, &event_r->user) &&
	       wire_text(&source, wire.address, EVENT_ADDRESS_MAX, &event_r->address) &&
	       wire_text(&source, wire.method, EVENT_METHOD_MAX, &event_r->method) &&
	       source.left == 0;
}

bool event_refused_get(const struct record *record, struct event_refused *event_r)
{
	return event_refused_parse(record + 1, wire_payload(record), event_r);
}

uint32_t event_refused_put(const struct event_refused *event, void *out, uint32_t size)
{
	const struct wire_refused wire = {.code = event->code,
					  .command = event->command,
					  .user = (uint16_t)event->user.length,
					  .address = (uint16_t)event->address.length,
					  .method = (uint16_t)event->method.length};
	const struct text *const texts[] = {&event->user, &event->address, &event->method};

	if (!wire_fits(&event->user, EVENT_URI_MAX) ||
	    !wire_fits(&event->address, EVENT_ADDRESS_MAX) ||
	    !wire_fits(&event->method, EVENT_METHOD_MAX))
		return 0;
	return wire_put_texts(&wire, sizeof(wire), texts, 3, out, size);
}
