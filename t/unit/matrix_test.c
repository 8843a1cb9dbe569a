#include <stdio.h>
#include <string.h>

#include "shm/role.h"
#include "t/unit/engine_bench.h"

/*
 * The permission matrix of the original (who may do what), a row per cell. Everybody in it is a user
 * of his own with one session; the categories, rooms and roles are made by an administrator.
 */
enum who {
	ADMIN,	   /* a local administrator */
	MANAGER,   /* of the room, no member */
	CREATOR,   /* in the room's category, nothing in the room */
	PRESENTER, /* of the room, and member where that is needed */
	MEMBER,
	GROUPED, /* member by a group in a group */
	SCOPED,	 /* in the category's scope, nothing else */
	DENIED,	 /* in the scope by a group, and denied */
	OUTSIDE, /* not in the scope */
	WHOS
};

static const char *const names[WHOS] = {"admin",  "manager", "creator", "presenter", "member",
					"grouped", "scoped",  "denied",  "outside"};

enum { SCOPE = 1, DEEP, SALES, FIRST_USER };
enum { CLOSED, SECRET, OPEN, CLOSED_HALL, SECRET_HALL, OPEN_HALL, KINDS };

static const struct {
	const char *name;
	enum privacy privacy;
	enum behavior behavior;
} kinds[KINDS] = {
	{"Closed", PRIVACY_CLOSED, BEHAVIOR_NORMAL},
	{"Secret", PRIVACY_SECRET, BEHAVIOR_NORMAL},
	{"Open", PRIVACY_OPEN, BEHAVIOR_NORMAL},
	{"Closed hall", PRIVACY_CLOSED, BEHAVIOR_AUDITORIUM},
	{"Secret hall", PRIVACY_SECRET, BEHAVIOR_AUDITORIUM},
	{"Open hall", PRIVACY_OPEN, BEHAVIOR_AUDITORIUM},
};

static uint32_t user_of(enum who who)
{
	return FIRST_USER + who - 1;
}

static uint32_t session_of(enum who who)
{
	return who + 1u;
}

static void give(struct bench *b, enum node_kind kind, uint32_t node, uint32_t principal,
		 enum role role)
{
	assert_int_equal(set_role(b, 1, kind, node, principal, role, true), DECIDED);
}

static void make_people(struct bench *b)
{
	char uri[64];

	assert_int_equal(put_group(b, "ma-grp:scope"), DECIDED);
	assert_int_equal(put_group(b, "ma-grp:deep"), DECIDED);
	assert_int_equal(put_group(b, "ma-grp:sales"), DECIDED);
	for (enum who who = MANAGER; who < WHOS; who++) {
		snprintf(uri, sizeof(uri), "sip:%s@example.test", names[who]);
		assert_int_equal(put_user(b, 1, 0, uri, 0), DECIDED);
		if (who != OUTSIDE)
			assert_int_equal(affiliate(b, user_of(who), SCOPE, true), DECIDED);
		assert_int_equal(sign_in(b, SLOT_WORKER, session_of(who), user_of(who), 0, false),
				 DECIDED);
	}
	assert_int_equal(affiliate(b, user_of(GROUPED), DEEP, true), DECIDED);
	assert_int_equal(affiliate(b, DEEP, SALES, true), DECIDED);
	assert_int_equal(affiliate(b, DEEP, SCOPE, true), DECIDED);
	assert_int_equal(affiliate(b, SALES, SCOPE, true), DECIDED);
}

static void make_room_of_kind(struct bench *b, unsigned kind)
{
	struct event_room room = {.category = 1,
				  .privacy = (uint8_t)kinds[kind].privacy,
				  .behavior = (uint8_t)kinds[kind].behavior,
				  .name = text(kinds[kind].name)};
	uint32_t id = kind + 1;

	assert_int_equal(change_room(b, 1, &room, 0, 0), DECIDED);
	give(b, NODE_ROOM, id, user_of(MANAGER), ROLE_MANAGER);
	give(b, NODE_ROOM, id, user_of(MEMBER), ROLE_MEMBER);
	give(b, NODE_ROOM, id, SALES, ROLE_MEMBER);
	if (kinds[kind].behavior != BEHAVIOR_AUDITORIUM)
		return;
	if (kinds[kind].privacy != PRIVACY_OPEN)
		give(b, NODE_ROOM, id, user_of(PRESENTER), ROLE_MEMBER);
	give(b, NODE_ROOM, id, user_of(PRESENTER), ROLE_PRESENTER);
}

