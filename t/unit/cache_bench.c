#include "cache_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/segment.h"

const uint8_t key[16] = "0123456789abcdef";

int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct err err;
	uint64_t size;

	b->conf.cache.rooms = 8;
	b->conf.cache.principals = 16;
	b->conf.cache.sessions = 16;
	b->conf.cache.participants = 32;
	b->conf.cache.messages = 64;
	b->conf.cache.categories = 4;
	b->conf.cache.addins = 4;
	b->conf.cache.roles = 16;
	b->conf.cache.affiliations = 16;
	b->conf.cache.settings = 16;
	b->conf.cache.invitations = b->conf.cache.markers = 16;
	b->conf.cache.feeds = b->conf.cache.requests = 16;
	b->conf.cache.text = 64 * 200;
	b->conf.cache.history = 256 * 64;
	size = cache_size(&b->conf, &err);
	assert_true(size > 0);
	assert_return_code(segment_create("cache", size, &b->rw, &b->ro, &err), 0);
	assert_return_code(apply_open_shared(&b->shared, b->rw, &err), 0);
	assert_return_code(apply_open_private(&b->private, &b->conf, &err), 0);
	assert_return_code(apply_reset(&b->shared, &b->conf, key, &err), 0);
	assert_return_code(apply_reset(&b->private, &b->conf, key, &err), 0);
	b->shared.undo = true;
	b->reader = cache_map(b->ro, &err);
	assert_non_null(b->reader);
	b->lsn = 4096;
	*state = b;
	return 0;
}

int tear_down(void **state)
{
	struct bench *b = *state;

	cache_free(&b->reader);
	segment_unmap(&b->shared.map);
	segment_unmap(&b->private.map);
	close(b->rw);
	close(b->ro);
	free(b);
	return 0;
}

struct text text(const char *s)
{
	return (struct text){s, (uint32_t)strlen(s)};
}

struct record *make(struct bench *b, enum event_type type, uint32_t size)
{
	struct record *r = &b->next.record;
	uint32_t length = ((uint32_t)sizeof(*r) + size + 7) & ~7u;

	*r = (struct record){.type = (uint16_t)type,
			     .lsn = b->lsn,
			     .length = length,
			     .payload = size,
			     .time = b->lsn,
			     .command = ++b->command,
			     .mail_slot = SLOT_WORKER};
	b->lsn += length;
	return r;
}

void apply(struct bench *b)
{
	struct err err = {0};

	if (apply_record(&b->shared, &b->next.record, &err) < 0 ||
	    apply_record(&b->private, &b->next.record, &err) < 0)
		fail_msg("%s", err.text);
}

void make_principal(struct bench *b, uint32_t id, const char *uri, const char *name)
{
	struct event_principal event = {
		.id = id, .kind = PRINCIPAL_USER, .uri = text(uri), .name = text(name)};
	uint32_t size = event_principal_put(&event, b->next.payload, sizeof(b->next.payload));

	make(b, EVENT_PRINCIPAL, size);
}

void make_room(struct bench *b, uint32_t id, const char *name)
{
	struct event_room event = {.id = id,
				   .category = 1,
				   .privacy = PRIVACY_OPEN,
				   .behavior = BEHAVIOR_NORMAL,
				   .name = text(name),
				   .description = text("what for")};
	uint32_t size;

	memset(event.uuid, (int)id, sizeof(event.uuid));
	size = event_room_put(&event, b->next.payload, sizeof(b->next.payload));
	make(b, EVENT_ROOM, size)->room = id;
}

void make_category(struct bench *b, uint32_t id, const char *name)
{
	struct event_category event = {.id = id, .name = text(name), .description = text("")};
	uint32_t size;

	memset(event.uuid, (int)id + 100, sizeof(event.uuid));
	size = event_category_put(&event, b->next.payload, sizeof(b->next.payload));
	make(b, EVENT_CATEGORY, size);
}

void make_addin(struct bench *b, uint32_t id, const char *name)
{
	struct event_addin event = {.id = id, .name = text(name), .url = text("http://a.test/")};

	make(b, EVENT_ADDIN, event_addin_put(&event, b->next.payload, sizeof(b->next.payload)));
}

void make_role(struct bench *b, enum node_kind kind, uint32_t node, uint32_t principal,
	       enum role role, bool present)
{
	struct event_role event = {(uint8_t)kind, (uint8_t)role, present, node, principal};

	make(b, EVENT_ROLE, event_role_put(&event, b->next.payload, sizeof(b->next.payload)));
}

void make_affiliation(struct bench *b, uint32_t member, uint32_t group, bool present)
{
	struct event_affiliation event = {member, group, present};

	make(b, EVENT_AFFILIATION,
	     event_affiliation_put(&event, b->next.payload, sizeof(b->next.payload)));
}

void make_removed(struct bench *b, enum node_kind kind, uint32_t id)
{
	struct event_removed event = {.kind = (uint8_t)kind, .id = id};

	make(b, EVENT_REMOVED, event_removed_put(&event, b->next.payload, sizeof(b->next.payload)));
}

