#include <string.h>

#include "shm/command.h"
#include "t/unit/engine_bench.h"

/* What the engine decides about what belongs to one user. The administrator is session 1, alice 2
 * and bob 3; both have joined the room number 1. */

enum { ADMIN = 1, ALICE_SESSION, BOB_SESSION, ALICE = 1, BOB = 2, LOBBY = 1 };

static int person(struct bench *b, uint32_t session, enum command_type type, uint32_t room,
		  const struct event_person *event)
{
	struct event_person own = *event;

	own.principal = own.principal == 0 ? 1 : own.principal;
	return send_as(b, SLOT_WORKER, SLOT_WORKER, session, type, room,
		       event_person_put(&own, b->mail.bytes + sizeof(struct command), 4096));
}

static int mark(struct bench *b, uint32_t session, uint64_t seq)
{
	return person(b, session, COMMAND_MARKER, LOBBY,
		      &(struct event_person){.what = PERSON_PUT, .number = seq});
}

static int add_feed(struct bench *b, uint32_t item, const char *words)
{
	return person(b, ALICE_SESSION, COMMAND_FEED, 0,
		      &(struct event_person){.what = PERSON_PUT,
					     .item = item,
					     .name = text("name"),
					     .text = text(words)});
}

static int access_to(struct bench *b, uint32_t session, unsigned what, uint32_t principal)
{
	return person(b, session, COMMAND_ACCESS, LOBBY,
		      &(struct event_person){.what = (uint8_t)what, .principal = principal});
}

/* The category gets other flags, the room becomes closed, and bob manages it. */
static void prepare(struct bench *b, uint32_t flags)
{
	struct event_category category = {.id = 1, .name = text("General"), .flags = flags};
	struct command_change *change;
	uint8_t *at = start_change(b, FIELD_FLAGS, 0);

	change = (struct command_change *)(void *)(b->mail.bytes + sizeof(struct command));
	change->mask = CATEGORY_FLAGS;
	assert_int_equal(
		send_change(b, ADMIN, COMMAND_CATEGORY, 0, event_category_put(&category, at, 4096)),
		DECIDED);
	assert_int_equal(change_room(b, ADMIN,
				     &(struct event_room){.id = LOBBY,
							  .name = text("Lobby"),
							  .privacy = PRIVACY_CLOSED,
							  .invitations = 1},
				     FIELD_PRIVACY | FIELD_INVITATIONS, 0),
			 DECIDED);
	assert_int_equal(set_role(b, ADMIN, NODE_ROOM, LOBBY, BOB, ROLE_MANAGER, true), DECIDED);
}

static const struct person_row *row_of(struct bench *b, unsigned kind, uint32_t principal,
				       uint32_t item)
{
	const uint32_t row = find_person(&b->engine.cache, kind, principal, item);

	return row == 0 ? NULL
			: table_row(&b->engine.cache, TABLE_INVITATION + kind - EVENT_INVITATION,
				    row);
}

static int set_member(struct bench *b, uint32_t session, uint32_t principal, bool present)
{
	return set_role(b, session, NODE_ROOM, LOBBY, principal, ROLE_MEMBER, present);
}

static void test_members_are_invited_by_others_only(void **state)
{
	struct bench *b = *state;

	populate(b);
	prepare(b, CATEGORY_INVITATIONS);
	assert_int_equal(set_member(b, BOB_SESSION, BOB, true), DECIDED);
	assert_null(row_of(b, EVENT_INVITATION, BOB, LOBBY));
	assert_int_equal(set_member(b, BOB_SESSION, ALICE, true), DECIDED);
	assert_int_equal(row_of(b, EVENT_INVITATION, ALICE, LOBBY)->number, 1);
	assert_int_equal(row_of(b, EVENT_INVITATION, ALICE, LOBBY)->who, BOB);
	assert_int_equal(set_member(b, BOB_SESSION, ALICE, false), DECIDED);
	assert_null(row_of(b, EVENT_INVITATION, ALICE, LOBBY));
	assert_int_equal(set_member(b, ADMIN, ALICE, true), DECIDED);
	assert_int_equal(row_of(b, EVENT_INVITATION, ALICE, LOBBY)->number, 2);
	assert_int_equal(set_member(b, ADMIN, ALICE, true), DECIDED);
	assert_int_equal(row_of(b, EVENT_INVITATION, ALICE, LOBBY)->number, 2);
}

