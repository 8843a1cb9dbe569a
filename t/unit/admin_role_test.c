#include <string.h>

#include "shm/admin_role.h"
#include "t/unit/engine_bench.h"

/*
 * What the sequencer lets administrators do, by their roles: a row for each command. The numbers
 * are those of the sessions.
 */
enum { FULL = 1, OPERATOR = 2, READER = 3, ALICE = 4, OFFICER = 5 };

static int open_as(struct bench *b, uint32_t session, unsigned flags)
{
	const struct event_session event = {.address = text("unix:uid=0"),
					    .name = text("unix:root")};
	const struct command_session who = {0};
	uint8_t *at = b->mail.bytes + sizeof(struct command);

	memcpy(at, &who, sizeof(who));
	b->mail.command.flags = (uint16_t)flags;
	return send_as(b, SLOT_AUTH, SLOT_WORKER, session, COMMAND_SESSION_OPEN, 0,
		       (uint32_t)sizeof(who) + event_session_put(&event, at + sizeof(who), 1024));
}

/* A category with alice in its scope, two rooms, a group. */
static void make(struct bench *b)
{
	assert_int_equal(open_as(b, FULL, admin_role_flags(ADMIN_ADMINISTRATOR)), DECIDED);
	assert_int_equal(open_as(b, OPERATOR, admin_role_flags(ADMIN_OPERATOR)), DECIDED);
	assert_int_equal(open_as(b, READER, admin_role_flags(ADMIN_READER)), DECIDED);
	assert_int_equal(open_as(b, OFFICER, admin_role_flags(ADMIN_COMPLIANCE)), DECIDED);
	assert_int_equal(put_user(b, FULL, 0, "sip:alice@example.test", 0), DECIDED);
	assert_int_equal(put_group(b, "ma-grp:staff"), DECIDED);
	assert_int_equal(put_category(b, FULL, 0, "General"), DECIDED);
	assert_int_equal(
		set_role(b, FULL, NODE_CATEGORY, 1, PRINCIPAL_ANY_USER, ROLE_ALLOWED, true),
		DECIDED);
	assert_int_equal(put_addin(b, FULL, 0, "Map", "https://example.test/"), DECIDED);
	assert_int_equal(put_room(b, FULL, 0, "Lobby", false), DECIDED);
	assert_int_equal(sign_in(b, SLOT_WORKER, ALICE, 1, 0, false), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, ALICE, 1), DECIDED);
	assert_int_equal(post(b, ALICE, 1, "a", "one"), DECIDED);
	assert_int_equal(post(b, ALICE, 1, "b", "two"), DECIDED);
}

static int purge(struct bench *b, uint32_t session)
{
	const struct command_purge purge = {.through = 1};

	memcpy(b->mail.bytes + sizeof(struct command), &purge, sizeof(purge));
	return send_as(b, SLOT_WORKER, SLOT_WORKER, session, COMMAND_PURGE, 1, sizeof(purge));
}

static int remove_message(struct bench *b, uint32_t session)
{
	const struct command_message_remove head = {.count = 1};
	const struct event_replacement event = {.text = text("")};
	uint8_t *at = b->mail.bytes + sizeof(struct command);
	const uint64_t number = 2;
	uint32_t size;

	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), &number, sizeof(number));
	size = event_replacement_put(&event, at + sizeof(head) + sizeof(number), 1024);
	return send_as(b, SLOT_WORKER, SLOT_WORKER, session, COMMAND_MESSAGE_REMOVE, 1,
		       (uint32_t)(sizeof(head) + sizeof(number)) + size);
}

static int rename_room(struct bench *b, uint32_t session)
{
	return put_room(b, session, 1, "Foyer", false);
}

static int make_room(struct bench *b, uint32_t session)
{
	return put_room(b, session, 0, session == FULL ? "One" : "Two", false);
}

static int add_member(struct bench *b, uint32_t session)
{
	return set_role(b, session, NODE_ROOM, 1, 1, ROLE_MEMBER, true);
}

static int change_scope(struct bench *b, uint32_t session)
{
	return set_role(b, session, NODE_CATEGORY, 1, 1, ROLE_DENIED, true);
}

static int rename_category(struct bench *b, uint32_t session)
{
	return put_category(b, session, 1, "Common");
}

static int make_addin(struct bench *b, uint32_t session)
{
	return put_addin(b, session, 0, "Chart", "https://example.test/c");
}

static int remove_addin(struct bench *b, uint32_t session)
{
	return remove_node(b, session, NODE_ADDIN, 1);
}

static int remove_room(struct bench *b, uint32_t session)
{
	return remove_node(b, session, NODE_ROOM, 1);
}

static int disable_user(struct bench *b, uint32_t session)
{
	return put_user(b, session, 1, "sip:alice@example.test", PRINCIPAL_DISABLED);
}

static int add_user(struct bench *b, uint32_t session)
{
	return put_user(b, session, 0, "sip:bob@example.test", 0);
}

#define N REFUSED(CODE_ERROR_PERMISSION)