/* Category 1 is where it all happens, 2 another one in which nobody but its creators is. */
static void people(struct bench *b)
{
	assert_int_equal(sign_in(b, SLOT_WORKER, 1, 0, 0, true), DECIDED);
	make_people(b);
	assert_int_equal(put_category(b, 1, 0, "General"), DECIDED);
	give(b, NODE_CATEGORY, 1, SCOPE, ROLE_ALLOWED);
	give(b, NODE_CATEGORY, 1, user_of(DENIED), ROLE_DENIED);
	give(b, NODE_CATEGORY, 1, user_of(CREATOR), ROLE_CREATOR);
	assert_int_equal(put_category(b, 1, 0, "Other"), DECIDED);
	for (unsigned kind = 0; kind < KINDS; kind++)
		make_room_of_kind(b, kind);
}

#define Y DECIDED
#define N REFUSED(CODE_ERROR_PERMISSION)
#define H REFUSED(CODE_NO_SUCH_NODE) /* hidden: not even that the room is there shows */
#define J REFUSED(CODE_USER_NOT_JOINED)

static void check(const char *what, unsigned kind, enum who who, int got, int expected)
{
	if (got != expected)
		fail_msg("%s, %s, %s: %d, expected %d", what, kinds[kind].name, names[who], got,
			 expected);
}

/* Joining (and reading, which needs it), then posting; -: not joined, so it cannot be tried. */
static const struct {
	unsigned kind;
	int join[WHOS], post[WHOS];
} taking_part[] = {
	/*		 admin manager creator presenter member grouped scoped denied outside */
	{CLOSED,      {N, N, N, N, Y, Y, N, H, H}, {J, J, J, J, Y, Y, J, J, J}},
	{SECRET,      {N, H, H, H, Y, Y, H, H, H}, {J, J, J, J, Y, Y, J, J, J}},
	{OPEN,	      {N, Y, Y, Y, Y, Y, Y, H, H}, {J, Y, Y, Y, Y, Y, Y, J, J}},
	{CLOSED_HALL, {N, N, N, Y, Y, Y, N, H, H}, {J, J, J, Y, N, N, J, J, J}},
	{SECRET_HALL, {N, H, H, Y, Y, Y, H, H, H}, {J, J, J, Y, N, N, J, J, J}},
	{OPEN_HALL,   {N, Y, Y, Y, Y, Y, Y, H, H}, {J, N, N, Y, N, N, N, J, J}},
};

static void who_may_join_and_post_in_which_kind_of_room(void **state)
{
	struct bench *b = *state;

	people(b);
	for (unsigned i = 0; i < sizeof(taking_part) / sizeof(taking_part[0]); i++)
		for (enum who who = ADMIN; who < WHOS; who++) {
			unsigned kind = taking_part[i].kind;
			uint32_t room = kind + 1;

			check("join", kind, who, simple(b, COMMAND_JOIN, session_of(who), room),
			      taking_part[i].join[who]);
			check("post", kind, who, post(b, session_of(who), room, "", "text"),
			      taking_part[i].post[who]);
			if (taking_part[i].join[who] == Y)
				assert_int_equal(simple(b, COMMAND_LEAVE, session_of(who), room),
						 DECIDED);
		}
}

/* What the directory shows: bits of enum right. */
static const struct {
	unsigned kind;
	bool sees[WHOS];
} seeing[] = {
	{CLOSED, {1, 1, 1, 1, 1, 1, 1, 0, 0}},	     {SECRET, {1, 0, 0, 0, 1, 1, 0, 0, 0}},
	{OPEN, {1, 1, 1, 1, 1, 1, 1, 0, 0}},	     {CLOSED_HALL, {1, 1, 1, 1, 1, 1, 1, 0, 0}},
	{SECRET_HALL, {1, 0, 0, 1, 1, 1, 0, 0, 0}}, {OPEN_HALL, {1, 1, 1, 1, 1, 1, 1, 0, 0}},
};

