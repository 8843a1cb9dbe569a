#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/apply.h"
#include "shm/role.h"
#include "t/unit/engine_bench.h"
#include "t/unit/model.h"

/*
 * Random sequences of what administrators, managers and users do, by the engine and by a naive model
 * of the rules: every answer and, after each step, the whole state have to agree. Then the events
 * are applied to an empty cache, which has to become the same, byte for byte.
 *
 * PCHAT_SEED and PCHAT_STEPS choose another sequence; a failure tells the seed, and the step.
 */
enum { STEPS = 4000, RUNS = 6, FACTOR = 40, COPY_SIZE = 64 << 20 };

static const uint8_t privacies[] = {
	[NAIVE_SECRET] = PRIVACY_SECRET, [NAIVE_CLOSED] = PRIVACY_CLOSED, [NAIVE_OPEN] = PRIVACY_OPEN};

/* xorshift, which is the same everywhere. */
unsigned any(struct trial *t, unsigned below)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return (unsigned)(t->random >> 33) % below;
}

uint32_t id_of(unsigned person)
{
	return person == 0 ? PRINCIPAL_ANY_USER : person;
}

void check(struct trial *t, bool right, const char *what)
{
	if (!right)
		fail_msg("seed %llu, step %u (%s): %s", (unsigned long long)t->seed, t->step,
			 t->what, what);
}

/* got: as engine_bench.h has it. */
void compare_answer(struct trial *t, int got, const struct naive_answer *wanted)
{
	char text[160];
	bool agrees = got == DECIDED && wanted->count == 0;

	for (unsigned i = 0; i < wanted->count; i++)
		agrees = agrees || got == REFUSED(wanted->reason[i]);
	snprintf(text, sizeof(text), "the engine answered %s, the model %s",
		 got == DECIDED ? "done" : code_name(-1 - got),
		 wanted->count == 0 ? "done" : code_name(wanted->reason[0]));
	check(t, agrees, text);
}

/* --- The steps. --- */

unsigned any_person(struct trial *t)
{
	return any(t, t->n.people_count + 2);
}

static unsigned any_category(struct trial *t)
{
	return 1 + any(t, t->n.categories + 1);
}

unsigned any_room(struct trial *t)
{
	return 1 + any(t, t->n.rooms + 1);
}

static const char *any_name(struct trial *t, char name[NAME])
{
	snprintf(name, NAME, "Name %u", any(t, 30));
	return name;
}

/* Mostly the administrator, whose session is 1. */
unsigned any_session(struct trial *t)
{
	return any(t, 3) == 0 ? 1 + any(t, SESSIONS - 1) : 1;
}

static int sign(struct trial *t, unsigned session, unsigned user, bool admin)
{
	return sign_in(t->b, SLOT_WORKER, session, admin ? 0 : user, 0, admin);
}

static void step_person(struct trial *t)
{
	const bool is_group = any(t, 2);
	char uri[NAME];
	struct naive_answer wanted;

	if (t->n.people_count >= PEOPLE - 2)
		return;
	snprintf(uri, sizeof(uri), "%s:%u", is_group ? "ma-grp" : "sip", any(t, 24));
	wanted = naive_person(&t->n, is_group, uri);
	compare_answer(t, is_group ? put_group(t->b, uri) : put_user(t->b, 1, 0, uri, 0), &wanted);
}

static void step_state(struct trial *t)
{
	static const enum principal_state states[] = {
		[NAIVE_ACTIVE] = PRINCIPAL_ACTIVE,
		[NAIVE_DISABLED] = PRINCIPAL_DISABLED,
		[NAIVE_DELETED] = PRINCIPAL_DELETED};
	const unsigned person = 1 + any(t, t->n.people_count + 1);
	const enum naive_state state =
		any(t, 3) ? NAIVE_ACTIVE : (enum naive_state)any(t, 1 + NAIVE_DELETED);
	const struct naive_answer wanted = naive_state(&t->n, person, state);

	compare_answer(t, put_user(t->b, 1, person, "x", states[state]), &wanted);
}

static void step_affiliate(struct trial *t)
{
	const unsigned member = 1 + any(t, t->n.people_count + 1);
	const unsigned group = 1 + any(t, t->n.people_count + 1);
	const bool present = any(t, 3) > 0;
	const struct naive_answer wanted = naive_affiliate(&t->n, member, group, present);

	compare_answer(t, affiliate(t->b, member, group, present), &wanted);
}

