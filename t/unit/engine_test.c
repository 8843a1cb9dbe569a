#include <stdio.h>
#include <string.h>

#include "conf/clock.h"
#include "t/unit/engine_bench.h"

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

static void while_workers_are_late_posts_are_refused_and_nothing_else(void **state)
{
	struct bench *b = *state;
	struct overload *overload = &b->engine.overload;
	struct proc_page worker = {.state = PROC_ACTIVE};

	populate(b);
	overload->limit = 100000;
	assert_int_equal(post(b, 2, 1, "a", "one"), DECIDED);
	b->proc.page[SLOT_WORKER] = &worker;
	worker.heartbeat = clock_mono();
	worker.delay = 100001;
	overload_look(overload, &b->proc);
	assert_int_equal(post(b, 2, 1, "b", "two"), REFUSED(CODE_BUSY));
	assert_int_equal(overload->refused, 1);
	assert_int_equal(post(b, 2, 1, "a", "one"), REFUSED(CODE_OK)); /* it is known */
	assert_int_equal(simple(b, COMMAND_LEAVE, 3, 1), DECIDED);

	worker.delay = 100000;
	overload_look(overload, &b->proc);
	assert_int_equal(post(b, 2, 1, "b", "two"), DECIDED);

	worker.delay = 100001;
	worker.heartbeat = 1; /* it hangs: nobody waits for it */
	overload_look(overload, &b->proc);
	assert_int_equal(post(b, 2, 1, "c", "three"), DECIDED);
	b->proc.page[SLOT_WORKER] = NULL;
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
	assert_int_equal(put_category(b, 2, 0, "Mine"), REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(put_addin(b, 2, 0, "Mine", "http://a.test/"), REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(remove_node(b, 2, NODE_ROOM, 1), REFUSED(CODE_ERROR_PERMISSION));
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

static int join_rooms(struct bench *b, uint32_t session, const uint32_t *rooms)
{
	struct event_rooms event = {.count = 0};

	for (; *rooms != 0; rooms++)
		event.place[event.count++].room = *rooms;
	return send_as(b, SLOT_WORKER, SLOT_WORKER, session, COMMAND_JOIN_ROOMS, 0,
		       event_rooms_put(&event, b->mail.bytes + sizeof(struct command),
				       EVENT_ROOMS_SIZE));
}

static void of_several_rooms_those_are_joined_that_may_be(void **state)
{
	static const uint32_t rooms[] = {1, 2, 9, 4, 2, 3, 0}, none[] = {1, 9, 0}, most[] = {2, 3, 4, 0};
	struct bench *b = *state;
	uint16_t flags;

	populate(b);
	for (uint32_t i = 2; i <= 4; i++) {
		char name[16];

		snprintf(name, sizeof(name), "Room %u", i);
		assert_int_equal(put_room(b, 1, 0, name, i == 4), DECIDED);
	}
	/* In 1 already, no 9, 4 is disabled. */
	assert_int_equal(join_rooms(b, 2, rooms), DECIDED);
	assert_int_equal(in_batch(b, EVENT_JOINS, NULL), 1);
	assert_int_equal(simple(b, COMMAND_JOIN, 2, 2), REFUSED(CODE_OK));
	assert_int_equal(simple(b, COMMAND_JOIN, 2, 3), REFUSED(CODE_OK));
	assert_int_equal(simple(b, COMMAND_JOIN, 2, 4), REFUSED(CODE_NODE_DISABLED));
	assert_int_equal(join_rooms(b, 3, none), REFUSED(CODE_OK));
	assert_int_equal(put_room(b, 1, 4, "Room 4", false), DECIDED);
	/* Three a session: the last of them does not fit. */
	assert_int_equal(join_rooms(b, 3, most), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, 3, 4), REFUSED(CODE_LIMIT_EXCEEDED));
	/* One event for all rooms that are left. */
	assert_int_equal(simple(b, COMMAND_SESSION_CLOSE, 3, 0), DECIDED);
	assert_int_equal(in_batch(b, EVENT_LEAVES, &flags), 1);
	assert_int_equal(in_batch(b, EVENT_LEAVE, NULL), 0);
	assert_int_equal(simple(b, COMMAND_JOIN, 2, 2), REFUSED(CODE_OK));
}

static void a_join_of_several_rooms_that_makes_no_sense_is_refused(void **state)
{
	static const uint32_t zero[] = {0};
	struct bench *b = *state;

	populate(b);
	assert_int_equal(join_rooms(b, 2, zero), REFUSED(CODE_INVALID_ARGUMENT));
	memset(b->mail.bytes + sizeof(struct command), 0xff, EVENT_ROOMS_SIZE);
	assert_int_equal(send_as(b, SLOT_WORKER, SLOT_WORKER, 2, COMMAND_JOIN_ROOMS, 0, EVENT_ROOMS_SIZE),
			 REFUSED(CODE_INVALID_ARGUMENT));
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

/* --- Sessions that are lost. --- */

/* As populate, but lost sessions keep their places for an hour; session 4 of the other worker is
 * Alice's, too. */
static void populate_lingering(struct bench *b)
{
	populate(b);
	b->conf.limits.linger = UINT64_C(3600) * 1000000;
	assert_int_equal(put_room(b, 1, 0, "Second", false), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, 2, 2), DECIDED);
	assert_int_equal(sign_in(b, SLOT_WORKER + 1, 4, 1, 0, false), DECIDED);
}

static int lose(struct bench *b, uint32_t session)
{
	b->mail.command.flags = COMMAND_LOST;
	return simple(b, COMMAND_SESSION_CLOSE, session, 0);
}

static int there(struct bench *b, enum command_type type, uint32_t room)
{
	return send_as(b, SLOT_WORKER + 1, SLOT_WORKER + 1, 4, type, room, 0);
}

static unsigned users_in(const struct bench *b, uint32_t room)
{
	const struct cache *cache = &b->engine.cache;

	return ((const struct room_row *)table_row(cache, TABLE_ROOM, find_room(cache, room)))->users;
}

static void a_lost_session_stays_until_another_one_takes_its_places(void **state)
{
	struct bench *b = *state;
	uint32_t used;

	populate_lingering(b);
	used = b->engine.cache.header->table[TABLE_PARTICIPANT].used;
	assert_int_equal(lose(b, 2), DECIDED);
	assert_int_equal(in_batch(b, EVENT_LOST, NULL), 1);
	assert_int_equal(in_batch(b, EVENT_LEAVE, NULL) + in_batch(b, EVENT_LEAVES, NULL), 0);
	assert_int_equal(users_in(b, 1), 2);
	assert_int_equal(simple(b, COMMAND_LEAVE, 2, 1), REFUSED(CODE_NOT_SIGNED_IN));
	assert_int_equal(simple(b, COMMAND_SESSION_CLOSE, 2, 0), REFUSED(CODE_NOT_SIGNED_IN));
	assert_false(engine_linger(&b->engine, false));

	assert_int_equal(there(b, COMMAND_JOIN, 1), DECIDED);
	assert_int_equal(in_batch(b, EVENT_JOINS, NULL), 1);
	assert_int_equal(in_batch(b, EVENT_SESSION_CLOSE, NULL), 0);
	assert_int_equal(there(b, COMMAND_JOIN, 2), DECIDED);
	assert_int_equal(in_batch(b, EVENT_SESSION_CLOSE, NULL), 1); /* nothing is left of it */
	assert_int_equal(users_in(b, 1), 2);
	assert_int_equal(users_in(b, 2), 1);
	assert_int_equal(b->engine.cache.header->table[TABLE_PARTICIPANT].used, used);
	assert_int_equal(b->engine.cache.header->lost, 0);
	assert_int_equal(there(b, COMMAND_JOIN, 1), REFUSED(CODE_OK));
	assert_int_equal(there(b, COMMAND_LEAVE, 1), DECIDED);
	assert_int_equal(users_in(b, 1), 1);
}

static void several_places_are_taken_by_one_event_with_rooms_that_are_new(void **state)
{
	static const uint32_t rooms[] = {3, 1, 2, 0};
	struct bench *b = *state;

	populate_lingering(b);
	assert_int_equal(put_room(b, 1, 0, "Third", false), DECIDED);
	assert_int_equal(lose(b, 2), DECIDED);
	assert_int_equal(sign_in(b, SLOT_WORKER, 5, 1, 0, false), DECIDED);
	assert_int_equal(join_rooms(b, 5, rooms), DECIDED);
	assert_int_equal(in_batch(b, EVENT_JOINS, NULL), 1);
	assert_int_equal(in_batch(b, EVENT_SESSION_CLOSE, NULL), 1);
	for (uint32_t room = 1; room <= 3; room++)
		assert_int_equal(simple(b, COMMAND_JOIN, 5, room), REFUSED(CODE_OK));
	assert_int_equal(users_in(b, 1), 2);
	assert_int_equal(atomic_load(&b->own.counters[COUNTER_SESSIONS_RESUMED]), 1);
}

static void places_are_taken_in_whatever_order_they_are_asked_for(void **state)
{
	static const char *const names[] = {"Third", "Fourth", "Fifth", "Sixth"};
	static const uint32_t orders[][8] = {{1, 2, 3, 4, 5, 6, 0},
					     {1, 2, 3, 4, 5, 6, 0},
					     {6, 5, 4, 3, 2, 1, 0},
					     {3, 1, 6, 2, 5, 4, 0},
					     {2, 2, 1, 3, 6, 4, 5, 0}};
	struct bench *b = *state;
	uint32_t session = 2;

	populate_lingering(b);
	b->conf.limits.rooms_per_session = 6;
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(put_room(b, 1, 0, names[i], false), DECIDED);
		assert_int_equal(simple(b, COMMAND_JOIN, session, 3 + i), DECIDED);
	}
	for (uint32_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		assert_int_equal(lose(b, session), DECIDED);
		session = 10 + i;
		assert_int_equal(sign_in(b, SLOT_WORKER, session, 1, 0, false), DECIDED);
		assert_int_equal(join_rooms(b, session, orders[i]), DECIDED);
		assert_int_equal(in_batch(b, EVENT_JOINS, NULL), i + 1);
		assert_int_equal(in_batch(b, EVENT_SESSION_CLOSE, NULL), i + 1);
		for (uint32_t room = 1; room <= 6; room++)
			assert_int_equal(simple(b, COMMAND_JOIN, session, room),
					 REFUSED(CODE_OK));
	}
	assert_int_equal(users_in(b, 1), 2);
	assert_int_equal(users_in(b, 6), 1);
}

static void a_place_is_nobody_elses(void **state)
{
	struct bench *b = *state;

	populate_lingering(b);
	assert_int_equal(lose(b, 2), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, 3, 2), DECIDED);
	assert_int_equal(in_batch(b, EVENT_JOINS, NULL), 0);
	assert_int_equal(users_in(b, 2), 2);
	assert_int_equal(b->engine.cache.header->lost, 1);
}