static void who_finds_which_kind_of_room(void **state)
{
	struct bench *b = *state;
	static struct circle circle;

	people(b);
	for (unsigned i = 0; i < sizeof(seeing) / sizeof(seeing[0]); i++)
		for (enum who who = MANAGER; who < WHOS; who++) {
			uint32_t row = find_room(&b->engine.cache, seeing[i].kind + 1);

			circle_find(&b->engine.cache, user_of(who), &circle);
			check("see", seeing[i].kind, who,
			      (circle_rights(&b->engine.cache, &circle, row) & RIGHT_SEE) != 0,
			      seeing[i].sees[who]);
		}
}

static int rename_room(struct bench *b, uint32_t session, unsigned kind, const char *name)
{
	struct event_room room = {.id = kind + 1, .name = text(name)};

	return change_room(b, session, &room, FIELD_NAME, 0);
}

static int disable(struct bench *b, uint32_t session, unsigned kind, bool disabled)
{
	struct event_room room = {.id = kind + 1, .name = text("-"), .disabled = disabled};

	return change_room(b, session, &room, FIELD_STATE, 0);
}

static int move(struct bench *b, uint32_t session, unsigned kind, uint32_t category)
{
	struct event_room room = {.id = kind + 1, .name = text("-"), .category = category};

	return change_room(b, session, &room, FIELD_CATEGORY, 0);
}

static int create(struct bench *b, uint32_t session, const char *name)
{
	struct event_room room = {.category = 1, .name = text(name)};

	return change_room(b, session, &room, 0, 0);
}

/* One row a right; admin, manager, creator, presenter, member, grouped, scoped, denied, outside. */
static const int changes[WHOS] = {Y, Y, N, N, N, N, N, H, H};
static const int creates[WHOS] = {Y, N, Y, N, N, N, N, N, N};
static const int admin_only[WHOS] = {Y, N, N, N, N, N, N, N, N};
static const int disables[WHOS] = {Y, Y, N, N, N, N, N, H, H};
static const int enables[WHOS] = {Y, N, N, N, N, N, N, H, H};
static const int moves[WHOS] = {Y, N, N, N, N, N, N, H, H};

static void who_may_change_a_room_and_its_roles(void **state)
{
	struct bench *b = *state;
	char name[32];

	people(b);
	for (enum who who = ADMIN; who < WHOS; who++) {
		snprintf(name, sizeof(name), "Closed %d", who);
		check("rename", CLOSED, who, rename_room(b, session_of(who), CLOSED, name),
		      changes[who]);
		check("add a member", CLOSED, who,
		      set_role(b, session_of(who), NODE_ROOM, CLOSED + 1, user_of(SCOPED),
			       ROLE_MEMBER, true),
		      changes[who]);
		assert_int_equal(set_role(b, 1, NODE_ROOM, CLOSED + 1, user_of(SCOPED), ROLE_MEMBER,
					  false),
				 DECIDED);
		check("disable", CLOSED, who, disable(b, session_of(who), CLOSED, true),
		      disables[who]);
		assert_int_equal(disable(b, 1, CLOSED, true), DECIDED);
		check("enable", CLOSED, who, disable(b, session_of(who), CLOSED, false),
		      enables[who]);
		assert_int_equal(disable(b, 1, CLOSED, false), DECIDED);
		check("move", CLOSED, who, who == ADMIN ? Y : move(b, session_of(who), CLOSED, 2),
		      moves[who]);
	}
}

