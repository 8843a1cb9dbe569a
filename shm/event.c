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
	uint8_t privacy, behavior;
	uint32_t category, addin;
	uint64_t created, revision;
	uint16_t name, description; /* bytes */
	uint8_t invitations;
	uint8_t reserved[3];
	uint8_t uuid[16];
};
static_assert(sizeof(struct wire_room) == 56, "no holes");

struct wire_category {
	uint32_t id, flags;
	uint64_t created, revision;
	uint16_t name, description; /* bytes */
	uint32_t reserved;
	uint8_t uuid[16];
};
static_assert(sizeof(struct wire_category) == 48, "no holes");

struct wire_addin {
	uint32_t id;
	uint16_t name, url; /* bytes */
	uint8_t uuid[16];
};
static_assert(sizeof(struct wire_addin) == 24, "no holes");

struct wire_role {
	uint8_t kind, role, present, reserved;
	uint32_t node, principal;
};
static_assert(sizeof(struct wire_role) == 12, "no holes");

struct wire_affiliation {
	uint32_t member, group;
	uint8_t present;
	uint8_t reserved[3];
};
static_assert(sizeof(struct wire_affiliation) == 12, "no holes");

struct wire_removed {
	uint8_t kind;
	uint8_t reserved[3];
	uint32_t id;
};
static_assert(sizeof(struct wire_removed) == 8, "no holes");

struct wire_person {
	uint32_t principal, item, who, room;
	uint64_t number, time;
	uint16_t name, text; /* bytes */
	uint8_t what, flags;
	uint16_t reserved;
};
static_assert(sizeof(struct wire_person) == 40, "no holes");

struct wire_setting {
	uint8_t kind, present;
	uint16_t scope, name, value; /* bytes */
};
static_assert(sizeof(struct wire_setting) == 8, "no holes");

struct wire_grant {
	uint32_t principal;
	uint16_t policy; /* bytes */
	uint16_t reserved;
};
static_assert(sizeof(struct wire_grant) == 8, "no holes");

struct wire_session {
	uint16_t address, name; /* bytes */
	uint16_t reserved[2];
};
static_assert(sizeof(struct wire_session) == 8, "no holes");

struct wire_message {
	uint32_t text, rich; /* bytes, as are all of these */
	uint16_t title;
	uint8_t id, rich_type;
};
static_assert(sizeof(struct wire_message) == 12, "no holes");

struct wire_replacement {
	uint32_t author;
	uint32_t text; /* bytes */
};
static_assert(sizeof(struct wire_replacement) == 8, "no holes");

struct wire_view {
	uint8_t kind;
	uint8_t reserved[3];
	uint32_t request; /* bytes */
};
static_assert(sizeof(struct wire_view) == 8, "no holes");

struct wire_refused {
	int32_t code;
	uint16_t command, user; /* user: bytes, as is address */
	uint16_t address;
	uint16_t reserved[3];
};
static_assert(sizeof(struct wire_refused) == 16, "no holes");
struct wire_history { /* a message's payload follows it */
	uint64_t time, removals;
	uint32_t author;
	uint8_t what;
	uint8_t reserved[3];
};
static_assert(sizeof(struct wire_history) == 24, "no holes");

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

static bool is_room(uint16_t disabled, uint8_t privacy, uint8_t behavior, uint8_t invitations)
{
	return disabled <= 1 && invitations <= 1 &&
	       (privacy == PRIVACY_SECRET || privacy == PRIVACY_CLOSED ||
		privacy == PRIVACY_OPEN) &&
	       (behavior == BEHAVIOR_NORMAL || behavior == BEHAVIOR_AUDITORIUM);
}

bool event_room_parse(const void *payload, uint32_t size, struct event_room *event_r)
{
	struct wire_room wire;
	struct source source;

	if (!source_open(&source, payload, size, &wire, sizeof(wire)) ||
	    !is_room(wire.disabled, wire.privacy, wire.behavior, wire.invitations))
		return false;
	*event_r = (struct event_room){
		.id = wire.id,
		.disabled = wire.disabled,
		.category = wire.category,
		.addin = wire.addin,
		.privacy = wire.privacy,
		.behavior = wire.behavior,
		.invitations = wire.invitations,
		.created = wire.created,
		.revision = wire.revision,
	};
	memcpy(event_r->uuid, wire.uuid, sizeof(event_r->uuid));
	return source_text(&source, wire.name, EVENT_NAME_MAX, &event_r->name) &&
	       source_text(&source, wire.description, EVENT_DESCRIPTION_MAX,
			   &event_r->description) &&
	       source.left == 0;
}