/* As put_category, with a uuid that no other has. */
static int send_category(struct trial *t, unsigned id, const char *name, unsigned flags)
{
	struct event_category event = {
		.id = id,
		.name = text(name),
		.flags = CATEGORY_HISTORY | (flags & 1 ? (uint32_t)CATEGORY_INVITATIONS : 0) |
			 (flags & 2 ? (uint32_t)CATEGORY_REQUESTS : 0) |
			 (flags & 4 ? (uint32_t)CATEGORY_MEMBERS_LEAVE : 0)};
	uint8_t *at = start_change(t->b, FIELD_NAME, 0);

	memcpy(event.uuid, &t->step, sizeof(t->step));
	return send_change(t->b, 1, COMMAND_CATEGORY, 0, event_category_put(&event, at, 4096));
}

static void step_category(struct trial *t)
{
	const bool is_new = any(t, 3) && t->n.categories < CATEGORIES - 2;
	const unsigned id = is_new ? 0 : any_category(t), flags = any(t, 8);
	char name[NAME];
	struct naive_answer wanted;

	wanted = naive_category(&t->n, id, any_name(t, name), flags);
	compare_answer(t, send_category(t, id, name, flags), &wanted);
}

static void step_category_remove(struct trial *t)
{
	const unsigned id = any_category(t);
	const struct naive_answer wanted = naive_category_remove(&t->n, id);

	compare_answer(t, remove_node(t->b, 1, NODE_CATEGORY, id), &wanted);
}

static void step_category_role(struct trial *t)
{
	const unsigned session = any_session(t), id = any_category(t), person = any_person(t);
	const enum naive_role role = (enum naive_role)any(t, NAIVE_CREATOR + 1);
	const bool present = any(t, 3) > 0;
	struct naive_answer wanted;

	if (!t->n.session[session].open)
		return;
	wanted = naive_category_role(&t->n, session, id, person, role, present);
	compare_answer(t,
		       set_role(t->b, session, NODE_CATEGORY, id, id_of(person),
				ROLE_ALLOWED + role, present),
		       &wanted);
}

static int maybe(struct trial *t, unsigned below)
{
	return any(t, 3) ? -1 : (int)any(t, below);
}

static void step_room(struct trial *t)
{
	const unsigned session = any_session(t);
	const bool is_new = any(t, 2) && t->n.rooms < ROOMS - 2;
	const unsigned id = is_new ? 0 : any_room(t);
	char name[NAME];
	struct naive_room_wish wish = {
		.name = is_new || any(t, 3) == 0 ? any_name(t, name) : NULL,
		.category = is_new ? (int)any_category(t) : maybe(t, t->n.categories + 2),
		.privacy = is_new ? (int)any(t, 3) : maybe(t, 3),
		.auditorium = is_new ? (int)any(t, 2) : maybe(t, 2),
		.disabled = is_new ? -1 : maybe(t, 2),
		.invites = is_new && any(t, 4) > 0};
	struct event_room event = {
		.id = id,
		.name = text(wish.name ? wish.name : "x"),
		.category = wish.category > 0 ? (uint32_t)wish.category : 0,
		.privacy = privacies[wish.privacy >= 0 ? wish.privacy : 0],
		.behavior = wish.auditorium > 0 ? BEHAVIOR_AUDITORIUM : BEHAVIOR_NORMAL,
		.disabled = wish.disabled > 0,
		.invitations = wish.invites};
	const uint32_t fields = (wish.name ? FIELD_NAME : 0u) |
				(wish.category >= 0 ? FIELD_CATEGORY : 0u) |
				(wish.privacy >= 0 ? FIELD_PRIVACY : 0u) |
				(wish.auditorium >= 0 ? FIELD_BEHAVIOR : 0u) |
				(wish.disabled >= 0 ? FIELD_STATE : 0u);
	struct naive_answer wanted;

	/* The first bytes will be the name's. */
	memcpy(event.uuid + NAME - sizeof(t->step), &t->step, sizeof(t->step));
	if (!t->n.session[session].open)
		return;
	wanted = is_new ? naive_room_new(&t->n, session, &wish)
			: naive_room_change(&t->n, session, id, &wish);
	compare_answer(t, change_room(t->b, session, &event, fields, 0), &wanted);
}