static void who_may_make_and_remove_rooms_categories_and_add_ins(void **state)
{
	struct bench *b = *state;
	char name[32];

	people(b);
	for (enum who who = ADMIN; who < WHOS; who++) {
		uint32_t session = session_of(who);

		snprintf(name, sizeof(name), "New %d", who);
		check("create", CLOSED, who, create(b, session, name), creates[who]);
		check("remove a room", OPEN, who,
		      who == ADMIN ? Y : remove_node(b, session, NODE_ROOM, OPEN + 1),
		      admin_only[who]);
		check("change a category", OPEN, who, put_category(b, session, 1, "General"),
		      admin_only[who]);
		check("allow", OPEN, who,
		      set_role(b, session, NODE_CATEGORY, 1, SCOPE, ROLE_ALLOWED, true),
		      admin_only[who]);
		snprintf(name, sizeof(name), "Add-in %d", who);
		if (who != ADMIN)
			check("make an add-in", OPEN, who,
			      put_addin(b, session, 0, name, "https://a.test/"), admin_only[who]);
	}
}

static void a_creator_manages_the_room_he_made_and_takes_part_in_it(void **state)
{
	struct bench *b = *state;
	uint32_t room = KINDS + 1, session = session_of(CREATOR);

	people(b);
	assert_int_equal(create(b, session, "My own"), DECIDED);
	assert_int_equal(rename_room(b, session, KINDS, "My very own"), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, session, room), DECIDED);
	assert_int_equal(post(b, session, room, "", "first"), DECIDED);
}

/* --- Beyond the matrix: the rules of lists, names and moves. --- */

static void a_role_is_only_for_who_is_in_scope_and_a_presenter_is_a_member(void **state)
{
	struct bench *b = *state;
	const struct command_role both[] = {{user_of(SCOPED), ROLE_MEMBER, 1, 0},
					    {user_of(SCOPED), ROLE_PRESENTER, 1, 0},
					    {0}};
	const struct command_role mixed[] = {{user_of(SCOPED), ROLE_MEMBER, 1, 0},
					     {user_of(OUTSIDE), ROLE_MEMBER, 1, 0},
					     {0}};

	people(b);
	assert_int_equal(set_role(b, 1, NODE_ROOM, 1, user_of(OUTSIDE), ROLE_MEMBER, true),
			 REFUSED(CODE_PRINCIPALS_NOT_IN_SCOPE));
	assert_int_equal(set_role(b, 1, NODE_ROOM, 1, user_of(DENIED), ROLE_MANAGER, true),
			 REFUSED(CODE_PRINCIPALS_NOT_IN_SCOPE));
	assert_int_equal(set_role(b, 1, NODE_CATEGORY, 1, user_of(OUTSIDE), ROLE_CREATOR, true),
			 REFUSED(CODE_PRINCIPALS_NOT_IN_SCOPE));
	assert_int_equal(set_role(b, 1, NODE_ROOM, 1, 999, ROLE_MEMBER, true),
			 REFUSED(CODE_NO_SUCH_PRINCIPAL));
	assert_int_equal(set_role(b, 1, NODE_ROOM, 1, user_of(MEMBER), ROLE_PRESENTER, true),
			 REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(set_role(b, 1, NODE_ROOM, CLOSED_HALL + 1, user_of(SCOPED),
				  ROLE_PRESENTER, true),
			 REFUSED(CODE_PRESENTER_NOT_IN_MEM_LIST));
	assert_int_equal(set_roles(b, 1, NODE_ROOM, CLOSED_HALL + 1, 0, mixed),
			 REFUSED(CODE_PRINCIPALS_NOT_IN_SCOPE));
	assert_int_equal(simple(b, COMMAND_JOIN, session_of(SCOPED), CLOSED_HALL + 1), N);
	assert_int_equal(set_roles(b, 1, NODE_ROOM, CLOSED_HALL + 1, 0, both), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, session_of(SCOPED), CLOSED_HALL + 1), DECIDED);
	assert_int_equal(post(b, session_of(SCOPED), CLOSED_HALL + 1, "", "text"), DECIDED);
}