struct record *make_session(struct bench *b, enum event_type type, uint32_t session,
			    uint32_t principal)
{
	struct event_session event = {.address = text("127.0.0.1:1")};
	uint32_t size = event_session_put(&event, b->next.payload, sizeof(b->next.payload));
	struct record *r = make(b, type, type == EVENT_SESSION_OPEN ? size : 0);

	r->actor = principal;
	r->origin = (struct origin){.slot = SLOT_WORKER, .generation = 7, .session = session};
	return r;
}

void make_join(struct bench *b, enum event_type type, uint32_t session, uint32_t principal,
	       uint32_t room)
{
	const struct cache *cache = &b->private;
	struct record *r = make_session(b, type, session, principal);
	unsigned others;

	find_participant(cache, find_room(cache, room), principal,
			 find_session(cache, SLOT_WORKER, 7, session), &others);
	r->room = room;
	if (others == 0)
		r->flags = type == EVENT_JOIN ? EVENT_FIRST : EVENT_LAST;
}

void make_joins(struct bench *b, enum event_type type, uint32_t session, uint32_t principal,
		uint32_t first, uint32_t last)
{
	struct event_rooms event = {.count = 0};
	struct record *r;

	for (uint32_t room = first; room <= last; room++) {
		make_join(b, type == EVENT_JOINS ? EVENT_JOIN : EVENT_LEAVE, session, principal, room);
		b->lsn = b->next.record.lsn;
		b->command--;
		event.place[event.count++] =
			(struct event_place){.room = room, .flags = b->next.record.flags};
	}
	r = make_session(b, type, session, principal);
	r->payload = event_rooms_put(&event, b->next.payload, sizeof(b->next.payload));
	r->length = ((uint32_t)sizeof(*r) + r->payload + 7) & ~7u;
	b->lsn = r->lsn + r->length;
}

void make_taken(struct bench *b, uint32_t session, uint32_t lost, uint32_t principal, uint32_t room)
{
	const struct event_rooms event = {
		.count = 1,
		.from = {.slot = SLOT_WORKER, .generation = 7, .session = lost},
		.place = {{.room = room, .flags = EVENT_TAKEN}},
	};
	struct record *r = make_session(b, EVENT_JOINS, session, principal);

	r->payload = event_rooms_put(&event, b->next.payload, sizeof(b->next.payload));
	r->length = ((uint32_t)sizeof(*r) + r->payload + 7) & ~7u;
	b->lsn = r->lsn + r->length;
}

void make_message(struct bench *b, uint32_t room, uint32_t author, const char *id, const char *body)
{
	struct event_message event = {.id = text(id), .text = text(body)};
	uint32_t size = event_message_put(&event, b->next.payload, sizeof(b->next.payload));
	struct record *r = make(b, EVENT_MESSAGE, size);
	const struct room_row *row =
		table_row(&b->private, TABLE_ROOM, find_room(&b->private, room));

	r->room = room;
	r->actor = author;
	r->seq = row->last_seq + 1;
}

void make_history(struct bench *b, uint32_t room, unsigned step)
{
	const struct event_history event = {.what = step > 0 ? HISTORY_MESSAGE : HISTORY_END,
					    .author = 1,
					    .time = 1,
					    .removals = 5,
					    .message = {.text = text("old")}};
	uint32_t size = event_history_put(&event, b->next.payload, sizeof(b->next.payload));
	struct record *r = make(b, EVENT_HISTORY, size);
	const struct room_row *row =
		table_row(&b->private, TABLE_ROOM, find_room(&b->private, room));

	r->room = room;
	r->seq = row->last_seq + step;
}

void make_setting(struct bench *b, const char *scope, const char *value)
{
	const struct event_setting event = {.kind = SCOPED_CONFIG,
					    .present = *value != '\0',
					    .scope = text(scope),
					    .name = text("history"),
					    .value = text(value)};

	make(b, EVENT_SETTING, event_setting_put(&event, b->next.payload, sizeof(b->next.payload)));
}

void make_grant(struct bench *b, uint32_t principal, const char *policy)
{
	const struct event_grant event = {.principal = principal, .policy = text(policy)};

	make(b, EVENT_GRANT, event_grant_put(&event, b->next.payload, sizeof(b->next.payload)));
}

void populate(struct bench *b)
{
	make_principal(b, 1, "sip:alice@example.test", "Alice"), apply(b);
	make_principal(b, 2, "sip:bob@example.test", "Bob"), apply(b);
	make_category(b, 1, "General"), apply(b);
	make_role(b, NODE_CATEGORY, 1, PRINCIPAL_ANY_USER, ROLE_ALLOWED, true), apply(b);
	for (uint32_t room = 1; room <= 3; room++) {
		char name[16];

		snprintf(name, sizeof(name), "Room %u", room);
		make_room(b, room, name), apply(b);
	}
	make_session(b, EVENT_SESSION_OPEN, 1, 1), apply(b);
	make_session(b, EVENT_SESSION_OPEN, 2, 2), apply(b);
	make_join(b, EVENT_JOIN, 1, 1, 1), apply(b);
	make_join(b, EVENT_JOIN, 2, 2, 1), apply(b);
}

unsigned history(struct bench *b, uint32_t room, struct message_view list[64], char buffer[4096])
{
	unsigned count = 0;

	assert_int_equal(cache_history(b->reader, room, 0, UINT64_MAX, UINT64_MAX, list, 64, buffer,
				       4096, &count),
			 CODE_OK);
	return count;
}