/* What a worker says of places that are to be taken counts for nothing. */
static void a_worker_takes_over_nobody_elses_place_whatever_it_claims(void **state)
{
	struct bench *b = *state;
	struct event_rooms claim = {
		.count = 2,
		.from = {.slot = SLOT_WORKER, .generation = GENERATION, .session = 2},
		.place = {{.room = 1, .flags = EVENT_TAKEN}, {.room = 2, .flags = EVENT_TAKEN}}};
	uint32_t size;

	populate_lingering(b);
	assert_int_equal(lose(b, 2), DECIDED);
	size = event_rooms_put(&claim, b->mail.bytes + sizeof(struct command), EVENT_ROOMS_SIZE);
	/* Bob, who is in the first one already. */
	assert_int_equal(send_as(b, SLOT_WORKER, SLOT_WORKER, 3, COMMAND_JOIN_ROOMS, 0, size),
			 DECIDED);
	assert_int_equal(users_in(b, 1), 2);
	assert_int_equal(users_in(b, 2), 2);
	assert_int_equal(b->engine.cache.header->lost, 1);
	assert_int_equal(in_batch(b, EVENT_SESSION_CLOSE, NULL), 0);
	assert_int_equal(there(b, COMMAND_JOIN, 1), DECIDED);
	assert_int_equal(there(b, COMMAND_JOIN, 2), DECIDED);
	assert_int_equal(b->engine.cache.header->lost, 0);
	assert_int_equal(users_in(b, 2), 2);
}