static void test_categories_and_rooms_may_be_silent(void **state)
{
	struct bench *b = *state;

	populate(b);
	prepare(b, CATEGORY_HISTORY);
	assert_int_equal(set_member(b, ADMIN, ALICE, true), DECIDED);
	assert_null(row_of(b, EVENT_INVITATION, ALICE, LOBBY));
}

static void test_no_member_is_made_who_cannot_be_invited(void **state)
{
	struct bench *b = *state;

	populate(b);
	prepare(b, CATEGORY_INVITATIONS);
	b->engine.cache.header->table[TABLE_INVITATION].rows = 1;
	assert_int_equal(set_member(b, ADMIN, ALICE, true), REFUSED(CODE_LIMIT_EXCEEDED));
	assert_int_equal(role_get(&b->engine.cache, NODE_ROOM, 1, ALICE) & ROLE_BIT(ROLE_MEMBER),
			 0);
	assert_int_equal(in_batch(b, EVENT_INVITATION, NULL), 0);
}

static void test_what_is_read_is_read_once(void **state)
{
	const struct event_person event = {.what = PERSON_READ, .number = 9};
	struct bench *b = *state;

	populate(b);
	prepare(b, CATEGORY_INVITATIONS);
	assert_int_equal(person(b, ALICE_SESSION, COMMAND_INVITATION_READ, 0, &event),
			 REFUSED(CODE_OK));
	assert_int_equal(set_member(b, ADMIN, ALICE, true), DECIDED);
	assert_int_equal(person(b, ALICE_SESSION, COMMAND_INVITATION_READ, 0, &event), DECIDED);
	assert_int_equal(row_of(b, EVENT_INVITATION, ALICE, 0)->time, 1);
	assert_int_equal(person(b, ALICE_SESSION, COMMAND_INVITATION_READ, 0, &event),
			 REFUSED(CODE_OK));
}

static void test_a_marker_only_goes_on(void **state)
{
	struct bench *b = *state;

	populate(b);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(post(b, ALICE_SESSION, LOBBY, "", "text"), DECIDED);
	assert_int_equal(mark(b, BOB_SESSION, 2), DECIDED);
	assert_int_equal(mark(b, BOB_SESSION, 2), REFUSED(CODE_OK));
	assert_int_equal(mark(b, BOB_SESSION, 1), REFUSED(CODE_OK));
	assert_int_equal(b->answer.seq, 2);
	assert_int_equal(mark(b, BOB_SESSION, 9), DECIDED);
	assert_int_equal(row_of(b, EVENT_MARKER, BOB, LOBBY)->number, 3);
	assert_int_equal(in_batch(b, EVENT_MARKER, NULL), 2);
	b->engine.cache.header->table[TABLE_MARKER].rows = 1;
	assert_int_equal(mark(b, ALICE_SESSION, 1), REFUSED(CODE_LIMIT_EXCEEDED));
	assert_int_equal(mark(b, ADMIN, 1), REFUSED(CODE_INVALID_ARGUMENT));
	prepare(b, CATEGORY_HISTORY);
	assert_int_equal(mark(b, BOB_SESSION, 3), REFUSED(CODE_ERROR_PERMISSION));
}

