#include "t/unit/engine_bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/apply.h"

void sit(struct bench *b, unsigned slot, int32_t pid)
{
	atomic_store(&b->master.slots[slot].pid, pid);
	atomic_store(&b->master.slots[slot].generation, GENERATION);
}

int set_up_large(void **state, unsigned factor)
{
	static char domain[] = "example.test", site[] = "berlin", none[] = "";
	struct bench *b = calloc(1, sizeof(*b));
	char file[] = "/tmp/pchat-engine-XXXXXX";
	struct err err;

	b->conf.cache.rooms = 12 * factor;
	b->conf.cache.principals = 16 * factor;
	b->conf.cache.sessions = 12 * factor;
	b->conf.cache.participants = 64 * factor;
	b->conf.cache.messages = 64 * factor;
	b->conf.cache.categories = 4 * factor;
	b->conf.cache.addins = 4 * factor;
	b->conf.cache.roles = 32 * factor;
	b->conf.cache.affiliations = 16 * factor;
	b->conf.cache.invitations = 32 * factor;
	b->conf.cache.markers = 16 * factor;
	b->conf.cache.feeds = 16 * factor;
	b->conf.cache.requests = 16 * factor;
	b->conf.cache.settings = 24 * factor;
	b->conf.domain = domain;
	b->conf.site = site;
	b->conf.files.directory = none;
	b->conf.limits.feeds = b->conf.limits.requests = 2;
	b->conf.cache.text = 64 * 1000 * factor;
	b->conf.limits.message_size = 8192;
	b->conf.limits.story_size = 12000;
	b->conf.limits.rich_size = 4000;
	b->conf.limits.rooms_per_session = 3;
	b->fd = mkstemp(file);
	assert_return_code(b->fd, errno);
	unlink(file);
	assert_return_code(ftruncate(b->fd, JOURNAL_HEADER + RING), errno);
	assert_return_code(journal_format(b->fd, 0, &err), 0);
	assert_return_code(journal_open(&b->engine.writer, b->fd, 8, UINT64_MAX, false, RING / 4,
					NULL, NULL, &err),
			   0);
	assert_non_null(journal_append(&b->engine.writer, &(struct record){.type = EVENT_START},
				       NULL, 0, 8));
	assert_return_code(apply_open_private(&b->engine.cache, &b->conf, &err), 0);
	b->engine.shared = &b->engine.cache;
	assert_return_code(apply_reset(&b->engine.cache, &b->conf, (const uint8_t *)"0123456789abcdef", &err), 0);
	b->proc.own = &b->own;
	b->proc.page[SLOT_MASTER] = &b->master;
	b->engine.conf = &b->conf;
	b->engine.proc = &b->proc;
	b->engine.oldest = 8;
	sit(b, SLOT_WORKER, 100);
	sit(b, SLOT_WORKER + 1, 101);
	*state = b;
	return 0;
}

int set_up(void **state)
{
	return set_up_large(state, 1);
}

int tear_down(void **state)
{
	struct bench *b = *state;

	journal_close(&b->engine.writer);
	segment_unmap(&b->engine.cache.map);
	close(b->fd);
	free(b);
	return 0;
}

struct text text(const char *s)
{
	return (struct text){s, (uint32_t)strlen(s)};
}

/* The engine's word on the command in b->mail: DECIDED, LATER or, as -1 - code, ANSWERED. */
int send_as(struct bench *b, unsigned mail, unsigned slot, uint32_t session,
		   enum command_type type, uint32_t room, uint32_t size)
{
	struct command *c = &b->mail.command;
	enum decision decision;

	c->type = (uint16_t)type;
	c->number = ++b->number[mail];
	c->origin = (struct origin){.slot = (uint16_t)slot, .generation = GENERATION, .session = session};
	c->room = room;
	c->payload = size;
	c->length = (uint32_t)sizeof(*c) + size;
	decision = engine_decide(&b->engine, mail, c, &b->answer);
	c->flags = 0;
	return decision == ANSWERED ? -1 - b->answer.code : (int)decision;
}