static void a_worker_neither_opens_nor_loses_sessions_that_are_not_its_own(void **state)
{
	struct bench *b = *state;

	populate_lingering(b);
	/* Of a user of another worker, under that one's name and under its own. */
	b->mail.command.flags = COMMAND_LOST;
	assert_int_equal(send_as(b, SLOT_WORKER + 1, SLOT_WORKER, 2, COMMAND_SESSION_CLOSE, 0, 0),
			 REFUSED(CODE_NOT_SIGNED_IN));
	b->mail.command.flags = COMMAND_LOST;
	assert_int_equal(
		send_as(b, SLOT_WORKER + 1, SLOT_WORKER + 1, 2, COMMAND_SESSION_CLOSE, 0, 0),
		REFUSED(CODE_NOT_SIGNED_IN));
	assert_int_equal(b->engine.cache.header->lost, 0);
	/* A lost one of its own does not come back to life by being named, nor is it opened again. */
	assert_int_equal(lose(b, 2), DECIDED);
	assert_int_equal(post(b, 2, 1, "", "from beyond"), REFUSED(CODE_NOT_SIGNED_IN));
	assert_int_equal(sign_in(b, SLOT_WORKER, 2, 1, 0, false),
			 REFUSED(CODE_INVALID_FLOW_OF_OPERATIONS));
	assert_int_equal(send_as(b, SLOT_WORKER, SLOT_WORKER, 9, COMMAND_SESSION_OPEN, 0,
				 b->mail.command.payload),
			 REFUSED(CODE_INVALID_REQUEST));
	assert_int_equal(post(b, 9, 1, "", "never signed in"), REFUSED(CODE_NOT_SIGNED_IN));
	assert_int_equal(b->engine.cache.header->lost, 1);
}