bool event_category_parse(const void *payload, uint32_t size, struct event_category *event_r)
{
	struct wire_category wire;
	struct source source;

	if (!source_open(&source, payload, size, &wire, sizeof(wire)) ||
	    (wire.flags & ~(uint32_t)CATEGORY_FLAGS) != 0)
		return false;
	*event_r = (struct event_category){
		.id = wire.id,
		.flags = wire.flags,
		.created = wire.created,
		.revision = wire.revision,
	};
	memcpy(event_r->uuid, wire.uuid, sizeof(event_r->uuid));
	return source_text(&source, wire.name, EVENT_NAME_MAX, &event_r->name) &&
	       source_text(&source, wire.description, EVENT_DESCRIPTION_MAX,
			   &event_r->description) &&
	       source.left == 0;
}

bool event_addin_parse(const void *payload, uint32_t size, struct event_addin *event_r)
{
	struct wire_addin wire;
	struct source source;

	if (!source_open(&source, payload, size, &wire, sizeof(wire)))
		return false;
	*event_r = (struct event_addin){.id = wire.id};
	memcpy(event_r->uuid, wire.uuid, sizeof(event_r->uuid));
	return source_text(&source, wire.name, EVENT_ADDIN_NAME_MAX, &event_r->name) &&
	       source_text(&source, wire.url, EVENT_ADDIN_URL_MAX, &event_r->url) &&
	       source.left == 0;
}

static bool is_role(uint8_t kind, uint8_t role, uint8_t present)
{
	return present <= 1 &&
	       ((kind == NODE_CATEGORY && role >= ROLE_ALLOWED && role <= ROLE_CREATOR) ||
		(kind == NODE_ROOM && role >= ROLE_MEMBER && role <= ROLE_PRESENTER));
}

bool event_role_parse(const void *payload, uint32_t size, struct event_role *event_r)
{
	struct wire_role wire;
	struct source source;

	if (!source_open(&source, payload, size, &wire, sizeof(wire)) || source.left > 0 ||
	    !is_role(wire.kind, wire.role, wire.present))
		return false;
	*event_r = (struct event_role){
		.kind = wire.kind,
		.role = wire.role,
		.present = wire.present,
		.node = wire.node,
		.principal = wire.principal,
	};
	return true;
}

bool event_affiliation_parse(const void *payload, uint32_t size, struct event_affiliation *event_r)
{
	struct wire_affiliation wire;
	struct source source;

	if (!source_open(&source, payload, size, &wire, sizeof(wire)) || source.left > 0 ||
	    wire.present > 1)
		return false;
	*event_r = (struct event_affiliation){wire.member, wire.group, wire.present};
	return true;
}

bool event_removed_parse(const void *payload, uint32_t size, struct event_removed *event_r)
{
	struct wire_removed wire;
	struct source source;

	if (!source_open(&source, payload, size, &wire, sizeof(wire)) || source.left > 0 ||
	    wire.kind < NODE_CATEGORY || wire.kind > NODE_ADDIN)
		return false;
	*event_r = (struct event_removed){.kind = wire.kind, .id = wire.id};
	return true;
}

static bool is_person(uint32_t principal, uint8_t what, uint8_t flags)
{
	return principal != 0 && what >= PERSON_PUT && what <= PERSON_DENIED &&
	       flags <= (FEED_ANY | FEED_PHRASE | FEED_EGO);
}

bool event_person_parse(const void *payload, uint32_t size, struct event_person *event_r)
{
	struct wire_person wire;
	struct source source;

	if (!source_open(&source, payload, size, &wire, sizeof(wire)) ||
	    !is_person(wire.principal, wire.what, wire.flags))
		return false;
	*event_r = (struct event_person){
		.principal = wire.principal,
		.item = wire.item,
		.who = wire.who,
		.room = wire.room,
		.number = wire.number,
		.time = wire.time,
		.what = wire.what,
		.flags = wire.flags,
	};
	return source_text(&source, wire.name, EVENT_FEED_NAME_MAX, &event_r->name) &&
	       source_text(&source, wire.text, EVENT_WORDS_MAX, &event_r->text) &&
	       source.left == 0;
}