static void step_room_remove(struct trial *t)
{
	const unsigned session = any_session(t), id = any_room(t);
	struct naive_answer wanted;

	if (!t->n.session[session].open)
		return;
	wanted = naive_room_remove(&t->n, session, id);
	compare_answer(t, remove_node(t->b, session, NODE_ROOM, id), &wanted);
}

static void step_room_role(struct trial *t)
{
	const unsigned session = any_session(t), id = any_room(t), person = any_person(t);
	const enum naive_role role = (enum naive_role)(NAIVE_MEMBER + any(t, 3));
	const bool present = any(t, 4) > 0;
	struct naive_answer wanted;

	if (!t->n.session[session].open)
		return;
	wanted = naive_room_role(&t->n, session, id, person, role, present);
	compare_answer(t,
		       set_role(t->b, session, NODE_ROOM, id, id_of(person), ROLE_ALLOWED + role,
				present),
		       &wanted);
}

static void step_sign_in(struct trial *t)
{
	const unsigned session = 2 + any(t, SESSIONS - 2);
	const unsigned user = 1 + any(t, t->n.people_count + 1);
	struct naive_answer wanted;

	if (t->n.people[user].is_group)
		return;
	wanted = naive_sign_in(&t->n, session, user, false);
	compare_answer(t, sign(t, session, user, false), &wanted);
}

static void step_sign_out(struct trial *t)
{
	const unsigned session = 2 + any(t, SESSIONS - 2);
	const struct naive_answer wanted = naive_sign_out(&t->n, session);

	compare_answer(t, simple(t->b, COMMAND_SESSION_CLOSE, session, 0), &wanted);
}

static void step_lose(struct trial *t)
{
	const unsigned session = 2 + any(t, SESSIONS - 2);
	const struct naive_answer wanted = naive_lose(&t->n, session);

	t->b->mail.command.flags = COMMAND_LOST;
	compare_answer(t, simple(t->b, COMMAND_SESSION_CLOSE, session, 0), &wanted);
}

/* Their time is over. */
static void step_end_lost(struct trial *t)
{
	naive_end_lost(&t->n);
	while (engine_linger(&t->b->engine, true))
		;
}

static void step_join(struct trial *t)
{
	const unsigned session = 1 + any(t, SESSIONS - 1), room = any_room(t);
	const struct naive_answer wanted = naive_join(&t->n, session, room);

	compare_answer(t, simple(t->b, COMMAND_JOIN, session, room), &wanted);
}

/* As a worker does: rooms that the event for all leaves out, because other sessions' places are taken
 * over there, are asked for one by one. */
static void join_alone(struct trial *t, unsigned session, const struct event_rooms *event)
{
	const struct cache *cache = &t->b->engine.cache;
	const uint32_t row = find_session(cache, SLOT_WORKER, GENERATION, session);

	for (uint32_t i = 0; i < event->count; i++) {
		const uint32_t room = event->place[i].room;

		if (t->n.session[session].in[room] &&
		    find_participant(cache, find_room(cache, room), t->n.session[session].user, row,
				     NULL) == 0)
			check(t, simple(t->b, COMMAND_JOIN, session, room) == DECIDED,
			      "a room that was left out cannot be joined alone");
	}
}

/* Some rooms at once: those that can be joined one after the other are, as far as there is room. */
static void step_join_rooms(struct trial *t)
{
	const unsigned session = 1 + any(t, SESSIONS - 1), count = 2 + any(t, 3);
	struct event_rooms event = {.count = count};
	struct naive_answer wanted = {.count = 0};
	bool joined = false;

	for (unsigned i = 0; i < count; i++)
		event.place[i] = (struct event_place){.room = any_room(t)};
	for (unsigned i = 0; i < count; i++)
		joined = naive_join(&t->n, session, event.place[i].room).count == 0 || joined;
	if (!joined)
		naive_because(&wanted, t->n.session[session].open ? NAIVE_NOTHING
								  : CODE_NOT_SIGNED_IN);
	compare_answer(t,
		       send_as(t->b, SLOT_WORKER, SLOT_WORKER, session, COMMAND_JOIN_ROOMS, 0,
			       event_rooms_put(&event, t->b->mail.bytes + sizeof(struct command),
					       EVENT_ROOMS_SIZE)),
		       &wanted);
	join_alone(t, session, &event);
}