static void a_lost_session_leaves_rooms_in_which_the_user_is_with_another_one(void **state)
{
	struct bench *b = *state;
	uint16_t flags;

	populate_lingering(b);
	assert_int_equal(there(b, COMMAND_JOIN, 1), DECIDED);
	assert_int_equal(lose(b, 2), DECIDED);
	assert_int_equal(in_batch(b, EVENT_LEAVES, NULL), 1);
	assert_int_equal(in_batch(b, EVENT_LOST, NULL), 1);
	assert_int_equal(there(b, COMMAND_LEAVE, 1), DECIDED);
	in_batch(b, EVENT_LEAVE, &flags);
	assert_int_equal(flags, EVENT_LAST);
	/* In no other room than that: it is no loss. */
	assert_int_equal(there(b, COMMAND_JOIN, 2), DECIDED);
	assert_int_equal(sign_in(b, SLOT_WORKER, 5, 1, 0, false), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, 5, 2), DECIDED);
	assert_int_equal(lose(b, 5), DECIDED);
	assert_int_equal(in_batch(b, EVENT_LOST, NULL), 1);
	assert_int_equal(b->engine.cache.header->lost, 0);
}

static void places_of_several_lost_sessions_are_taken_one_session_after_the_other(void **state)
{
	static const uint32_t rooms[] = {1, 2, 0};
	struct bench *b = *state;

	populate_lingering(b);
	assert_int_equal(simple(b, COMMAND_LEAVE, 2, 1), DECIDED);
	assert_int_equal(there(b, COMMAND_JOIN, 1), DECIDED);
	assert_int_equal(lose(b, 2), DECIDED);
	sit(b, SLOT_WORKER + 1, 0);
	engine_slot_changed(&b->engine);
	assert_true(engine_reap(&b->engine));
	assert_int_equal(b->engine.cache.header->lost, 2);
	assert_int_equal(sign_in(b, SLOT_WORKER, 5, 1, 0, false), DECIDED);
	assert_int_equal(join_rooms(b, 5, rooms), DECIDED);
	assert_int_equal(b->engine.cache.header->lost, 1);
	assert_int_equal(simple(b, COMMAND_JOIN, 5, 2), DECIDED);
	assert_int_equal(b->engine.cache.header->lost, 0);
	assert_int_equal(users_in(b, 1), 2);
	assert_int_equal(users_in(b, 2), 1);
}

static void who_does_not_come_back_leaves_in_the_end(void **state)
{
	struct bench *b = *state;

	populate_lingering(b);
	assert_int_equal(lose(b, 2), DECIDED);
	assert_int_equal(lose(b, 3), DECIDED);
	b->conf.limits.linger = 1;
	while (!engine_linger(&b->engine, false))
		;
	while (b->engine.cache.header->lost > 0)
		engine_linger(&b->engine, false);
	assert_int_equal(in_batch(b, EVENT_LEAVES, NULL), 1);
	assert_int_equal(in_batch(b, EVENT_LEAVE, NULL), 1);
	assert_int_equal(in_batch(b, EVENT_SESSION_CLOSE, NULL), 2);
	assert_int_equal(users_in(b, 1), 0);
	assert_int_equal(atomic_load(&b->own.counters[COUNTER_SESSIONS_EXPIRED]), 2);
}