static bool is_setting(uint8_t kind, uint8_t present)
{
	return kind >= SCOPED_CONFIG && kind <= SCOPED_RETENTION && present <= 1;
}

bool event_setting_parse(const void *payload, uint32_t size, struct event_setting *event_r)
{
	struct wire_setting wire;
	struct source source;

	if (!source_open(&source, payload, size, &wire, sizeof(wire)) ||
	    !is_setting(wire.kind, wire.present))
		return false;
	*event_r = (struct event_setting){.kind = wire.kind, .present = wire.present};
	return source_text(&source, wire.scope, EVENT_SCOPE_MAX, &event_r->scope) &&
	       source_text(&source, wire.name, EVENT_SETTING_MAX, &event_r->name) &&
	       source_text(&source, wire.value, EVENT_VALUE_MAX, &event_r->value) &&
	       source.left == 0;
}

bool event_grant_parse(const void *payload, uint32_t size, struct event_grant *event_r)
{
	struct wire_grant wire;
	struct source source;

	if (!source_open(&source, payload, size, &wire, sizeof(wire)) || wire.principal == 0)
		return false;
	*event_r = (struct event_grant){.principal = wire.principal};
	return source_text(&source, wire.policy, EVENT_POLICY_MAX, &event_r->policy) &&
	       source.left == 0;
}

bool event_session_parse(const void *payload, uint32_t size, struct event_session *event_r)
{
	struct wire_session wire;
	struct source source;

	return source_open(&source, payload, size, &wire, sizeof(wire)) &&
	       source_text(&source, wire.address, EVENT_ADDRESS_MAX, &event_r->address) &&
	       source_text(&source, wire.name, EVENT_ADMIN_NAME_MAX, &event_r->name) &&
	       source.left == 0;
}

bool event_view_parse(const void *payload, uint32_t size, struct event_view *event_r)
{
	struct wire_view wire;
	struct source source;

	if (!source_open(&source, payload, size, &wire, sizeof(wire)) ||
	    wire.kind < VIEW_HISTORY || wire.kind >= VIEW_KINDS)
		return false;
	event_r->kind = wire.kind;
	return source_text(&source, wire.request, EVENT_REQUEST_MAX, &event_r->request) &&
	       source.left == 0;
}

bool event_refused_parse(const void *payload, uint32_t size, struct event_refused *event_r)
{
	struct wire_refused wire;
	struct source source;

	if (!source_open(&source, payload, size, &wire, sizeof(wire)))
		return false;
	event_r->code = wire.code;
	event_r->command = wire.command;
	return source_text(&source, wire.user, EVENT_URI_MAX, &event_r->user) &&
	       source_text(&source, wire.address, EVENT_ADDRESS_MAX, &event_r->address) &&
	       source.left == 0;
}

bool event_message_parse(const void *payload, uint32_t size, struct event_message *event_r)
{
	struct wire_message wire;
	struct source source;

	return source_open(&source, payload, size, &wire, sizeof(wire)) &&
	       source_text(&source, wire.id, EVENT_MESSAGE_ID_MAX, &event_r->id) &&
	       source_text(&source, wire.title, EVENT_TITLE_MAX, &event_r->title) &&
	       source_text(&source, wire.text, EVENT_TEXT_MAX, &event_r->text) &&
	       source_text(&source, wire.rich_type, EVENT_RICH_TYPE_MAX, &event_r->rich_type) &&
	       source_text(&source, wire.rich, EVENT_TEXT_MAX - wire.text, &event_r->rich) &&
	       (wire.rich_type > 0) == (wire.rich > 0) && source.left == 0;
}

struct text event_message_body(const struct event_message *event)
{
	return (struct text){.data = event->title.length > 0 ? event->title.data : event->text.data,
			     .length = event->title.length + event->text.length +
				       event->rich_type.length + event->rich.length};
}

bool event_replacement_parse(const void *payload, uint32_t size,
			     struct event_replacement *event_r)
{
	struct wire_replacement wire;
	struct source source;

	if (!source_open(&source, payload, size, &wire, sizeof(wire)) ||
	    !source_text(&source, wire.text, EVENT_TEXT_MAX, &event_r->text) || source.left != 0)
		return false;
	event_r->author = wire.author;
	return true;
}