static void three_lists_of_a_category_can_be_set_in_one_call(void **state)
{
	struct bench *b = *state;
	const struct command_role all[] = {{user_of(OUTSIDE), ROLE_CREATOR, 1, 0},
					   {user_of(SCOPED), ROLE_DENIED, 1, 0},
					   {user_of(OUTSIDE), ROLE_ALLOWED, 1, 0},
					   {0}};
	const struct command_role replaced[] = {{user_of(MEMBER), ROLE_ALLOWED, 1, 0}, {0}};

	people(b);
	assert_int_equal(set_roles(b, 1, NODE_CATEGORY, 2, 0, all), DECIDED);
	assert_int_equal(set_roles(b, 1, NODE_CATEGORY, 2, 1 << ROLE_ALLOWED, replaced), DECIDED);
	assert_int_equal(role_get(&b->engine.cache, NODE_CATEGORY,
				  find_category(&b->engine.cache, 2), user_of(OUTSIDE)),
			 ROLE_BIT(ROLE_CREATOR));
	assert_int_equal(role_get(&b->engine.cache, NODE_CATEGORY,
				  find_category(&b->engine.cache, 2), user_of(MEMBER)),
			 ROLE_BIT(ROLE_ALLOWED));
}

static void a_group_beyond_those_looked_at_may_be_denied(void **state)
{
	struct bench *b = *state;
	const struct cache *cache = &b->engine.cache;
	uint32_t denying, allowing;
	struct circle circle;

	people(b);
	give(b, NODE_CATEGORY, 2, SCOPE, ROLE_ALLOWED);
	denying = find_category(cache, 1);
	allowing = find_category(cache, 2);
	circle_find(cache, user_of(MEMBER), &circle);
	assert_false(circle.cut);
	assert_true(circle_in_scope(cache, &circle, denying));
	circle.cut = true;
	assert_false(circle_in_scope(cache, &circle, denying));
	assert_true(circle_in_scope(cache, &circle, allowing));
}

static void who_loses_access_leaves_at_once(void **state)
{
	struct bench *b = *state;
	uint32_t member = session_of(MEMBER), grouped = session_of(GROUPED);

	people(b);
	assert_int_equal(simple(b, COMMAND_JOIN, member, CLOSED + 1), DECIDED);
	assert_int_equal(simple(b, COMMAND_JOIN, grouped, CLOSED + 1), DECIDED);
	while (b->engine.rechecking)
		engine_recheck(&b->engine);
	assert_int_equal(set_role(b, 1, NODE_ROOM, CLOSED + 1, user_of(MEMBER), ROLE_MEMBER, false),
			 DECIDED);
	assert_int_equal(post(b, member, CLOSED + 1, "", "too late"), N);
	assert_true(engine_recheck(&b->engine));
	assert_int_equal(post(b, member, CLOSED + 1, "", "too late"), J);
	assert_int_equal(post(b, grouped, CLOSED + 1, "", "still here"), DECIDED);
	assert_int_equal(affiliate(b, DEEP, SALES, false), DECIDED);
	assert_true(engine_recheck(&b->engine));
	assert_int_equal(post(b, grouped, CLOSED + 1, "", "too late"), J);
}

static void a_move_takes_away_the_roles_that_the_new_category_does_not_know(void **state)
{
	struct bench *b = *state;
	const struct cache *cache = &b->engine.cache;
	uint32_t room;

	people(b);
	room = find_room(cache, CLOSED + 1);
	give(b, NODE_CATEGORY, 2, user_of(MEMBER), ROLE_ALLOWED);
	assert_int_equal(move(b, 1, CLOSED, 2), DECIDED);
	assert_int_equal(role_get(cache, NODE_ROOM, room, user_of(MEMBER)), ROLE_BIT(ROLE_MEMBER));
	assert_int_equal(role_get(cache, NODE_ROOM, room, user_of(MANAGER)), 0);
	assert_int_equal(role_get(cache, NODE_ROOM, room, SALES), 0);
	assert_int_equal(remove_node(b, 1, NODE_CATEGORY, 2),
			 REFUSED(CODE_INVALID_FLOW_OF_OPERATIONS));
}