int post(struct bench *b, uint32_t session, uint32_t room, const char *id, const char *body)
{
	struct event_message event = {.id = text(id), .text = text(body)};
	uint32_t size = event_message_put(&event, b->mail.bytes + sizeof(struct command),
					  sizeof(b->mail.bytes) - sizeof(struct command));

	return send_as(b, SLOT_WORKER, SLOT_WORKER, session, COMMAND_MESSAGE, room, size);
}

int simple(struct bench *b, enum command_type type, uint32_t session, uint32_t room)
{
	return send_as(b, SLOT_WORKER, SLOT_WORKER, session, type, room, 0);
}

int sign_in(struct bench *b, unsigned slot, uint32_t session, uint32_t principal,
		   uint32_t epoch, bool admin)
{
	struct event_session event = {.address = text("127.0.0.1:1")};
	struct command_session who = {.principal = principal, .epoch = epoch};
	uint8_t *at = b->mail.bytes + sizeof(struct command);

	memcpy(at, &who, sizeof(who));
	b->mail.command.flags = admin ? EVENT_ADMIN : 0;
	return send_as(b, SLOT_AUTH, slot, session, COMMAND_SESSION_OPEN, 0,
		       (uint32_t)sizeof(who) +
			       event_session_put(&event, at + sizeof(who), 1024));
}

uint8_t *start_change(struct bench *b, uint32_t fields, uint64_t revision)
{
	struct command_change change = {.fields = fields, .if_revision = revision};
	uint8_t *at = b->mail.bytes + sizeof(struct command);

	memcpy(at, &change, sizeof(change));
	return at + sizeof(change);
}

int send_change(struct bench *b, uint32_t session, enum command_type type, uint32_t room,
		       uint32_t size)
{
	return send_as(b, SLOT_WORKER, SLOT_WORKER, session, type, room,
		       (uint32_t)sizeof(struct command_change) + size);
}

int put_principal(struct bench *b, uint32_t session, uint32_t id, unsigned kind,
			 const char *uri, unsigned st)
{
	struct event_principal event = {.id = id,
					.kind = (uint16_t)kind,
					.state = (uint16_t)st,
					.uri = text(uri),
					.name = text("Name")};
	uint8_t *at = start_change(b, FIELD_STATE, 0);

	return send_change(b, session, COMMAND_PRINCIPAL, 0,
			   event_principal_put(&event, at, 4096));
}

int put_user(struct bench *b, uint32_t session, uint32_t id, const char *uri, unsigned st)
{
	return put_principal(b, session, id, PRINCIPAL_USER, uri, st);
}

int put_group(struct bench *b, const char *uri)
{
	return put_principal(b, 1, 0, PRINCIPAL_GROUP, uri, 0);
}

/* The list ends with member 0. */
int set_members(struct bench *b, uint32_t session, uint32_t group, bool replace,
		const struct command_member *list)
{
	struct command_members head = {.group = group, .replace = replace};
	uint8_t *at = start_change(b, 0, 0);

	while (list[head.count].member != 0)
		head.count++;
	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), list, head.count * sizeof(*list));
	return send_change(b, session, COMMAND_MEMBERS, 0,
			   (uint32_t)(sizeof(head) + head.count * sizeof(*list)));
}

int affiliate(struct bench *b, uint32_t member, uint32_t group, bool present)
{
	const struct command_member list[] = {{member, present}, {0}};

	return set_members(b, 1, group, false, list);
}

int change_room(struct bench *b, uint32_t session, const struct event_room *wanted,
		       uint32_t fields, uint64_t revision)
{
	struct event_room event = *wanted;
	uint8_t *at = start_change(b, fields, revision);

	event.privacy = event.privacy ? event.privacy : PRIVACY_OPEN;
	event.behavior = event.behavior ? event.behavior : BEHAVIOR_NORMAL;
	if (event.id == 0)
		memcpy(event.uuid, event.name.data,
		       event.name.length < 16 ? event.name.length : 16);
	return send_change(b, session, COMMAND_ROOM, event.id, event_room_put(&event, at, 4096));
}