static const struct {
	const char *what;
	int (*call)(struct bench *b, uint32_t session);
	int full, op, reader;
} rows[] = {
	{"a message is removed", remove_message, DECIDED, DECIDED, N},
	{"messages are purged", purge, DECIDED, DECIDED, N},
	{"a room is made", make_room, DECIDED, DECIDED, N},
	{"a room is changed", rename_room, DECIDED, DECIDED, N},
	{"a room gets a member", add_member, DECIDED, DECIDED, N},
	{"a category's scope changes", change_scope, DECIDED, N, N},
	{"a category is changed", rename_category, DECIDED, N, N},
	{"an add-in is made", make_addin, DECIDED, N, N},
	{"an add-in is removed", remove_addin, DECIDED, N, N},
	{"a user is added", add_user, DECIDED, N, N},
	{"a user is disabled", disable_user, DECIDED, N, N},
	{"a room is removed", remove_room, DECIDED, DECIDED, N},
};

static void check(struct bench *b, unsigned row, uint32_t session, int expected)
{
	const int got = rows[row].call(b, session);

	if (got != expected)
		fail_msg("%s by session %u: %d instead of %d", rows[row].what, session, got,
			 expected);
}

/* What is refused changes nothing, so that it can be tried before what is done. */
static void roles_decide(void **state)
{
	struct bench *b = *state;

	make(b);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint64_t used = b->engine.writer.batch_used;

		check(b, i, READER, rows[i].reader);
		if (rows[i].op == N)
			check(b, i, OPERATOR, N);
		check(b, i, OFFICER, N);
		assert_int_equal(b->engine.writer.batch_used, used);
		if (rows[i].op == DECIDED)
			check(b, i, OPERATOR, DECIDED);
		else
			check(b, i, FULL, rows[i].full);
	}
}

static int view(struct bench *b, uint32_t session, enum view_kind kind)
{
	const struct command_view head = {0};
	const struct event_view event = {.kind = (uint8_t)kind, .request = text("all of it")};
	uint8_t *at = b->mail.bytes + sizeof(struct command);

	memcpy(at, &head, sizeof(head));
	return send_as(b, SLOT_WORKER, SLOT_WORKER, session, COMMAND_VIEW, 0,
		       (uint32_t)sizeof(head) + event_view_put(&event, at + sizeof(head), 1024));
}

/* What is read of records is the business of another role than what is read of rooms. */
static void reading_has_roles(void **state)
{
	struct bench *b = *state;

	make(b);
	assert_int_equal(view(b, FULL, VIEW_RECORDS), DECIDED);
	assert_int_equal(view(b, OFFICER, VIEW_RECORDS), DECIDED);
	assert_int_equal(view(b, OPERATOR, VIEW_RECORDS), N);
	assert_int_equal(view(b, READER, VIEW_RECORDS), N);
	assert_int_equal(view(b, ALICE, VIEW_RECORDS), N);
	assert_int_equal(view(b, OFFICER, VIEW_SEARCH), N);
	assert_int_equal(view(b, READER, VIEW_SEARCH), DECIDED);
	assert_int_equal(view(b, ALICE, VIEW_SEARCH), DECIDED);
}

static void everybody_may_sign_out(void **state)
{
	struct bench *b = *state;

	make(b);
	assert_int_equal(simple(b, COMMAND_SESSION_CLOSE, READER, 0), DECIDED);
	assert_int_equal(simple(b, COMMAND_SESSION_CLOSE, OPERATOR, 0), DECIDED);
	assert_int_equal(simple(b, COMMAND_SESSION_CLOSE, OFFICER, 0), DECIDED);
}

static void nobody_has_two_roles(void **state)
{
	struct bench *b = *state;

	assert_int_equal(open_as(b, 1, EVENT_ADMIN_ROLES), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(open_as(b, 1, EVENT_OPERATOR), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(open_as(b, 1, EVENT_READER), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(in_batch(b, EVENT_SESSION_OPEN, NULL), 0);
}

static void names_and_flags_agree(void **state)
{
	(void)state;
	for (unsigned role = ADMIN_ADMINISTRATOR; role < ADMIN_ROLES; role++) {
		assert_int_equal(admin_role_of(admin_role_flags(role)), role);
		assert_int_equal(admin_role_parse(admin_role_name(role)), role);
	}
	assert_int_equal(admin_role_of(0), ADMIN_NONE);
	assert_int_equal(admin_role_flags(ADMIN_NONE), 0);
	assert_int_equal(admin_role_parse("none"), ADMIN_NONE);
	assert_string_equal(admin_role_name(99), "none");
}

static void nobody_without_a_role_may_anything(void **state)
{
	(void)state;
	for (unsigned duty = 0; duty <= DUTIES; duty++) {
		assert_false(admin_may(ADMIN_NONE, duty));
		assert_false(admin_may(ADMIN_ROLES, duty));
		assert_int_equal(admin_may(ADMIN_ADMINISTRATOR, duty), duty < DUTIES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(roles_decide),
		TEST(reading_has_roles),
		TEST(everybody_may_sign_out),
		TEST(nobody_has_two_roles),
		cmocka_unit_test(names_and_flags_agree),
		cmocka_unit_test(nobody_without_a_role_may_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