static void test_feeds_are_counted(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(add_feed(b, 0, ""), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(add_feed(b, 7, "tea"), REFUSED(CODE_NO_SUCH_NODE));
	assert_int_equal(add_feed(b, 0, "tea"), DECIDED);
	assert_int_equal(add_feed(b, 0, "milk"), DECIDED);
	assert_int_equal(add_feed(b, 0, "sugar"), REFUSED(CODE_LIMIT_EXCEEDED));
	assert_int_equal(person(b, ALICE_SESSION, COMMAND_FEED, 0,
				&(struct event_person){.what = PERSON_GONE, .item = 1}),
			 DECIDED);
	assert_int_equal(add_feed(b, 0, "sugar"), DECIDED);
	assert_non_null(row_of(b, EVENT_FEED, ALICE, 1));
}

/* By a worker that was taken over. */
static void test_feeds_take_nothing_on_trust(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(person(b, ALICE_SESSION, COMMAND_FEED, 0,
				&(struct event_person){.what = PERSON_GONE}),
			 REFUSED(CODE_NO_SUCH_NODE));
	assert_int_equal(person(b, ALICE_SESSION, COMMAND_FEED, 0,
				&(struct event_person){.what = PERSON_PUT,
						       .number = UINT64_MAX,
						       .time = UINT64_MAX,
						       .name = text("name"),
						       .text = text("tea")}),
			 DECIDED);
	assert_int_equal(row_of(b, EVENT_FEED, ALICE, 1)->number, 0);
	assert_int_equal(row_of(b, EVENT_FEED, ALICE, 1)->time, 0);
}

static void test_access_is_asked_for_and_answered_once(void **state)
{
	struct bench *b = *state;

	populate(b);
	prepare(b, CATEGORY_REQUESTS | CATEGORY_INVITATIONS);
	assert_int_equal(access_to(b, BOB_SESSION, PERSON_GRANTED, ALICE),
			 REFUSED(CODE_NO_SUCH_PRINCIPAL));
	assert_int_equal(access_to(b, ALICE_SESSION, PERSON_PUT, 0), DECIDED);
	assert_int_equal(access_to(b, ALICE_SESSION, PERSON_PUT, 0), REFUSED(CODE_OK));
	assert_int_equal(access_to(b, ALICE_SESSION, PERSON_GRANTED, ALICE),
			 REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(access_to(b, BOB_SESSION, PERSON_GRANTED, ALICE), DECIDED);
	assert_null(row_of(b, EVENT_ACCESS_REQUEST, ALICE, LOBBY));
	assert_non_null(row_of(b, EVENT_INVITATION, ALICE, LOBBY));
	assert_int_equal(role_get(&b->engine.cache, NODE_ROOM, 1, ALICE), ROLE_BIT(ROLE_MEMBER));
	assert_int_equal(simple(b, COMMAND_QUIT, ALICE_SESSION, LOBBY),
			 REFUSED(CODE_ERROR_PERMISSION));
}

static void test_a_removed_room_and_a_removed_user_leave_nothing(void **state)
{
	struct bench *b = *state;

	populate(b);
	prepare(b, CATEGORY_INVITATIONS | CATEGORY_REQUESTS | CATEGORY_MEMBERS_LEAVE);
	assert_int_equal(set_member(b, ADMIN, ALICE, true), DECIDED);
	assert_int_equal(set_member(b, ADMIN, BOB, true), DECIDED);
	assert_int_equal(simple(b, COMMAND_QUIT, ALICE_SESSION, LOBBY), DECIDED);
	assert_int_equal(access_to(b, ALICE_SESSION, PERSON_PUT, 0), DECIDED);
	assert_int_equal(add_feed(b, 0, "tea"), DECIDED);
	assert_int_equal(remove_node(b, ADMIN, NODE_ROOM, LOBBY), DECIDED);
	while (b->engine.sweeping)
		engine_sweep(&b->engine);
	assert_null(row_of(b, EVENT_INVITATION, BOB, LOBBY));
	assert_null(row_of(b, EVENT_ACCESS_REQUEST, ALICE, LOBBY));
	assert_non_null(row_of(b, EVENT_FEED, ALICE, 1));
	assert_int_equal(put_user(b, ADMIN, ALICE, "sip:alice@example.test", PRINCIPAL_DELETED),
			 DECIDED);
	assert_null(row_of(b, EVENT_FEED, ALICE, 1));
	assert_null(row_of(b, EVENT_INVITATION, ALICE, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_members_are_invited_by_others_only),
		TEST(test_categories_and_rooms_may_be_silent),
		TEST(test_no_member_is_made_who_cannot_be_invited),
		TEST(test_what_is_read_is_read_once),
		TEST(test_a_marker_only_goes_on),
		TEST(test_feeds_are_counted),
		TEST(test_feeds_take_nothing_on_trust),
		TEST(test_access_is_asked_for_and_answered_once),
		TEST(test_a_removed_room_and_a_removed_user_leave_nothing),
	};

	return cmocka_run_group_tests_name("person", tests, NULL, NULL);
}