static void a_stop_ends_what_is_lost(void **state)
{
	struct bench *b = *state;

	populate_lingering(b);
	assert_int_equal(lose(b, 2), DECIDED);
	assert_true(engine_linger(&b->engine, true));
	assert_false(engine_linger(&b->engine, true));
	assert_int_equal(in_batch(b, EVENT_SESSION_CLOSE, NULL), 1);
}

static void a_clock_that_was_set_back_ends_what_is_lost(void **state)
{
	struct bench *b = *state;

	populate_lingering(b);
	b->engine.writer.time = clock_utc() + UINT64_C(60) * 1000000;
	assert_int_equal(lose(b, 2), DECIDED);
	assert_true(engine_linger(&b->engine, false));
}

static void whoever_may_not_be_in_a_room_any_more_is_not_there_lost_either(void **state)
{
	struct bench *b = *state;
	uint16_t flags;

	populate_lingering(b);
	assert_int_equal(lose(b, 2), DECIDED);
	assert_int_equal(put_room(b, 1, 2, "Second", true), DECIDED);
	in_batch(b, EVENT_LEAVE, &flags);
	assert_int_equal(flags, EVENT_LAST | EVENT_NO_ACCESS);
	assert_int_equal(b->engine.cache.header->lost, 1);
	assert_int_equal(set_role(b, 1, NODE_CATEGORY, 1, 1, ROLE_DENIED, true), DECIDED);
	while (b->engine.rechecking)
		engine_recheck(&b->engine);
	assert_int_equal(users_in(b, 1), 1);
	assert_int_equal(b->engine.cache.header->lost, 0);
	assert_int_equal(in_batch(b, EVENT_SESSION_CLOSE, NULL), 1);
	assert_int_equal(there(b, COMMAND_JOIN, 1), REFUSED(CODE_NO_SUCH_NODE));
	/* A user who is removed is nowhere. */
	assert_int_equal(lose(b, 3), DECIDED);
	assert_int_equal(put_user(b, 1, 2, "", PRINCIPAL_DELETED), DECIDED);
	assert_int_equal(users_in(b, 1), 0);
	assert_int_equal(b->engine.cache.header->lost, 0);
}

static void what_is_lost_gives_way_to_what_is_new_the_oldest_first(void **state)
{
	struct bench *b = *state;
	uint32_t session = 5;

	populate_lingering(b);
	assert_int_equal(lose(b, 3), DECIDED);
	assert_int_equal(lose(b, 2), DECIDED);
	while (table_free_rows(&b->engine.cache, TABLE_SESSION) > 0)
		assert_int_equal(sign_in(b, SLOT_WORKER, session++, 1, 0, false), DECIDED);
	assert_int_equal(b->engine.cache.header->lost, 2);
	assert_int_equal(sign_in(b, SLOT_WORKER, session++, 2, 0, false), DECIDED);
	assert_int_equal(users_in(b, 1), 1);
	assert_int_equal(users_in(b, 2), 1);
	assert_int_equal(sign_in(b, SLOT_WORKER, session++, 2, 0, false), DECIDED);
	assert_int_equal(users_in(b, 2), 0);
	assert_int_equal(sign_in(b, SLOT_WORKER, session++, 2, 0, false),
			 REFUSED(CODE_LIMIT_EXCEEDED));
	assert_int_equal(b->engine.cache.header->lost, 0);
}

static void places_give_way_as_well(void **state)
{
	static const uint32_t rooms[] = {1, 2, 3, 0};
	struct bench *b = *state;
	struct cache_table *places;

	populate_lingering(b);
	places = &b->engine.cache.header->table[TABLE_PARTICIPANT];
	assert_int_equal(put_room(b, 1, 0, "Third", false), DECIDED);
	assert_int_equal(lose(b, 2), DECIDED);
	places->rows = places->used;
	/* What is taken over needs none, and does not give way to a third room of the same join. */
	assert_int_equal(sign_in(b, SLOT_WORKER, 5, 1, 0, false), DECIDED);
	assert_int_equal(join_rooms(b, 5, rooms), REFUSED(CODE_OK));
	assert_int_equal(simple(b, COMMAND_JOIN, 5, 1), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, 5, 2), DECIDED);
	assert_int_equal(in_batch(b, EVENT_JOIN, NULL), 3);
	assert_int_equal(simple(b, COMMAND_JOIN, 5, 3), REFUSED(CODE_LIMIT_EXCEEDED));
	assert_int_equal(lose(b, 5), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, 3, 3), DECIDED);
	assert_int_equal(users_in(b, 1), 1);
}