static void step_leave(struct trial *t)
{
	const unsigned session = 1 + any(t, SESSIONS - 1), room = any_room(t);
	const struct naive_answer wanted = naive_leave(&t->n, session, room);

	compare_answer(t, simple(t->b, COMMAND_LEAVE, session, room), &wanted);
}

static void step_post(struct trial *t)
{
	const unsigned session = 1 + any(t, SESSIONS - 1), room = any_room(t);
	const struct naive_answer wanted = naive_post(&t->n, session, room);

	compare_answer(t, post(t->b, session, room, "", "text"), &wanted);
}

static void step_purge(struct trial *t)
{
	const unsigned session = any_session(t), room = any_room(t);
	const struct command_purge purge = {.through = any(t, 6)};
	const struct naive_answer wanted = naive_purge(&t->n, session, room, purge.through);

	memcpy(t->b->mail.bytes + sizeof(struct command), &purge, sizeof(purge));
	compare_answer(t,
		       send_as(t->b, SLOT_WORKER, SLOT_WORKER, session, COMMAND_PURGE, room,
			       sizeof(purge)),
		       &wanted);
}

static const struct {
	const char *name;
	unsigned weight;
	void (*take)(struct trial *t);
} steps[] = {
	{"person", 3, step_person},
	{"state", 3, step_state},
	{"affiliate", 6, step_affiliate},
	{"category", 2, step_category},
	{"remove a category", 1, step_category_remove},
	{"role in a category", 8, step_category_role},
	{"room", 8, step_room},
	{"remove a room", 1, step_room_remove},
	{"role in a room", 14, step_room_role},
	{"sign in", 6, step_sign_in},
	{"sign out", 1, step_sign_out},
	{"lose", 3, step_lose},
	{"end lost", 1, step_end_lost},
	{"join", 14, step_join},
	{"join some rooms", 8, step_join_rooms},
	{"leave", 3, step_leave},
	{"post", 12, step_post},
	{"purge", 2, step_purge},
	{"setting", 4, step_setting},
	{"grant", 3, step_grant},
	{"marker", 4, step_marker},
	{"invitations read", 3, step_invitation_read},
	{"feed", 4, step_feed},
	{"request", 8, step_request},
	{"answer a request", 6, step_request_answer},
	{"quit", 3, step_quit},
};

static void take_step(struct trial *t)
{
	unsigned all = 0, i = 0, chosen;

	for (unsigned s = 0; s < sizeof(steps) / sizeof(steps[0]); s++)
		all += steps[s].weight;
	for (chosen = any(t, all); chosen >= steps[i].weight; i++)
		chosen -= steps[i].weight;
	snprintf(t->what, sizeof(t->what), "%s", steps[i].name);
	steps[i].take(t);
	while (t->b->engine.policing)
		engine_police(&t->b->engine);
	while (t->b->engine.rechecking)
		engine_recheck(&t->b->engine);
	while (t->b->engine.sweeping)
		engine_sweep(&t->b->engine);
}

/* --- The state. --- */

static void compare_roles(struct trial *t, enum node_kind kind, uint32_t row,
			  const bool role[PEOPLE][NAIVE_ROLES])
{
	for (unsigned p = 0; p <= t->n.people_count; p++) {
		const unsigned bits = role_get(&t->b->engine.cache, kind, row, id_of(p));

		for (unsigned r = 0; r < NAIVE_ROLES; r++)
			check(t, !!(bits & ROLE_BIT(ROLE_ALLOWED + r)) == role[p][r],
			      "somebody has another role");
	}
}