bool event_history_parse(const void *payload, uint32_t size, struct event_history *event_r)
{
	struct wire_history wire;
	struct source source;

	if (!source_open(&source, payload, size, &wire, sizeof(wire)))
		return false;
	*event_r = (struct event_history){.what = wire.what,
					  .author = wire.author,
					  .time = wire.time,
					  .removals = wire.removals};
	return wire.what == HISTORY_MESSAGE
		       ? event_message_parse(source.at, source.left, &event_r->message)
		       : wire.what == HISTORY_END && source.left == 0;
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

bool event_category_get(const struct record *record, struct event_category *event_r)
{
	return event_category_parse(record + 1, record_payload(record), event_r);
}

bool event_addin_get(const struct record *record, struct event_addin *event_r)
{
	return event_addin_parse(record + 1, record_payload(record), event_r);
}

bool event_role_get(const struct record *record, struct event_role *event_r)
{
	return event_role_parse(record + 1, record_payload(record), event_r);
}

bool event_affiliation_get(const struct record *record, struct event_affiliation *event_r)
{
	return event_affiliation_parse(record + 1, record_payload(record), event_r);
}

bool event_removed_get(const struct record *record, struct event_removed *event_r)
{
	return event_removed_parse(record + 1, record_payload(record), event_r);
}

bool event_person_get(const struct record *record, struct event_person *event_r)
{
	return event_person_parse(record + 1, record_payload(record), event_r);
}

bool event_setting_get(const struct record *record, struct event_setting *event_r)
{
	return event_setting_parse(record + 1, record_payload(record), event_r);
}

bool event_grant_get(const struct record *record, struct event_grant *event_r)
{
	return event_grant_parse(record + 1, record_payload(record), event_r);
}

bool event_session_get(const struct record *record, struct event_session *event_r)
{
	return event_session_parse(record + 1, record_payload(record), event_r);
}

bool event_message_get(const struct record *record, struct event_message *event_r)
{
	return event_message_parse(record + 1, record_payload(record), event_r);
}

bool event_replacement_get(const struct record *record, struct event_replacement *event_r)
{
	return event_replacement_parse(record + 1, record_payload(record), event_r);
}

bool event_view_get(const struct record *record, struct event_view *event_r)
{
	return event_view_parse(record + 1, record_payload(record), event_r);
}

bool event_refused_get(const struct record *record, struct event_refused *event_r)
{
	return event_refused_parse(record + 1, record_payload(record), event_r);
}

bool event_history_get(const struct record *record, struct event_history *event_r)
{
	return event_history_parse(record + 1, record_payload(record), event_r);
}

/* --- Putting together. --- */

static bool text_fits(const struct text *text, uint32_t max)
{
	return text->length <= max && (text->length == 0 || !memchr(text->data, 0, text->length));
}

/* The texts have been checked against their maxima, so the sum cannot overflow. */
static uint32_t put_texts(const void *fixed, uint32_t fixed_size, const struct text *const *texts,
			  unsigned count, void *out, uint32_t size)
{
	uint32_t total = fixed_size;
	uint8_t *to = out;

	for (unsigned i = 0; i < count; i++)
		total += texts[i]->length;
	if (total > size)
		return 0;
	memcpy(to, fixed, fixed_size);
	to += fixed_size;
	for (unsigned i = 0; i < count; i++) {
		if (texts[i]->length > 0)
			memcpy(to, texts[i]->data, texts[i]->length);
		to += texts[i]->length;
	}
	return total;
}

static uint32_t event_put(const void *fixed, uint32_t fixed_size, const struct text *first,
			  const struct text *second, void *out, uint32_t size)
{
	const struct text *const texts[] = {first, second};

	return put_texts(fixed, fixed_size, texts, 2, out, size);
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
		.privacy = event->privacy,
		.behavior = event->behavior,
		.category = event->category,
		.addin = event->addin,
		.created = event->created,
		.revision = event->revision,
		.name = (uint16_t)event->name.length,
		.description = (uint16_t)event->description.length,
		.invitations = event->invitations,
	};

	if (!is_room(event->disabled, event->privacy, event->behavior, event->invitations) ||
	    !text_fits(&event->name, EVENT_NAME_MAX) ||
	    !text_fits(&event->description, EVENT_DESCRIPTION_MAX))
		return 0;
	memcpy(wire.uuid, event->uuid, sizeof(wire.uuid));
	return event_put(&wire, sizeof(wire), &event->name, &event->description, out, size);
}