static void names_are_unique_over_rooms_and_categories_without_regard_to_case(void **state)
{
	struct bench *b = *state;
	char longest[3 * 256 + 1] = "", longer[3 * 257 + 1] = "";

	people(b);
	for (unsigned i = 0; i < 256; i++)
		strcat(longest, "\xe2\x82\xac");
	strcpy(longer, longest);
	strcat(longer, "x");
	assert_int_equal(create(b, 1, "CLOSED HALL"), REFUSED(CODE_DUPLICATE_ROOM_NAME));
	assert_int_equal(create(b, 1, "general"), REFUSED(CODE_DUPLICATE_ROOM_NAME));
	assert_int_equal(put_category(b, 1, 0, "secret"), REFUSED(CODE_DUPLICATE_ROOM_NAME));
	assert_int_equal(create(b, 1, "Stra\xc3\x9f" "e"), DECIDED);
	assert_int_equal(put_category(b, 1, 0, "STRASSE"), REFUSED(CODE_DUPLICATE_ROOM_NAME));
	assert_int_equal(rename_room(b, 1, OPEN, longer), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(rename_room(b, 1, OPEN, longest), DECIDED);
	assert_int_equal(rename_room(b, 1, OPEN, "Open"), DECIDED);
}

static void two_who_change_the_same_room_are_both_told_the_truth(void **state)
{
	struct bench *b = *state;
	struct event_room one = {.id = 1, .name = text("One")}, two = {.id = 1, .name = text("Two")};
	uint64_t revision;

	people(b);
	revision = ((const struct room_row *)table_row(&b->engine.cache, TABLE_ROOM,
						       find_room(&b->engine.cache, 1)))
			   ->revision;
	assert_int_equal(change_room(b, 1, &one, FIELD_NAME, revision), DECIDED);
	assert_int_equal(change_room(b, session_of(MANAGER), &two, FIELD_NAME, revision),
			 REFUSED(CODE_DATA_COLLISION));
	assert_int_equal(change_room(b, session_of(MANAGER), &two, FIELD_NAME, revision + 1),
			 DECIDED);
}

static void an_add_in_has_a_name_and_an_address_and_leaves_its_rooms(void **state)
{
	struct bench *b = *state;
	struct event_room room = {.id = OPEN + 1, .name = text("-"), .addin = 1};

	people(b);
	assert_int_equal(put_addin(b, 1, 0, "Wiki", "ftp://a.test/"), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(put_addin(b, 1, 0, "", "http://a.test/"), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(change_room(b, 1, &room, FIELD_ADDIN, 0), REFUSED(CODE_NO_SUCH_NODE));
	assert_int_equal(put_addin(b, 1, 0, "Wiki", "http://a.test/"), DECIDED);
	assert_int_equal(put_addin(b, 1, 0, "WIKI", "http://b.test/"),
			 REFUSED(CODE_DUPLICATE_ADDIN_NAME));
	assert_int_equal(change_room(b, 1, &room, FIELD_ADDIN, 0), DECIDED);
	assert_int_equal(remove_node(b, 1, NODE_ADDIN, 1), DECIDED);
	assert_int_equal(((const struct room_row *)table_row(&b->engine.cache, TABLE_ROOM,
							     find_room(&b->engine.cache, OPEN + 1)))
				 ->addin,
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_may_join_and_post_in_which_kind_of_room),
		TEST(who_finds_which_kind_of_room),
		TEST(who_may_change_a_room_and_its_roles),
		TEST(who_may_make_and_remove_rooms_categories_and_add_ins),
		TEST(a_creator_manages_the_room_he_made_and_takes_part_in_it),
		TEST(a_role_is_only_for_who_is_in_scope_and_a_presenter_is_a_member),
		TEST(three_lists_of_a_category_can_be_set_in_one_call),
		TEST(a_group_beyond_those_looked_at_may_be_denied),
		TEST(who_loses_access_leaves_at_once),
		TEST(a_move_takes_away_the_roles_that_the_new_category_does_not_know),
		TEST(names_are_unique_over_rooms_and_categories_without_regard_to_case),
		TEST(two_who_change_the_same_room_are_both_told_the_truth),
		TEST(an_add_in_has_a_name_and_an_address_and_leaves_its_rooms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