static void compare_room(struct trial *t, unsigned id)
{
	const struct cache *cache = &t->b->engine.cache;
	const uint32_t row = find_room(cache, id);
	const struct room_row *room;

	check(t, (row != 0) == t->n.room[id].there, "a room is there, or is not");
	if (row == 0)
		return;
	room = table_row(cache, TABLE_ROOM, row);
	check(t, find_room_by_name(cache, text(t->n.room[id].name)) == row, "its name");
	check(t, room->disabled == t->n.room[id].disabled, "whether it is disabled");
	check(t, room->privacy == privacies[t->n.room[id].privacy], "its privacy");
	check(t, (room->behavior == BEHAVIOR_AUDITORIUM) == t->n.room[id].auditorium, "its kind");
	check(t, find_category(cache, t->n.room[id].category) == room->category, "its category");
	check(t, room->last_seq == t->n.room[id].posts, "how many were posted");
	check(t, room->removals == t->n.room[id].removals, "how often messages were removed");
	compare_roles(t, NODE_ROOM, row, t->n.room[id].role);
	for (unsigned s = 1; s < SESSIONS; s++) {
		const uint32_t session = find_session(cache, SLOT_WORKER, GENERATION, s);
		const unsigned user = t->n.session[s].user;

		check(t, (session != 0) == (t->n.session[s].open || t->n.session[s].lost),
		      "a session is open, or is not");
		check(t,
		      (session != 0 && find_participant(cache, row, user, session, NULL) != 0) ==
			      t->n.session[s].in[id],
		      "who is where");
	}
}

static void compare_state(struct trial *t)
{
	const struct cache *cache = &t->b->engine.cache;

	for (unsigned c = 1; c <= t->n.categories; c++) {
		const uint32_t row = find_category(cache, c);

		check(t, (row != 0) == t->n.category[c].there, "a category is there, or is not");
		if (row != 0)
			compare_roles(t, NODE_CATEGORY, row, t->n.category[c].role);
	}
	for (unsigned r = 1; r <= t->n.rooms; r++)
		compare_room(t, r);
	compare_own(t);
	compare_settings(t);
}

/* --- The events once more. --- */

/* Before the batch goes to disk. */
static void keep_events(struct trial *t)
{
	struct journal_writer *writer = &t->b->engine.writer;
	struct err err;

	assert_true(t->copied + writer->batch_used <= COPY_SIZE);
	memcpy(t->copy + t->copied, writer->batch, writer->batch_used);
	t->copied += writer->batch_used;
	t->b->engine.oldest = writer->end;
	assert_return_code(journal_commit(writer, true, &err), 0);
}

static void replay(struct trial *t)
{
	const struct cache *first = &t->b->engine.cache;
	struct cache again;
	struct err err;

	assert_return_code(apply_open_private(&again, &t->b->conf, &err), 0);
	assert_return_code(apply_reset(&again, &t->b->conf,
				       (const uint8_t *)"0123456789abcdef", &err),
			   0);
	for (size_t at = 0; at < t->copied;) {
		const struct record *record = (const struct record *)(const void *)(t->copy + at);

		if (record->type != EVENT_PAD && apply_record(&again, record, &err) < 0)
			check(t, false, err.text);
		at += record->length;
	}
	check(t,
	      first->header->size == again.header->size &&
		      memcmp(first->base, again.base, first->header->size) == 0,
	      "the events do not give the same cache again");
	segment_unmap(&again.map);
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void run(uint64_t seed, unsigned count)
{
	struct trial t = {.seed = seed, .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
	struct naive_answer wanted;
	void *state;

	assert_int_equal(set_up_large(&state, FACTOR), 0);
	t.b = state;
	t.b->conf.limits.linger = UINT64_C(3600) * 1000000;
	t.b->conf.limits.rooms_per_session = ROOMS; /* of which the model knows nothing */
	t.copy = malloc(COPY_SIZE);
	assert_non_null(t.copy);
	wanted = naive_sign_in(&t.n, 1, 0, true);
	compare_answer(&t, sign(&t, 1, 0, true), &wanted);
	for (t.step = 1; t.step <= count; t.step++) {
		take_step(&t);
		compare_state(&t);
		keep_events(&t);
	}
	replay(&t);
	free(t.copy);
	tear_down(&state);
}

static void the_engine_does_what_the_rules_say(void **state)
{
	const uint64_t seed = number_from("PCHAT_SEED", 0);
	const unsigned count = (unsigned)number_from("PCHAT_STEPS", STEPS);

	(void)state;
	for (uint64_t i = 1; i <= RUNS && seed == 0; i++)
		run(i, count);
	if (seed != 0)
		run(seed, count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_engine_does_what_the_rules_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