uint32_t event_category_put(const struct event_category *event, void *out, uint32_t size)
{
	struct wire_category wire = {
		.id = event->id,
		.flags = event->flags,
		.created = event->created,
		.revision = event->revision,
		.name = (uint16_t)event->name.length,
		.description = (uint16_t)event->description.length,
	};

	if ((event->flags & ~(uint32_t)CATEGORY_FLAGS) != 0 ||
	    !text_fits(&event->name, EVENT_NAME_MAX) ||
	    !text_fits(&event->description, EVENT_DESCRIPTION_MAX))
		return 0;
	memcpy(wire.uuid, event->uuid, sizeof(wire).uuid);
	return event_put(&wire, sizeof(wire), &event->name, &event->description, out, size);
}

uint32_t event_addin_put(const struct event_addin *event, void *out, uint32_t size)
{
	struct wire_addin wire = {
		.id = event->id,
		.name = (uint16_t)event->name.length,
		.url = (uint16_t)event->url.length,
	};

	if (!text_fits(&event->name, EVENT_ADDIN_NAME_MAX) ||
	    !text_fits(&event->url, EVENT_ADDIN_URL_MAX))
		return 0;
	memcpy(wire.uuid, event->uuid, sizeof(wire).uuid);
	return event_put(&wire, sizeof(wire), &event->name, &event->url, out, size);
}

uint32_t event_role_put(const struct event_role *event, void *out, uint32_t size)
{
	struct wire_role wire = {
		.kind = event->kind,
		.role = event->role,
		.present = event->present,
		.node = event->node,
		.principal = event->principal,
	};
	struct text none = {0};

	if (!is_role(event->kind, event->role, event->present))
		return 0;
	return event_put(&wire, sizeof(wire), &none, &none, out, size);
}

uint32_t event_affiliation_put(const struct event_affiliation *event, void *out, uint32_t size)
{
	struct wire_affiliation wire = {
		.member = event->member,
		.group = event->group,
		.present = event->present,
	};
	struct text none = {0};

	return event->present > 1 ? 0 : event_put(&wire, sizeof(wire), &none, &none, out, size);
}

uint32_t event_removed_put(const struct event_removed *event, void *out, uint32_t size)
{
	struct wire_removed wire = {.kind = event->kind, .id = event->id};
	struct text none = {0};

	if (event->kind < NODE_CATEGORY || event->kind > NODE_ADDIN)
		return 0;
	return event_put(&wire, sizeof(wire), &none, &none, out, size);
}

uint32_t event_person_put(const struct event_person *event, void *out, uint32_t size)
{
	struct wire_person wire = {
		.principal = event->principal,
		.item = event->item,
		.who = event->who,
		.room = event->room,
		.number = event->number,
		.time = event->time,
		.name = (uint16_t)event->name.length,
		.text = (uint16_t)event->text.length,
		.what = event->what,
		.flags = event->flags,
	};

	if (!is_person(event->principal, event->what, event->flags) ||
	    !text_fits(&event->name, EVENT_FEED_NAME_MAX) ||
	    !text_fits(&event->text, EVENT_WORDS_MAX))
		return 0;
	return event_put(&wire, sizeof(wire), &event->name, &event->text, out, size);
}

uint32_t event_setting_put(const struct event_setting *event, void *out, uint32_t size)
{
	const struct text *const texts[] = {&event->scope, &event->name, &event->value};
	const struct wire_setting wire = {
		.kind = event->kind,
		.present = event->present,
		.scope = (uint16_t)event->scope.length,
		.name = (uint16_t)event->name.length,
		.value = (uint16_t)event->value.length,
	};

	if (!is_setting(event->kind, event->present) || !text_fits(&event->scope, EVENT_SCOPE_MAX) ||
	    !text_fits(&event->name, EVENT_SETTING_MAX) ||
	    !text_fits(&event->value, EVENT_VALUE_MAX))
		return 0;
	return put_texts(&wire, sizeof(wire), texts, 3, out, size);
}

uint32_t event_grant_put(const struct event_grant *event, void *out, uint32_t size)
{
	const struct wire_grant wire = {.principal = event->principal,
					.policy = (uint16_t)event->policy.length};
	const struct text none = {0};

	if (event->principal == 0 || !text_fits(&event->policy, EVENT_POLICY_MAX))
		return 0;
	return event_put(&wire, sizeof(wire), &event->policy, &none, out, size);
}