int put_room(struct bench *b, uint32_t session, uint32_t id, const char *name, bool disabled)
{
	struct event_room event = {
		.id = id, .category = 1, .name = text(name), .disabled = disabled};

	return change_room(b, session, &event, FIELD_NAME | FIELD_STATE, 0);
}

int put_category(struct bench *b, uint32_t session, uint32_t id, const char *name)
{
	struct event_category event = {.id = id, .name = text(name), .flags = CATEGORY_HISTORY};
	uint8_t *at = start_change(b, FIELD_NAME, 0);

	memcpy(event.uuid, name, strlen(name) < 16 ? strlen(name) : 16);
	return send_change(b, session, COMMAND_CATEGORY, 0, event_category_put(&event, at, 4096));
}

int put_addin(struct bench *b, uint32_t session, uint32_t id, const char *name,
		     const char *url)
{
	struct event_addin event = {.id = id, .name = text(name), .url = text(url)};
	uint8_t *at = start_change(b, FIELD_NAME | FIELD_URL, 0);

	return send_change(b, session, COMMAND_ADDIN, 0, event_addin_put(&event, at, 4096));
}

int remove_node(struct bench *b, uint32_t session, enum node_kind kind, uint32_t id)
{
	struct event_removed event = {.kind = (uint8_t)kind, .id = id};
	uint8_t *at = start_change(b, 0, 0);

	return send_change(b, session, COMMAND_REMOVE, 0, event_removed_put(&event, at, 64));
}

/* One change of roles of several principals; the list ends with principal 0. */
int set_roles(struct bench *b, uint32_t session, enum node_kind kind, uint32_t node,
		     unsigned replace, const struct command_role *list)
{
	struct command_roles roles = {
		.kind = (uint8_t)kind, .node = node, .replace = (uint8_t)replace};
	uint8_t *at = start_change(b, 0, 0);

	while (list[roles.count].principal != 0)
		roles.count++;
	memcpy(at, &roles, sizeof(roles));
	memcpy(at + sizeof(roles), list, roles.count * sizeof(*list));
	return send_change(b, session, COMMAND_ROLES, kind == NODE_ROOM ? node : 0,
			   (uint32_t)(sizeof(roles) + roles.count * sizeof(*list)));
}

int set_role(struct bench *b, uint32_t session, enum node_kind kind, uint32_t node,
		    uint32_t principal, enum role role, bool present)
{
	const struct command_role list[] = {{principal, (uint8_t)role, present, 0}, {0}};

	return set_roles(b, session, kind, node, 0, list);
}

/* Session 1 is an administrator, 2 and 3 are Alice (1) and Bob (2), both in the open room "Lobby"
 * (1), in a category (1) that is everybody's. */
void populate(struct bench *b)
{
	assert_int_equal(sign_in(b, SLOT_WORKER, 1, 0, 0, true), DECIDED);
	assert_int_equal(put_user(b, 1, 0, "sip:alice@example.test", 0), DECIDED);
	assert_int_equal(put_user(b, 1, 0, "sip:bob@example.test", 0), DECIDED);
	assert_int_equal(put_category(b, 1, 0, "General"), DECIDED);
	assert_int_equal(set_role(b, 1, NODE_CATEGORY, 1, PRINCIPAL_ANY_USER, ROLE_ALLOWED, true),
			 DECIDED);
	assert_int_equal(put_room(b, 1, 0, "Lobby", false), DECIDED);
	assert_int_equal(sign_in(b, SLOT_WORKER, 2, 1, 0, false), DECIDED);
	assert_int_equal(sign_in(b, SLOT_WORKER, 3, 2, 0, false), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, 2, 1), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, 3, 1), DECIDED);
}

/* Counts the records of a type in the batch; the last one's flags go to *flags_r. */
unsigned in_batch(const struct bench *b, enum event_type type, uint16_t *flags_r)
{
	const struct journal_writer *w = &b->engine.writer;
	unsigned count = 0;

	for (size_t at = 0; at < w->batch_used;) {
		const struct record *r = (const struct record *)(const void *)(w->batch + at);

		if (r->type == type) {
			count++;
			if (flags_r != NULL)
				*flags_r = r->flags;
		}
		at += r->length;
	}
	return count;
}