static void a_dead_workers_sessions_are_lost_a_part_in_each_turn(void **state)
{
	struct bench *b = *state;

	populate_lingering(b);
	sit(b, SLOT_WORKER, 0);
	engine_slot_changed(&b->engine);
	assert_true(engine_reap(&b->engine));
	assert_false(b->engine.reaping);
	assert_int_equal(in_batch(b, EVENT_LOST, NULL), 2);
	assert_int_equal(in_batch(b, EVENT_SESSION_CLOSE, NULL), 1); /* the administrator's */
	engine_slot_changed(&b->engine);
	assert_false(engine_reap(&b->engine));
	assert_int_equal(there(b, COMMAND_JOIN, 1), DECIDED);
	assert_int_equal(in_batch(b, EVENT_JOINS, NULL), 1);
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
	for (unsigned i = 2; i <= 12; i++) {
		snprintf(name, sizeof(name), "Room %u", i);
		assert_int_equal(put_room(b, 1, 0, name, false), DECIDED);
	}
	assert_int_equal(put_room(b, 1, 0, "Room 13", false), REFUSED(CODE_LIMIT_EXCEEDED));
	assert_int_equal(simple(b, COMMAND_JOIN, 2, 2), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, 2, 3), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, 2, 4), REFUSED(CODE_LIMIT_EXCEEDED));
	for (uint32_t s = 4; s <= 12; s++)
		assert_int_equal(sign_in(b, SLOT_WORKER, s, 1, 0, false), DECIDED);
	assert_int_equal(sign_in(b, SLOT_WORKER, 13, 1, 0, false), REFUSED(CODE_LIMIT_EXCEEDED));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_post_needs_a_session_a_room_and_being_in_it),
		TEST(a_post_must_be_text_of_a_size),
		TEST(a_repeated_post_is_answered_with_the_first_one),
		TEST(while_workers_are_late_posts_are_refused_and_nothing_else),
		TEST(a_worker_speaks_for_its_own_sessions_only),
		TEST(only_an_administrator_changes_users_and_rooms),
		TEST(a_sign_in_needs_a_user_who_may),
		TEST(the_first_and_the_last_session_of_a_user_in_a_room_are_marked),
		TEST(of_several_rooms_those_are_joined_that_may_be),
		TEST(a_join_of_several_rooms_that_makes_no_sense_is_refused),
		TEST(sessions_of_a_worker_that_is_gone_end),
		TEST(a_lost_session_stays_until_another_one_takes_its_places),
		TEST(several_places_are_taken_by_one_event_with_rooms_that_are_new),
		TEST(places_are_taken_in_whatever_order_they_are_asked_for),
		TEST(a_place_is_nobody_elses),
		TEST(a_worker_takes_over_nobody_elses_place_whatever_it_claims),
		TEST(a_worker_neither_opens_nor_loses_sessions_that_are_not_its_own),
		TEST(a_lost_session_leaves_rooms_in_which_the_user_is_with_another_one),
		TEST(places_of_several_lost_sessions_are_taken_one_session_after_the_other),
		TEST(who_does_not_come_back_leaves_in_the_end),
		TEST(a_stop_ends_what_is_lost),
		TEST(a_clock_that_was_set_back_ends_what_is_lost),
		TEST(whoever_may_not_be_in_a_room_any_more_is_not_there_lost_either),
		TEST(what_is_lost_gives_way_to_what_is_new_the_oldest_first),
		TEST(places_give_way_as_well),
		TEST(a_dead_workers_sessions_are_lost_a_part_in_each_turn),
		TEST(a_removed_user_is_signed_out_and_a_disabled_room_is_emptied),
		TEST(a_table_that_is_full_refuses_with_limit_exceeded),
		TEST(a_full_journal_refuses_posts_but_lets_sessions_end),
		TEST(what_a_predecessor_decided_is_not_done_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