uint32_t event_session_put(const struct event_session *event, void *out, uint32_t size)
{
	struct wire_session wire = {.address = (uint16_t)event->address.length,
				    .name = (uint16_t)event->name.length};

	if (!text_fits(&event->address, EVENT_ADDRESS_MAX) ||
	    !text_fits(&event->name, EVENT_ADMIN_NAME_MAX))
		return 0;
	return event_put(&wire, sizeof(wire), &event->address, &event->name, out, size);
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

	if (!text_fits(&event->id, EVENT_MESSAGE_ID_MAX) ||
	    !text_fits(&event->title, EVENT_TITLE_MAX) ||
	    !text_fits(&event->text, EVENT_TEXT_MAX) ||
	    !text_fits(&event->rich_type, EVENT_RICH_TYPE_MAX) ||
	    !text_fits(&event->rich, EVENT_TEXT_MAX - event->text.length) ||
	    (event->rich_type.length > 0) != (event->rich.length > 0))
		return 0;
	return put_texts(&wire, sizeof(wire), texts, 5, out, size);
}

uint32_t event_replacement_put(const struct event_replacement *event, void *out, uint32_t size)
{
	const struct wire_replacement wire = {.author = event->author, .text = event->text.length};
	const struct text none = {0};

	if (!text_fits(&event->text, EVENT_TEXT_MAX))
		return 0;
	return event_put(&wire, sizeof(wire), &event->text, &none, out, size);
}

uint32_t event_view_put(const struct event_view *event, void *out, uint32_t size)
{
	const struct wire_view wire = {.kind = event->kind, .request = event->request.length};
	const struct text none = {0};

	if (event->kind < VIEW_HISTORY || event->kind >= VIEW_KINDS ||
	    !text_fits(&event->request, EVENT_REQUEST_MAX))
		return 0;
	return event_put(&wire, sizeof(wire), &event->request, &none, out, size);
}

uint32_t event_refused_put(const struct event_refused *event, void *out, uint32_t size)
{
	const struct wire_refused wire = {.code = event->code,
					  .command = event->command,
					  .user = (uint16_t)event->user.length,
					  .address = (uint16_t)event->address.length};

	if (!text_fits(&event->user, EVENT_URI_MAX) ||
	    !text_fits(&event->address, EVENT_ADDRESS_MAX))
		return 0;
	return event_put(&wire, sizeof(wire), &event->user, &event->address, out, size);
}

uint32_t event_history_put(const struct event_history *event, void *out, uint32_t size)
{
	const struct wire_history wire = {.time = event->time,
					  .removals = event->removals,
					  .author = event->author,
					  .what = event->what};
	uint32_t message = 0;

	if (size < sizeof(wire) ||
	    (event->what != HISTORY_MESSAGE && event->what != HISTORY_END))
		return 0;
	memcpy(out, &wire, sizeof(wire));
	if (event->what == HISTORY_END)
		return sizeof(wire);
	message = event_message_put(&event->message, (uint8_t *)out + sizeof(wire),
				    size - (uint32_t)sizeof(wire));
	return message == 0 ? 0 : (uint32_t)sizeof(wire) + message;
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
		[EVENT_CATEGORY] = "category",
		[EVENT_ADDIN] = "add-in",
		[EVENT_ROLE] = "role",
		[EVENT_AFFILIATION] = "affiliation",
		[EVENT_REMOVED] = "removed",
		[EVENT_MESSAGE_REMOVED] = "message removed",
		[EVENT_PURGE] = "purge",
		[EVENT_INVITATION] = "invitation",
		[EVENT_MARKER] = "marker",
		[EVENT_FEED] = "feed",
		[EVENT_ACCESS_REQUEST] = "access request",
		[EVENT_SETTING] = "setting",
		[EVENT_GRANT] = "grant",
		[EVENT_VIEW] = "view",
		[EVENT_REFUSED] = "refused",
		[EVENT_HISTORY] = "history",
		[EVENT_FILE_GRANT] = "file grant",
		[EVENT_FILE] = "file",
		[EVENT_FILE_READ] = "file read",
		[EVENT_FILE_REMOVED] = "file removed",
	};

	return type < EVENT_TYPES && names[type] ? names[type] : "unknown";
}
