#include <string.h>

#include "shm/command.h"
#include "t/unit/engine_bench.h"

/* Who is in which group: session 1 is the administrator, 2 is alice; users 3 and up are made here,
 * 9 is a group. */

enum { ADMIN = 1, ALICE_SESSION, FIRST = 3, USERS = 6, STAFF = FIRST + USERS, CREW };

static void prepare(struct bench *b)
{
	populate(b);
	for (unsigned i = 0; i < USERS; i++) {
		char uri[] = "sip:user0@example.test";

		uri[8] = (char)('0' + i);
		assert_int_equal(put_user(b, ADMIN, 0, uri, 0), DECIDED);
	}
	assert_int_equal(put_group(b, "ma-grp:staff"), DECIDED);
	assert_int_equal(put_group(b, "ma-grp:crew"), DECIDED);
}

static unsigned members(struct bench *b)
{
	unsigned bits = 0;

	for (uint32_t id = 1; id <= CREW; id++)
		if (find_affiliation(&b->engine.cache, find_principal(&b->engine.cache, id),
				     find_principal(&b->engine.cache, STAFF)) != 0)
			bits |= 1u << id;
	return bits;
}

/* Whoever looks at the journal has to see who did it. */
static void expect_actor(const struct bench *b)
{
	const struct journal_writer *w = &b->engine.writer;

	for (size_t at = 0; at < w->batch_used;) {
		const struct record *r = (const struct record *)(const void *)(w->batch + at);

		if (r->type == EVENT_AFFILIATION)
			assert_int_equal(r->origin.session, ADMIN);
		at += r->length;
	}
}

static void test_a_list_is_done_in_one_go(void **state)
{
	const struct command_member list[] = {{3, 1}, {4, 1}, {CREW, 1}, {0}};
	const struct command_member other[] = {{3, 0}, {5, 1}, {4, 1}, {7, 0}, {0}};
	struct bench *b = *state;

	prepare(b);
	assert_int_equal(set_members(b, ADMIN, STAFF, false, list), DECIDED);
	assert_int_equal(members(b), 1 << 3 | 1 << 4 | 1 << CREW);
	assert_int_equal(set_members(b, ADMIN, STAFF, false, list), REFUSED(CODE_OK));
	assert_int_equal(set_members(b, ADMIN, STAFF, false, other), DECIDED);
	assert_int_equal(members(b), 1 << 4 | 1 << 5 | 1 << CREW);
	assert_int_equal(in_batch(b, EVENT_AFFILIATION, NULL), 5);
	expect_actor(b);
}

static void test_one_that_cannot_be_done_stops_all(void **state)
{
	static const struct {
		struct command_member list[4];
		int code;
	} bad[] = {
		{{{3, 1}, {99, 1}, {0}}, CODE_NO_SUCH_PRINCIPAL},
		{{{3, 1}, {STAFF, 1}, {0}}, CODE_INVALID_ARGUMENT},
		{{{3, 1}, {4, 2}, {0}}, CODE_INVALID_ARGUMENT},
	};
	const struct command_member one[] = {{3, 1}, {0}};
	struct bench *b = *state;

	prepare(b);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(set_members(b, ADMIN, STAFF, false, bad[i].list),
				 REFUSED(bad[i].code));
	assert_int_equal(set_members(b, ADMIN, 3, false, one), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(set_members(b, ADMIN, 99, false, one), REFUSED(CODE_NO_SUCH_PRINCIPAL));
	assert_int_equal(set_members(b, ALICE_SESSION, STAFF, false, one),
			 REFUSED(CODE_ERROR_PERMISSION));
	b->engine.cache.header->table[TABLE_AFFILIATION].rows = 0;
	assert_int_equal(set_members(b, ADMIN, STAFF, false, one), REFUSED(CODE_LIMIT_EXCEEDED));
	assert_int_equal(members(b), 0);
	assert_int_equal(in_batch(b, EVENT_AFFILIATION, NULL), 0);
}

static void test_replacing_takes_away_who_is_not_named(void **state)
{
	const struct command_member first[] = {{3, 1}, {4, 1}, {5, 1}, {6, 1}, {0}};
	const struct command_member then[] = {{7, 1}, {4, 1}, {0}};
	const struct command_member wrong[] = {{7, 0}, {0}};
	const struct command_member none[] = {{0}};
	struct bench *b = *state;

	prepare(b);
	assert_int_equal(set_members(b, ADMIN, STAFF, true, first), DECIDED);
	assert_int_equal(set_members(b, ADMIN, STAFF, true, then), DECIDED);
	assert_int_equal(members(b), 1 << 4 | 1 << 7);
	assert_int_equal(set_members(b, ADMIN, STAFF, true, wrong), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(set_members(b, ADMIN, STAFF, true, none), DECIDED);
	assert_int_equal(members(b), 0);
	assert_int_equal(set_members(b, ADMIN, STAFF, true, none), REFUSED(CODE_OK));
}

static void test_of_one_named_twice_the_last_word_counts(void **state)
{
	const struct command_member list[] = {{3, 1}, {4, 1}, {3, 0}, {0}};
	const struct command_member back[] = {{4, 0}, {4, 1}, {0}};
	struct bench *b = *state;

	prepare(b);
	assert_int_equal(set_members(b, ADMIN, STAFF, false, list), DECIDED);
	assert_int_equal(members(b), 1 << 4);
	assert_int_equal(set_members(b, ADMIN, STAFF, false, back), REFUSED(CODE_OK));
	assert_int_equal(members(b), 1 << 4);
}

/* What an import would do with a membership: it says so by the answer's seq. */
static uint64_t would_import(struct bench *b, uint32_t member)
{
	const struct command_import head = {.type = EVENT_AFFILIATION, .check = 1};
	const struct event_affiliation event = {member, STAFF, 1};
	uint8_t *at = b->mail.bytes + sizeof(struct command);

	memcpy(at, &head, sizeof(head));
	assert_int_equal(send_as(b, SLOT_WORKER, SLOT_WORKER, ADMIN, COMMAND_IMPORT, 0,
				 (uint32_t)sizeof(head) +
					 event_affiliation_put(&event, at + sizeof(head), 64)),
			 REFUSED(CODE_OK));
	return b->answer.seq;
}

static void test_an_import_tells_what_is_new_from_what_is_there(void **state)
{
	const struct command_member list[] = {{3, 1}, {0}};
	struct bench *b = *state;

	prepare(b);
	assert_int_equal(set_members(b, ADMIN, STAFF, false, list), DECIDED);
	assert_int_equal(would_import(b, 3), 0);
	assert_int_equal(would_import(b, 4), 1);
	assert_int_equal(members(b), 1 << 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_list_is_done_in_one_go),
		TEST(test_one_that_cannot_be_done_stops_all),
		TEST(test_replacing_takes_away_who_is_not_named),
		TEST(test_of_one_named_twice_the_last_word_counts),
		TEST(test_an_import_tells_what_is_new_from_what_is_there),
	};

	return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
