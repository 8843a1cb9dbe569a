#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/code.h"
#include "daemon/engine.h"
#include "shm/apply.h"
#include "shm/find.h"

enum { RING = 1 << 20, GENERATION = 5 };

/* An engine with a journal of its own and a process table that this test writes. */
struct bench {
	struct conf conf;
	struct engine engine;
	struct proc proc;
	struct proc_page own, master;
	int fd;
	uint64_t number[SLOTS];
	struct answer answer;
	union {
		struct command command;
		uint8_t bytes[16384];
	} mail;
};

static void sit(struct bench *b, unsigned slot, int32_t pid)
{
	atomic_store(&b->master.slots[slot].pid, pid);
	atomic_store(&b->master.slots[slot].generation, GENERATION);
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	char file[] = "/tmp/pchat-engine-XXXXXX";
	struct err err;

	b->conf.cache.rooms = 8;
	b->conf.cache.principals = 8;
	b->conf.cache.sessions = 8;
	b->conf.cache.participants = 8;
	b->conf.cache.messages = 64;
	b->conf.cache.text = 64 * 400;
	b->conf.limits.message_size = 8192;
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

static int tear_down(void **state)
{
	struct bench *b = *state;

	journal_close(&b->engine.writer);
	segment_unmap(&b->engine.cache.map);
	close(b->fd);
	free(b);
	return 0;
}

static struct text text(const char *s)
{
	return (struct text){s, (uint32_t)strlen(s)};
}

/* The engine's word on the command in b->mail: DECIDED, LATER or, as -1 - code, ANSWERED. */
static int send_as(struct bench *b, unsigned mail, unsigned slot, uint32_t session,
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

#define REFUSED(code) (-1 - (code))

static int post(struct bench *b, uint32_t session, uint32_t room, const char *id, const char *body)
{
	struct event_message event = {.id = text(id), .text = text(body)};
	uint32_t size = event_message_put(&event, b->mail.bytes + sizeof(struct command),
					  sizeof(b->mail.bytes) - sizeof(struct command));

	return send_as(b, SLOT_WORKER, SLOT_WORKER, session, COMMAND_MESSAGE, room, size);
}

static int simple(struct bench *b, enum command_type type, uint32_t session, uint32_t room)
{
	return send_as(b, SLOT_WORKER, SLOT_WORKER, session, type, room, 0);
}

static int sign_in(struct bench *b, unsigned slot, uint32_t session, uint32_t principal,
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

static int put_user(struct bench *b, uint32_t session, uint32_t id, const char *uri, unsigned st)
{
	struct event_principal event = {.id = id,
					.kind = PRINCIPAL_USER,
					.state = (uint16_t)st,
					.uri = text(uri),
					.name = text("Name")};
	uint32_t size = event_principal_put(&event, b->mail.bytes + sizeof(struct command), 4096);

	return send_as(b, SLOT_WORKER, SLOT_WORKER, session, COMMAND_PRINCIPAL, 0, size);
}

static int put_room(struct bench *b, uint32_t session, uint32_t id, const char *name, bool disabled)
{
	struct event_room event = {
		.id = id, .name = text(name), .description = text(""), .disabled = disabled};
	uint32_t size;

	memcpy(event.uuid, name, strlen(name) < 16 ? strlen(name) : 16);
	size = event_room_put(&event, b->mail.bytes + sizeof(struct command), 4096);
	return send_as(b, SLOT_WORKER, SLOT_WORKER, session, COMMAND_ROOM, id, size);
}

/* Session 1 is an administrator, 2 and 3 are Alice and Bob, both in the room "Lobby" (1). */
static void populate(struct bench *b)
{
	assert_int_equal(sign_in(b, SLOT_WORKER, 1, 0, 0, true), DECIDED);
	assert_int_equal(put_user(b, 1, 0, "sip:alice@example.test", 0), DECIDED);
	assert_int_equal(put_user(b, 1, 0, "sip:bob@example.test", 0), DECIDED);
	assert_int_equal(put_room(b, 1, 0, "Lobby", false), DECIDED);
	assert_int_equal(sign_in(b, SLOT_WORKER, 2, 1, 0, false), DECIDED);
	assert_int_equal(sign_in(b, SLOT_WORKER, 3, 2, 0, false), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, 2, 1), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, 3, 1), DECIDED);
}

/* Counts the records of a type in the batch; the last one's flags go to *flags_r. */
static unsigned in_batch(const struct bench *b, enum event_type type, uint16_t *flags_r)
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

static void a_post_needs_a_session_a_room_and_being_in_it(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(post(b, 2, 1, "", "hello"), DECIDED);
	assert_int_equal(post(b, 2, 9, "", "hello"), REFUSED(CODE_NO_SUCH_NODE));
	assert_int_equal(post(b, 9, 1, "", "hello"), REFUSED(CODE_NOT_SIGNED_IN));
	assert_int_equal(post(b, 1, 1, "", "hello"), REFUSED(CODE_USER_NOT_JOINED));
	assert_int_equal(simple(b, COMMAND_LEAVE, 2, 1), DECIDED);
	assert_int_equal(post(b, 2, 1, "", "hello"), REFUSED(CODE_USER_NOT_JOINED));
	assert_int_equal(in_batch(b, EVENT_MESSAGE, NULL), 1);
}

static void a_post_must_be_text_of_a_size(void **state)
{
	struct bench *b = *state;
	char large[8194];

	populate(b);
	memset(large, 'x', sizeof(large));
	large[8193] = '\0';
	assert_int_equal(post(b, 2, 1, "", large), REFUSED(CODE_TOO_LARGE));
	large[8192] = '\0';
	assert_int_equal(post(b, 2, 1, "", large), DECIDED);
	assert_int_equal(post(b, 2, 1, "", "\xff\xfe"), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(post(b, 2, 1, "\xc0\x80", "text"), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(post(b, 2, 1, "", "\xf0\x9f\x98\x80"), DECIDED);
	assert_int_equal(send_as(b, SLOT_WORKER, SLOT_WORKER, 2, COMMAND_MESSAGE, 1, 3),
			 REFUSED(CODE_INVALID_ARGUMENT));
}

static void a_repeated_post_is_answered_with_the_first_one(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(post(b, 2, 1, "a", "one"), DECIDED);
	assert_int_equal(post(b, 3, 1, "a", "of somebody else"), DECIDED);
	assert_int_equal(post(b, 2, 1, "b", "two"), DECIDED);
	assert_int_equal(post(b, 2, 1, "a", "one"), REFUSED(CODE_OK));
	assert_int_equal(b->answer.seq, 1);
	assert_true(b->answer.time > 0);
	assert_int_equal(in_batch(b, EVENT_MESSAGE, NULL), 3);
}

static void a_worker_speaks_for_its_own_sessions_only(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(send_as(b, SLOT_WORKER + 1, SLOT_WORKER, 2, COMMAND_LEAVE, 1, 0),
			 REFUSED(CODE_NOT_SIGNED_IN));
	assert_int_equal(send_as(b, SLOT_WORKER + 1, SLOT_WORKER + 1, 2, COMMAND_LEAVE, 1, 0),
			 REFUSED(CODE_NOT_SIGNED_IN));
	assert_int_equal(send_as(b, SLOT_WORKER, SLOT_WORKER, 2, COMMAND_SESSION_OPEN, 0, 0),
			 REFUSED(CODE_INVALID_REQUEST));
	assert_int_equal(send_as(b, SLOT_WORKER, SLOT_WORKER, 2, COMMAND_LOAD_BEGIN, 0, 0),
			 REFUSED(CODE_INVALID_REQUEST));
	assert_int_equal(send_as(b, SLOT_AUTH, SLOT_WORKER, 2, COMMAND_LEAVE, 1, 0),
			 REFUSED(CODE_INVALID_REQUEST));
	assert_int_equal(atomic_load(&b->own.counters[COUNTER_COMMANDS_INVALID]), 3);
}

static void only_an_administrator_changes_users_and_rooms(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(put_user(b, 2, 0, "sip:eve@example.test", 0), REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(put_room(b, 2, 0, "Mine", false), REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(put_user(b, 1, 0, "sip:bob@example.test", 0),
			 REFUSED(CODE_PRINCIPALS_ALREADY_DEFINED));
	assert_int_equal(put_room(b, 1, 0, "LOBBY", false), REFUSED(CODE_DUPLICATE_ROOM_NAME));
	assert_int_equal(put_room(b, 1, 7, "Other", false), REFUSED(CODE_NO_SUCH_NODE));
	assert_int_equal(put_user(b, 1, 7, "", 0), REFUSED(CODE_NO_SUCH_PRINCIPAL));
	assert_int_equal(put_room(b, 1, 0, "", false), REFUSED(CODE_INVALID_ARGUMENT));
}

static void a_sign_in_needs_a_user_who_may(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(sign_in(b, SLOT_WORKER, 2, 1, 0, false),
			 REFUSED(CODE_INVALID_FLOW_OF_OPERATIONS));
	assert_int_equal(sign_in(b, SLOT_WORKER, 8, 7, 0, false),
			 REFUSED(CODE_AUTHENTICATION_FAILED));
	assert_int_equal(sign_in(b, SLOT_WORKER, 8, 1, 1, false),
			 REFUSED(CODE_AUTHENTICATION_FAILED));
	assert_int_equal(sign_in(b, SLOT_WORKER + 2, 8, 1, 0, false), REFUSED(CODE_UNAVAILABLE));
	assert_int_equal(sign_in(b, SLOT_STORE, 8, 1, 0, false), REFUSED(CODE_INVALID_ARGUMENT));
	struct command_rekey rekey = {.principal = 1};
	memcpy(b->mail.bytes + sizeof(struct command), &rekey, sizeof(rekey));
	assert_int_equal(send_as(b, SLOT_AUTH, 0, 0, COMMAND_REKEY, 0, sizeof(rekey)), DECIDED);
	assert_int_equal(sign_in(b, SLOT_WORKER, 8, 1, 0, false),
			 REFUSED(CODE_AUTHENTICATION_FAILED));
	assert_int_equal(sign_in(b, SLOT_WORKER, 8, 1, 1, false), DECIDED);
}

static void the_first_and_the_last_session_of_a_user_in_a_room_are_marked(void **state)
{
	struct bench *b = *state;
	uint16_t flags;

	populate(b);
	in_batch(b, EVENT_JOIN, &flags);
	assert_int_equal(flags, EVENT_FIRST);
	assert_int_equal(sign_in(b, SLOT_WORKER + 1, 1, 2, 0, false), DECIDED);
	assert_int_equal(send_as(b, SLOT_WORKER + 1, SLOT_WORKER + 1, 1, COMMAND_JOIN, 1, 0), DECIDED);
	in_batch(b, EVENT_JOIN, &flags);
	assert_int_equal(flags, 0);
	assert_int_equal(simple(b, COMMAND_JOIN, 3, 1), REFUSED(CODE_OK));
	assert_int_equal(simple(b, COMMAND_LEAVE, 3, 1), DECIDED);
	in_batch(b, EVENT_LEAVE, &flags);
	assert_int_equal(flags, 0);
	assert_int_equal(send_as(b, SLOT_WORKER + 1, SLOT_WORKER + 1, 1, COMMAND_SESSION_CLOSE, 0, 0),
			 DECIDED);
	in_batch(b, EVENT_LEAVE, &flags);
	assert_int_equal(flags, EVENT_LAST);
}

static void sessions_of_a_worker_that_is_gone_end(void **state)
{
	struct bench *b = *state;

	populate(b);
	engine_slot_changed(&b->engine);
	assert_false(engine_reap(&b->engine));
	sit(b, SLOT_WORKER, 0);
	engine_slot_changed(&b->engine);
	assert_true(engine_reap(&b->engine));
	assert_int_equal(in_batch(b, EVENT_LEAVE, NULL), 2);
	assert_int_equal(in_batch(b, EVENT_SESSION_CLOSE, NULL), 3);
	assert_int_equal(post(b, 2, 1, "", "from beyond"), REFUSED(CODE_NOT_SIGNED_IN));
}

static void a_removed_user_is_signed_out_and_a_disabled_room_is_emptied(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(put_user(b, 1, 1, "", PRINCIPAL_DELETED), DECIDED);
	assert_int_equal(in_batch(b, EVENT_SESSION_CLOSE, NULL), 1);
	assert_int_equal(sign_in(b, SLOT_WORKER, 9, 1, 0, false), REFUSED(CODE_AUTHENTICATION_FAILED));
	assert_int_equal(put_room(b, 1, 1, "Lobby", true), DECIDED);
	assert_int_equal(in_batch(b, EVENT_LEAVE, NULL), 2);
	assert_int_equal(simple(b, COMMAND_JOIN, 3, 1), REFUSED(CODE_NODE_DISABLED));
	assert_int_equal(put_room(b, 1, 1, "Lobby", false), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, 3, 1), DECIDED);
}

static void a_table_that_is_full_refuses_with_limit_exceeded(void **state)
{
	struct bench *b = *state;
	char name[16];

	populate(b);
	for (unsigned i = 2; i <= 8; i++) {
		snprintf(name, sizeof(name), "Room %u", i);
		assert_int_equal(put_room(b, 1, 0, name, false), DECIDED);
	}
	assert_int_equal(put_room(b, 1, 0, "Room 9", false), REFUSED(CODE_LIMIT_EXCEEDED));
	assert_int_equal(simple(b, COMMAND_JOIN, 2, 2), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, 2, 3), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, 2, 4), REFUSED(CODE_LIMIT_EXCEEDED));
	for (uint32_t s = 4; s <= 8; s++)
		assert_int_equal(sign_in(b, SLOT_WORKER, s, 1, 0, false), DECIDED);
	assert_int_equal(sign_in(b, SLOT_WORKER, 9, 1, 0, false), REFUSED(CODE_LIMIT_EXCEEDED));
}

static void a_full_journal_refuses_posts_but_lets_sessions_end(void **state)
{
	struct bench *b = *state;
	char body[8001];
	struct err err;
	int decision;
	unsigned posted = 0, commits = 0;

	populate(b);
	memset(body, 'x', sizeof(body) - 1);
	body[8000] = '\0';
	while ((decision = post(b, 2, 1, "", body)) != REFUSED(CODE_BUSY)) {
		if (decision == DECIDED) {
			posted++;
			continue;
		}
		assert_int_equal(decision, LATER);
		assert_return_code(journal_commit(&b->engine.writer, false, &err), 0);
		b->engine.writer.synced = b->engine.writer.end;
		commits++;
	}
	assert_in_range(posted, 100, RING / 8000);
	assert_true(commits > 2);
	assert_int_equal(simple(b, COMMAND_SESSION_CLOSE, 3, 0), DECIDED);
	b->engine.oldest = b->engine.writer.synced;
	assert_int_equal(post(b, 2, 1, "", body), DECIDED);
	assert_false(b->engine.broken);
}

static void what_a_predecessor_decided_is_not_done_again(void **state)
{
	struct bench *b = *state;
	unsigned events;

	populate(b);
	assert_int_equal(post(b, 2, 1, "", "once"), DECIDED);
	events = in_batch(b, EVENT_MESSAGE, NULL);
	b->number[SLOT_WORKER]--;
	assert_int_equal(post(b, 2, 1, "", "once"), REFUSED(CODE_BUSY));
	assert_int_equal(in_batch(b, EVENT_MESSAGE, NULL), events);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_post_needs_a_session_a_room_and_being_in_it),
		TEST(a_post_must_be_text_of_a_size),
		TEST(a_repeated_post_is_answered_with_the_first_one),
		TEST(a_worker_speaks_for_its_own_sessions_only),
		TEST(only_an_administrator_changes_users_and_rooms),
		TEST(a_sign_in_needs_a_user_who_may),
		TEST(the_first_and_the_last_session_of_a_user_in_a_room_are_marked),
		TEST(sessions_of_a_worker_that_is_gone_end),
		TEST(a_removed_user_is_signed_out_and_a_disabled_room_is_emptied),
		TEST(a_table_that_is_full_refuses_with_limit_exceeded),
		TEST(a_full_journal_refuses_posts_but_lets_sessions_end),
		TEST(what_a_predecessor_decided_is_not_done_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
